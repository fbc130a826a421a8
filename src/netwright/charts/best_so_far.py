"""The best so far over time or trials: is the search paying?"""

from __future__ import annotations

from typing import Any

import numpy as np

from netwright.charts.axes import metric_axis, metric_title, time_unit, tooltip
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.run_data import RunData
from netwright.charts.sampling import MOST_POINTS, sampled, sampled_note
from netwright.core.objective import Objective
from netwright.core.wording import duration

OVER = {"trials": "trials that have ended", "time": "time"}
SHAPES = ("this trial", "best so far")


def applies(data: RunData) -> str:
    return "" if data.completed.any() else "no trial has completed yet"


def draw(data: RunData, over: str = "time") -> Drawn:
    """The best score at the highest fidelity so far, and every trial behind it."""
    objective = data.objectives[0]
    unit, unit_name = time_unit(float(np.nanmax(data.ended[data.completed])))
    trials = _steps(data, objective, over, unit)
    shown = sampled(trials, MOST_POINTS, keep=lambda row: row["better"])
    tables: dict[str, Any] = {"trials": shown}
    alt = altair()
    title = (
        f"trials that have ended, of {len(trials)}" if over == "trials" else f"time since the first trial ({unit_name})"
    )
    x = alt.X("x:Q", title=title, axis=alt.Axis(tickMinStep=1 if over == "trials" else 0))
    y = metric_axis(alt.Y, "value", objective.metric, better=objective.direction)
    points = (
        alt.Chart(alt.NamedData("trials"))
        .mark_point(opacity=0.55, color="role:quiet", size=26)
        .encode(
            x=x,
            y=y,
            tooltip=[alt.Tooltip("trial:Q"), tooltip("value", objective.metric), "fidelity:Q", "ended after:N"],
        )
    )
    line = (
        alt.Chart(alt.NamedData("trials"))
        .mark_line(interpolate="step-after", color="role:main", strokeWidth=2.5)
        .encode(x=x, y=metric_axis(alt.Y, "best", objective.metric, better=objective.direction))
    )
    return Drawn((points + line).properties(width=640, height=340), tables, _note(data, trials, shown, objective))


def _steps(data: RunData, objective: Objective, over: str, unit: float) -> list[dict[str, Any]]:
    """Completed trials in the order of their ends, with the best at the highest fidelity by then."""
    places = np.flatnonzero(data.completed)
    places = places[np.argsort(data.told[places], kind="stable")]
    rows: list[dict[str, Any]] = []
    best, share = -np.inf, 0.0
    for count, place in enumerate(places, start=1):
        score, fidelity = data.scores[place, 0], data.fidelities[place]
        better = fidelity > share or (fidelity == share and score > best)
        if better:
            best, share = score, fidelity
        rows.append(
            {
                "trial": int(data.numbers[place]),
                "x": count if over == "trials" else data.ended[place] / unit,
                "value": _value(score, objective),
                "best": _value(best, objective),
                "better": bool(better),
                "fidelity": fidelity,
                "ended after": duration(float(data.ended[place])),
            }
        )
    return rows


def _value(score: float, objective: Objective) -> float:
    return float(score if objective.direction == "maximize" else -score)


def _note(data: RunData, rows: list[dict[str, Any]], shown: list[dict[str, Any]], objective: Objective) -> str:
    last = sum(row["better"] for row in rows)
    said = f"n = {len(rows)} completed trials; {metric_title(objective.metric)} improved {last} times."
    if len({row["fidelity"] for row in rows}) > 1:
        said += " Trials differ in how long they were trained; the line is of the longest training so far."
    return said + sampled_note(len(shown), len(rows), "trials")


CHART = Chart(
    "best",
    "Best so far",
    "Is the search paying?",
    draw,
    applies,
    {"over": "time or trials"},
)
