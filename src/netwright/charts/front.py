"""The trials in two objectives, the front and its knee, and the limits: which one do I take?"""

from __future__ import annotations

from typing import Any

import numpy as np

from netwright.charts.axes import (
    Ends,
    beyond,
    direction,
    metric_axis,
    metric_title,
    spread_widely,
    tooltip,
    usual_ends,
)
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.run_data import RunData
from netwright.charts.sampling import MOST_POINTS, sampled, sampled_note
from netwright.charts.within import keeping, said
from netwright.core.errors import UserError, nearest
from netwright.core.fronts import knee

HEIGHT = 360
KINDS = ("knee", "front", "behind it", "left out", "breaks a limit")


def applies(data: RunData) -> str:
    if not data.completed.any():
        return "no trial has completed yet"
    if len(_numbers(data)) < 2:
        return "only one metric was measured; a front needs two"
    return ""


def draw(data: RunData, x: str = "", y: str = "", size: str = "", within: str = "") -> Drawn:
    """Two metrics of every completed trial at the highest fidelity, those ahead of all others joined by a line.

    Further limits fade the trials that do not keep them, and say what is left.
    """
    x, y = chosen(data, x, y)
    rows = sorted(front_rows(data, x, y, size, within), key=lambda row: (KINDS.index(row["kind"]) > 1, row["trial"]))
    shown = sampled(rows, MOST_POINTS, keep=lambda row: row["kind"] in ("knee", "front"))
    ahead = [row for row in rows if row["kind"] in ("knee", "front")]
    log = spread_widely(min(row["x"] for row in rows), max(row["x"] for row in rows))
    tables = {"trials": shown, "front": sorted(ahead, key=lambda row: row["x"]), "limits": _limits(data, x, y)}
    heads = {"x": x, "y": y, **({"size": size} if size else {})}
    ends = {axis: None if log and axis == "x" else ends_of(rows, tables["limits"], axis) for axis in ("x", "y")}
    note = _note(data, rows, shown, ahead, x, y)
    note += "".join(beyond([row[axis] for row in rows], ends[axis], name) for axis, name in (("x", x), ("y", y)))
    if within:
        places = np.flatnonzero(data.compared)
        note += said(data, within, keeping(data, within)[places], places)
    return Drawn(_chart(data, x, y, size, log, tables, ends), tables, note, heads=heads)


def chosen(data: RunData, x: str, y: str) -> tuple[str, str]:
    """The metrics of both axes: the first objective upwards, the second, or the parameters, to the right."""
    known = _numbers(data)
    objectives = [each.metric for each in data.objectives if each.metric in known]
    first = y or next((each for each in objectives if each != x), "") or known[0]
    second = x or next(
        (each for each in [*objectives, "params", "macs", *known] if each != first and each in known), ""
    )
    for each in (first, second):
        if each not in known:
            raise UserError(f"{each!r} was not measured in run {data.name!r}{nearest(each, known)}")
    return second, first


def _numbers(data: RunData) -> list[str]:
    return [name for name, values in data.metrics.items() if np.isfinite(values[data.completed]).any()]


def front_rows(data: RunData, x: str, y: str, size: str = "", within: str = "") -> list[dict[str, Any]]:
    """Trial, both metrics and kind of each trial that is compared, and of each measured one that broke a limit."""
    values = {name: data.metrics[name] for name in dict.fromkeys((x, y, *((size,) if size else ())))}
    measured = np.isfinite(values[x]) & np.isfinite(values[y])
    kept = keeping(data, within) if within else np.ones(len(data), dtype=bool)
    places = np.flatnonzero(measured & data.compared & kept)
    scores = np.column_stack([_score(data, name, values[name])[places] for name in (y, x)])
    front, bend = ahead(scores)
    kinds = ["knee" if at == bend else "front" if at in front else "behind it" for at in range(len(places))]
    outside = np.flatnonzero(measured & np.array([each == "infeasible" for each in data.states]))
    rows = [(*each,) for each in zip(places.tolist(), kinds, strict=True)]
    rows += [(place, "left out") for place in np.flatnonzero(measured & data.compared & ~kept).tolist()]
    rows += [(place, "breaks a limit") for place in outside.tolist()]
    return [_row(data, place, values, x, y, size, kind) for place, kind in rows]


def _row(
    data: RunData, place: int, values: dict[str, np.ndarray], x: str, y: str, size: str, kind: str
) -> dict[str, Any]:
    row = {"trial": int(data.numbers[place]), "x": float(values[x][place]), "y": float(values[y][place]), "kind": kind}
    return {**row, "size": float(values[size][place])} if size else row


def ahead(scores: np.ndarray) -> tuple[set[int], int | None]:
    """Places of the rows that no other dominates (larger is better; of equal ones the first), and of the knee."""
    order = np.lexsort((np.arange(len(scores)), -scores[:, 1], -scores[:, 0]))
    kept: list[int] = []
    highest = -np.inf
    for place in order:
        if scores[place, 1] > highest:
            kept.append(int(place))
            highest = scores[place, 1]
    bend = knee(scores[kept])
    return set(kept), None if bend is None else kept[bend]


def _score(data: RunData, metric: str, values: np.ndarray) -> np.ndarray:
    return values if direction(data.objectives, metric) == "maximize" else -values


def _limits(data: RunData, x: str, y: str) -> list[dict[str, Any]]:
    """Where lines are drawn: one of x and y each."""
    return [
        {"limit": str(each), ("x" if each.metric == x else "y"): each.limit}
        for each in data.limits
        if each.metric in (x, y)
    ]


def ends_of(rows: list[dict[str, Any]], limits: list[dict[str, Any]], axis: str) -> Ends | None:
    """What an axis shows where a few trials far off would press the front flat; None where it shows all.

    The front and the limits are always shown.
    """
    kept = np.array([row["kind"] in ("knee", "front") for row in rows])
    return usual_ends(np.array([row[axis] for row in rows]), kept, [row[axis] for row in limits if axis in row])


def _chart(
    data: RunData, x: str, y: str, size: str, log: bool, tables: dict[str, Any], ends: dict[str, Ends | None]
) -> Any:
    alt = altair()
    across = metric_axis(alt.X, "x", x, better=direction(data.objectives, x), log=log, ends=ends["x"])
    up = metric_axis(alt.Y, "y", y, better=direction(data.objectives, y), ends=ends["y"])
    kinds = [each for each in KINDS if any(row["kind"] == each for row in tables["trials"])]
    roles: dict[str, str] = dict(
        zip(KINDS, ("role:best", "role:main", "role:quiet", "role:faint", "role:outside"), strict=True)
    )
    shapes: dict[str, str] = dict(zip(KINDS, ("diamond", "circle", "circle", "triangle-down", "cross"), strict=True))
    kind = {"scale": alt.Scale(domain=kinds, range=[roles[each] for each in kinds]), "title": "trial"}
    shape = {**kind, "scale": alt.Scale(domain=kinds, range=[shapes[each] for each in kinds])}
    tips = [alt.Tooltip("trial:Q"), tooltip("y", y), tooltip("x", x), alt.Tooltip("kind:N")]
    sized = {"size": alt.Size("size:Q", title=metric_title(size), scale=alt.Scale(range=[20, 320]))} if size else {}
    small = {} if size else {"size": alt.condition("datum.kind == 'knee'", alt.value(140), alt.value(44))}
    points = (
        alt.Chart(alt.NamedData("trials"))
        .mark_point(filled=True, clip=any(ends.values()))
        .encode(
            x=across,
            y=up,
            color=alt.Color("kind:N", **kind),
            shape=alt.Shape("kind:N", **shape),
            fillOpacity=alt.condition(
                "datum.kind == 'behind it'", alt.value(0.45 if len(tables["trials"]) < 1000 else 0.2), alt.value(1)
            ),
            tooltip=[*tips, *([tooltip("size", size)] if size else [])],
            **sized,
            **small,
        )
    )
    line = (
        alt.Chart(alt.NamedData("front"))
        .mark_line(color="role:main", strokeWidth=1.5, opacity=0.7)
        .encode(x="x:Q", y="y:Q", order="x:Q")
    )
    first = points.transform_filter("datum.kind === 'knee' || datum.kind === 'front'")
    layers = [points, line, first]
    for axis in ("x", "y"):
        if any(axis in row for row in tables["limits"]):
            layers = [*_limit(axis, low=direction(data.objectives, y) == "maximize"), *layers]
    return alt.layer(*layers).properties(width=640, height=HEIGHT)


def _limit(axis: str, *, low: bool) -> list[Any]:
    """A line of each limit on this axis, with its text. low: whether that of a limit across stands at the lower end."""
    alt = altair()
    there = alt.Chart(alt.NamedData("limits")).transform_filter(f"isValid(datum.{axis})")
    where = {axis: f"{axis}:Q"}
    side = {"align": "right", "dx": -4} if axis == "x" else {"align": "left", "dx": 4}
    words = {**side, "baseline": "bottom", "color": "role:limit", "dy": -3}
    edge = {"y": alt.value(HEIGHT - 2 if low else 14)} if axis == "x" else {"x": alt.value(0)}
    return [
        there.mark_rule(color="role:limit", strokeDash=[5, 4]).encode(**where),
        there.mark_text(**words).encode(text="limit:N", **where, **edge),
    ]


def _note(data: RunData, rows: Any, shown: Any, ahead: Any, x: str, y: str) -> str:
    compared = sum(row["kind"] != "breaks a limit" for row in rows)
    outside = len(rows) - compared
    both = f"{metric_title(y)} and {metric_title(x)}"
    those = "is" if len(ahead) == 1 else "are"
    words = f"n = {compared} trials; {len(ahead)} of them {those} beaten by no other in both {both}."
    if any(row["kind"] == "knee" for row in rows):
        words += " The knee is where the front bends most."
    less = int(data.completed.sum() - data.compared.sum())
    if less:
        words += f" {less} more were trained for less, and are not compared."
    if outside:
        words += f" {outside} more broke a limit and were not trained to the end."
    return words + data.present.note + sampled_note(len(shown), len(rows), "trials")


CHART = Chart(
    "front",
    "Front of two objectives",
    "Which one do I take?",
    draw,
    applies,
    {
        "x": "metric to the right",
        "y": "metric upwards",
        "size": "metric shown by the size of the points",
        "within": 'further limits, as "params <= 50k; latency_ms <= 2": what is left, and the knee of it',
    },
)
