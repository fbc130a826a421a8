"""Metrics and choices side by side, a line a trial: what do good ones share?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from netwright.charts.axes import direction, metric_title
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.grouping import grouped
from netwright.charts.importance import ranked
from netwright.charts.run_data import RunData
from netwright.charts.sampling import MOST_LINES, sampled, sampled_note
from netwright.charts.within import keeping, said
from netwright.core.errors import UserError, nearest
from netwright.results.metric_words import number

MOST_AXES = 10
MOST_LABELS = 8  # written at one axis
SPREAD = 0.3  # of the distance of two options, over which the lines of one lie
LONGEST = 24  # characters of an axis's name that are written in full
WIDTH = 760
BRUSHED = "brushed"  # the parameter that a page sets
LETTER = 6.2  # width of one
TURNED = 40  # degrees by which names rise
HEIGHT = 320


def applies(data: RunData) -> str:
    return "" if int(data.compared.sum()) > 1 else "fewer than two trials have completed"


def draw(data: RunData, axes: str = "", within: str = "") -> Drawn:
    """Metrics first, then the decisions that matter most; lines are coloured by the first objective.

    Lines that take one option are spread within it, the better ones above.
    """
    names = [each.strip() for each in axes.split(",")] if axes else usual_axes(data)
    places = np.flatnonzero(data.compared)
    kept = keeping(data, within)[places] if within else np.ones(len(places), dtype=bool)
    scaled = [_axis(data, name, places) for name in names]
    best = {data.best}
    order = np.argsort(data.scores[places, 0], kind="stable")  # the best ones above the others
    chosen = sampled(order.tolist(), MOST_LINES, keep=lambda at: int(places[at]) in best)
    share = _shares(data.scores[places, 0])
    rows: list[dict[str, Any]] = []
    for at in chosen:
        trial = int(data.numbers[places[at]])
        for place, (name, (values, texts, _)) in enumerate(zip(names, scaled, strict=True)):
            if not np.isnan(values[at]):
                row = {"trial": trial, "axis": place, "name": name, "at": float(values[at]), "value": texts[at]}
                rows.append({**row, "rank": float(share[at]), "kept": bool(kept[at])})
    labels = [
        {"axis": place, "at": at, "label": text} for place, (_, _, marks) in enumerate(scaled) for at, text in marks
    ]
    heads = [
        {"axis": place, "name": short, "whole": title(data, name), **_range(data, name, places)}
        for place, (name, short) in enumerate(zip(names, titles(data, names), strict=True))
    ]
    first = metric_title(data.objectives[0].metric)
    note = f"n = {len(places)} completed trials; colour: from the worst to the best in {first}."
    note += said(data, within, kept, places) if within else ""
    note += sampled_note(len(chosen), len(places), "trials")
    return Drawn(
        _chart([each["name"] for each in heads], bool(within), len(chosen)),
        {"lines": rows, "labels": labels, "heads": heads, "brushes": []},
        note,
    )


def _range(data: RunData, name: str, places: np.ndarray) -> dict[str, Any]:
    """What a brush on a metric's axis needs to say its range: the metric, and its values at the ends, below first."""
    if name not in data.metrics:
        return {}
    measured = data.metrics[name][places]
    finite = measured[np.isfinite(measured)]
    if not len(finite):
        return {}
    ends = [float(finite.min()), float(finite.max())]
    return {"metric": name, "ends": ends[::-1] if direction(data.objectives, name) == "minimize" else ends}


def usual_axes(data: RunData) -> list[str]:
    """The objectives, what limits are on, the parameters, and the decisions that explain most."""
    metrics = [each.metric for each in data.objectives] + [each.metric for each in data.limits] + ["params"]
    names = [each for each in dict.fromkeys(metrics) if each in data.metrics]
    decisions = [each.name for each, _ in ranked(data)]
    return [*names, *decisions][:MOST_AXES]


def title(data: RunData, name: str) -> str:
    """An axis's name."""
    return metric_title(name) if name in data.metrics else name.replace("/", " / ")


def titles(data: RunData, names: list[str]) -> list[str]:
    """The axes' names, long ones without their middle where they still differ."""
    parts = [name.split("/") for name in names]
    shorter = [f"{each[0]} / … / {each[-2]} / {each[-1]}" if len(each) > 3 else "" for each in parts]
    return [
        short if short and len(name) > LONGEST and shorter.count(short) == 1 else title(data, name)
        for name, short in zip(names, shorter, strict=True)
    ]


def _axis(data: RunData, name: str, places: np.ndarray) -> tuple[np.ndarray, list[str], list[tuple[float, str]]]:
    """Of each place its height, 0 to 1 or NaN, and its text; and the marks of the axis. Better is higher."""
    if name in data.metrics:
        return _metric(data, name, places)
    if name not in data.choices:
        known = [*data.metrics, *data.choices]
        raise UserError(f"run {data.name!r} has no metric or decision {name!r}{nearest(name, known)}")
    labels = data.choices[name]
    asked = [at for at, place in enumerate(places) if labels[place] is not None]
    values, texts = np.full(len(places), np.nan), [""] * len(places)
    if not asked:
        return values, texts, []
    names, groups = grouped([labels[places[at]] for at in asked])
    step = 1 / max(1, len(names) - 1)
    spread = _spread(groups, data.scores[places[asked], 0]) * SPREAD * min(step, 0.5)
    for at, group, moved in zip(asked, groups.tolist(), spread.tolist(), strict=True):
        values[at], texts[at] = group * step + moved, names[group]
    every = max(1, -(-len(names) // MOST_LABELS))
    return values, texts, [(at * step, text) for at, text in enumerate(names) if at % every == 0]


def _metric(data: RunData, name: str, places: np.ndarray) -> tuple[np.ndarray, list[str], list[tuple[float, str]]]:
    measured = data.metrics[name][places]
    measured = np.where(np.isfinite(measured), measured, np.nan)
    texts = ["" if np.isnan(each) else number(name, each) for each in measured]
    if np.isnan(measured).all():
        return measured, texts, []
    low, high = float(np.nanmin(measured)), float(np.nanmax(measured))
    if high == low:
        return np.where(np.isnan(measured), np.nan, 0.5), texts, [(0.5, number(name, low))]
    unit = (measured - low) / (high - low)
    marks = [(share, number(name, low + share * (high - low))) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    if direction(data.objectives, name) == "minimize":
        return 1 - unit, texts, [(1 - at, text) for at, text in marks]
    return unit, texts, marks


def _spread(groups: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """float (n,): from -0.5 for the worst of its group to 0.5 for the best."""
    found = np.zeros(len(groups))
    for group in np.unique(groups):
        own = np.flatnonzero(groups == group)
        found[own] = _shares(scores[own]) - 0.5 if len(own) > 1 else 0.0
    return found


def _shares(scores: np.ndarray) -> np.ndarray:
    """float (n,): the rank of each score, from 0 for the worst to 1 for the best."""
    return scores.argsort(kind="stable").argsort(kind="stable") / max(1, len(scores) - 1)


def _end(names: list[str]) -> float:
    """Where the picture ends to the right, in axes: so that each name has room."""
    letters = LETTER * math.cos(math.radians(TURNED)) * len(names) / WIDTH
    return max(len(names) - 0.45, *(place + letters * len(name) for place, name in enumerate(names)))


def _chart(names: list[str], within: bool, lines: int) -> Any:
    alt = altair()
    x = alt.X("axis:Q", axis=None, scale=alt.Scale(domain=[-0.25, _end(names)], nice=False))
    y = alt.Y("at:Q", axis=None, scale=alt.Scale(domain=[-0.1, 1.1], nice=False))
    roles = ["role:faint", "role:main", "role:best"]
    legend = {
        "format": ".0%",
        "orient": "bottom",
        "direction": "horizontal",
        "gradientLength": 220,
        "gradientOpacity": 1,
    }
    colour = alt.Color(
        "rank:Q",
        title="rank in the first objective",
        scale=alt.Scale(domain=[0, 0.5, 1], range=roles, interpolate="rgb"),
        legend=alt.Legend(**legend, tickCount=3),
    )
    full = 0.85 if lines < 100 else 0.45 if lines < 600 else 0.2
    brushed = f"({BRUSHED} === null || {BRUSHED}[datum.trial])"  # trials within the brushes of a page; null for none
    shown = f"datum.kept && {brushed}" if within else brushed
    faded = alt.condition(shown, alt.value(full), alt.value(0.03))
    wide = alt.condition("datum.rank === 1", alt.value(3), alt.value(1.2))
    drawn = (
        alt.Chart(alt.NamedData("lines"))
        .mark_line()
        .encode(x=x, y=y, detail="trial:N", color=colour, strokeOpacity=faded, strokeWidth=wide, tooltip=["trial:Q"])
    )
    upright = alt.Chart(alt.NamedData("heads")).mark_rule(color="role:quiet").encode(x=x)
    written = {"x": x, "y": y, "text": "label:N"}
    marks = alt.Chart(alt.NamedData("labels"))
    halo = marks.mark_text(align="left", dx=5, fontSize=10, stroke="role:paper", strokeWidth=4, limit=64).encode(
        **written
    )
    words = marks.mark_text(align="left", dx=5, fontSize=10, color="role:ink", limit=64).encode(**written)
    heads = alt.Chart(alt.NamedData("heads")).mark_text(
        align="left", baseline="bottom", fontSize=11, angle=360 - TURNED, dx=2, color="role:ink"
    )
    brushes = (
        alt.Chart(alt.NamedData("brushes"))
        .mark_rect(color="role:best", fillOpacity=0.25, stroke="role:best", aria=False)
        .encode(x=alt.X("left:Q", axis=None), x2="right:Q", y=alt.Y("low:Q", axis=None), y2="high:Q")
    )
    layers = [upright, drawn, halo, words, heads.encode(x=x, y=alt.value(-8), text="name:N", tooltip="whole:N")]
    chart = alt.layer(*layers, brushes).properties(width=WIDTH, height=HEIGHT)
    return chart.add_params(alt.param(BRUSHED, value=None)).properties(usermeta={"brush": BRUSHED})


CHART = Chart(
    "parallel",
    "Metrics and choices side by side",
    "What do good networks share?",
    draw,
    applies,
    {
        "axes": "metrics and decisions, as val_accuracy,params",
        "within": 'limits that lines must keep, as "params <= 50k; ..."',
    },
)
