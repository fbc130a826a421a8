"""Foretold against measured, as of latency: is the model right?"""

from __future__ import annotations

import numpy as np

from netwright.charts.axes import metric_axis, metric_title, tooltip
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.run_data import RunData
from netwright.charts.sampling import MOST_POINTS, sampled, sampled_note
from netwright.core.errors import UserError, nearest

PREDICTED = "predicted"
WITHIN = 0.1


def pairs(data: RunData) -> list[tuple[str, str]]:
    """Metrics that were foretold and measured, as latency_predicted_ms and latency_ms."""
    found = []
    for name in data.metrics:
        parts = name.split("_")
        if PREDICTED in parts:
            measured = "_".join(each for each in parts if each != PREDICTED)
            if measured in data.metrics:
                found.append((name, measured))
    return found


def applies(data: RunData) -> str:
    return "" if pairs(data) else "no metric was both foretold and measured, as latency_predicted_ms and latency_ms"


def draw(data: RunData, predicted: str = "", measured: str = "") -> Drawn:
    """A point a trial, and the line on which both are equal."""
    if not (predicted and measured):
        predicted, measured = pairs(data)[0]
    for each in (predicted, measured):
        if each not in data.metrics:
            raise UserError(f"{each!r} was not measured in run {data.name!r}{nearest(each, data.metrics)}")
    first, second = data.metrics[predicted], data.metrics[measured]
    places = np.flatnonzero(np.isfinite(first) & np.isfinite(second) & (second > 0))
    if not len(places):
        return Drawn({}, {}, empty="no trial has both")
    error = first[places] / second[places] - 1
    rows = [
        {"trial": int(data.numbers[at]), "x": float(second[at]), "y": float(first[at]), "error": float(wrong)}
        for at, wrong in zip(places.tolist(), error, strict=True)
    ]
    shown = sampled(rows, MOST_POINTS)
    ends = [min(row["x"] for row in rows), max(row["x"] for row in rows)]
    alt = altair()
    x, y = metric_axis(alt.X, "x", measured), metric_axis(alt.Y, "y", predicted)
    x.title, y.title = f"{metric_title(measured)}, measured", f"{metric_title(measured)}, foretold"
    tips = ["trial:Q", tooltip("x", measured), tooltip("y", predicted), alt.Tooltip("error:Q", format="+.1%")]
    points = alt.Chart(alt.NamedData("pairs")).mark_point(color="role:main", size=36, fillOpacity=0.6)
    equal = alt.Chart(alt.NamedData("equal")).mark_line(color="role:quiet", strokeDash=[4, 4], strokeWidth=1)
    chart = (equal.encode(x=x, y=y) + points.encode(x=x, y=y, tooltip=tips)).properties(width=420, height=380)
    near = float((np.abs(error) <= WITHIN).mean())
    note = (
        f"n = {len(rows)} trials; off by {np.median(np.abs(error)):.1%} in the median, on average {error.mean():+.1%}; "
    )
    note += f"{near:.0%} of them by at most {WITHIN:.0%}. Dashed: both equal."
    tables = {"pairs": shown, "equal": [{"x": each, "y": each} for each in ends]}
    heads = {"x": measured, "y": predicted}
    return Drawn(chart, tables, note + sampled_note(len(shown), len(rows), "trials"), heads=heads)


CHART = Chart(
    "calibration",
    "Foretold against measured",
    "Is the model of the latency right?",
    draw,
    applies,
    {"predicted": "the metric that was foretold", "measured": "the one that was measured"},
)
