"""The best so far over time or trials, beside random picks: is the search paying?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np

from netwright.charts.axes import WHOLE, Ends, beyond, metric_axis, metric_title, time_unit, tooltip, usual_ends
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.run_data import RunData
from netwright.charts.sampling import MOST_POINTS, sampled, sampled_note
from netwright.core.objective import Objective
from netwright.core.wording import duration

OVER = ("time", "trials")
RANDOM = "-random"  # how a search at equal cost beside another one is called
LOW, HIGH = 0.05, 0.95
OURS, THEIRS = "this run", "random picks, mean"


def applies(data: RunData) -> str:
    return "" if data.completed.any() else "no trial has completed yet"


def draw(data: RunData, over: str = "time", random: str = "") -> Drawn:
    """The best score at the highest fidelity so far, every trial behind it, and what random picks would have found."""
    objective = data.objectives[0]
    beside = data.beside(random or f"{data.name}{RANDOM}")
    ours = np.nanmax(data.ended[data.completed])
    theirs = np.nanmax(beside.ended[beside.completed]) if beside is not None and beside.completed.any() else 0.0
    unit, unit_name = time_unit(float(max(ours, theirs))) if over == "time" else (0.0, "")
    rows = steps(data, objective, unit)
    shown = sampled(rows, MOST_POINTS, keep=lambda row: row["better"])
    band = random_band(beside, objective, unit) if beside is not None else []
    last = {**rows[-1], "x": max(row["x"] for row in [*rows, *band])}
    title = f"time since the first trial ({unit_name})" if unit else "completed trials"
    tables = {"trials": shown, "line": [*(row for row in rows if row["better"]), last], "random": band}
    changes = [{"limits": line, "x": x} for line, x in zip(data.present.lines, _when(data, unit), strict=True)]
    tables |= {"changes": changes} if changes else {}
    note = _note(data, rows, objective) + data.present.note + sampled_note(len(shown), len(rows), "trials")
    if band:
        note += (
            f" The band: the best of as many of the {len(band)} random picks of run {beside.name} in any order, "  # type: ignore[union-attr]
            f"{LOW:.0%} to {HIGH:.0%} of the orders."
        )
        if "train" in data.purposes and "train" not in beside.purposes:  # type: ignore[union-attr]
            note += " They were trained, each by itself; this run's scores are with shared weights: compare no heights."
    ends = _ends(rows, band)
    note += beyond([row["value"] for row in rows], ends, objective.metric)
    heads = {"x": unit_name or "completed", "value": objective.metric, "best": f"best {objective.metric}"}
    return Drawn(_chart(objective, title, bool(unit), band, ends, changed=bool(changes)), tables, note, heads=heads)


def _when(data: RunData, unit: float) -> list[float]:
    """Where the limits were changed: at that time, or after as many completed trials."""
    if unit:
        return [(datetime.fromisoformat(each["time"]).timestamp() - data.begun) / unit for each in data.present.changes]
    return [float(np.sum(data.told[data.completed] < each["told"])) for each in data.present.changes]


def _ends(rows: list[dict[str, Any]], band: list[dict[str, Any]]) -> Ends | None:
    """What the axis of the metric shows, the best in the end and the band's always; None where it shows all."""
    values = [row["value"] for row in rows] + [row[name] for row in band for name in ("low", "high")]
    kept = [rows[-1]["best"]] + [band[-1][name] for name in ("low", "high") if band]
    return usual_ends(np.array(values), np.isin(values, kept))


def steps(data: RunData, objective: Objective, unit: float = 0.0) -> list[dict[str, Any]]:
    """Completed trials in the order of their ends, with the best at the highest fidelity by then.

    unit: seconds of a unit of time; 0 counts trials.
    """
    places = np.flatnonzero(data.completed)
    places = places[np.argsort(data.told[places], kind="stable")].tolist()
    rows: list[dict[str, Any]] = []
    best, share = -np.inf, 0.0
    for count, place in enumerate(places, start=1):
        score, fidelity = float(data.scores[place, 0]), float(data.fidelities[place])
        better = fidelity > share or (fidelity == share and score > best)
        if better:
            best, share = score, fidelity
        rows.append(
            {
                "trial": int(data.numbers[place]),
                "x": float(data.ended[place]) / unit if unit else count,
                "value": _value(score, objective),
                "best": _value(best, objective),
                "better": better,
                "share of the training": fidelity,
                "ended after": duration(float(data.ended[place])),
            }
        )
    return rows


def random_band(beside: RunData, objective: Objective, unit: float = 0.0) -> list[dict[str, Any]]:
    """After each number of random picks, the mean and two quantiles of the best, over all orders of the picks."""
    scores = np.sort(beside.scores[beside.compared, 0])
    seconds = float(np.nanmax(beside.ended[beside.compared])) if len(scores) else 0.0
    rows: list[dict[str, Any]] = []
    for count in range(1, len(scores) + 1):
        chances = best_of(len(scores), count)
        low, high = (scores[np.searchsorted(chances.cumsum(), each - 1e-12)] for each in (LOW, HIGH))
        ends = sorted(_value(float(each), objective) for each in (low, high))
        mean = _value(float(chances @ scores), objective)
        x = seconds * count / len(scores) / unit if unit else count
        rows.append({"picks": count, "x": x, "mean": mean, "low": ends[0], "high": ends[1]})
    return rows


def best_of(there: int, picked: int) -> np.ndarray:
    """float (there,): the chance that the i-th smallest of so many is the largest of some picked without repetition."""
    from scipy.special import gammaln

    place = np.arange(1, there + 1, dtype=float)
    with np.errstate(invalid="ignore"):
        chosen = gammaln(place) - gammaln(picked) - gammaln(np.maximum(place - picked + 1, 1))
    whole = gammaln(there + 1) - gammaln(picked + 1) - gammaln(there - picked + 1)
    return np.where(place >= picked, np.exp(chosen - whole), 0.0)


def _value(score: float, objective: Objective) -> float:
    return score if objective.direction == "maximize" else -score


def _chart(
    objective: Objective, title: str, timed: bool, band: list[dict[str, Any]], ends: Ends | None, *, changed: bool
) -> Any:
    alt, clip = altair(), ends is not None
    x = alt.X("x:Q", title=title, axis=alt.Axis(grid=False, **({} if timed else WHOLE)))
    names, roles = ([OURS, THEIRS], ["role:main", "role:other"]) if band else ([OURS], ["role:main"])
    colour = alt.Color(
        "series:N",
        scale=alt.Scale(domain=names, range=roles),
        title=None,
        legend=alt.Legend(orient="bottom") if band else None,
    )

    def up(field: str) -> Any:
        return metric_axis(alt.Y, field, objective.metric, better=objective.direction, ends=ends)

    def line(table: str, field: str, series: str, **mark: Any) -> Any:
        named = alt.Chart(alt.NamedData(table)).transform_calculate(series=f"'{series}'")
        return named.mark_line(interpolate="step-after", clip=clip, **mark).encode(x=x, y=up(field), color=colour)

    tips = [alt.Tooltip("trial:Q"), tooltip("value", objective.metric), "share of the training:Q", "ended after:N"]
    points = alt.Chart(alt.NamedData("trials")).mark_point(fillOpacity=0.5, color="role:quiet", size=24, clip=clip)
    layers = [points.encode(x=x, y=up("value"), tooltip=tips)]
    if band:
        area = alt.Chart(alt.NamedData("random")).mark_area(
            interpolate="step-after", opacity=0.18, color="role:other", clip=clip
        )
        layers = [area.encode(x=x, y=up("low"), y2="high:Q"), *layers]
        layers.append(line("random", "mean", THEIRS, strokeWidth=1.5, strokeDash=[6, 3]))
    layers.append(line("line", "best", OURS, strokeWidth=2.5))
    if changed:
        rule = alt.Chart(alt.NamedData("changes")).mark_rule(color="role:quiet", strokeDash=[2, 4], strokeWidth=2)
        layers.append(rule.encode(x=x, tooltip=[alt.Tooltip("limits:N", title="limits from here on")]))
    return alt.layer(*layers).properties(width=640, height=340)


def _note(data: RunData, rows: list[dict[str, Any]], objective: Objective) -> str:
    times = sum(row["better"] for row in rows) - 1
    improved = f"improved {times} time{'' if times == 1 else 's'}" if times else "was not improved after the first"
    said = (
        f"n = {len(rows)} completed trial{'' if len(rows) == 1 else 's'}; {metric_title(objective.metric)} {improved}."
    )
    if len({row["share of the training"] for row in rows}) > 1:
        said += " Trials differ in how long they were trained; the line is of the longest training so far."
    return said


CHART = Chart(
    "best",
    "Best so far",
    "Is the search paying?",
    draw,
    applies,
    {"over": "time or trials", "random": "a run of random picks beside it; that named RUN-random if left out"},
    {"over": OVER},
)
