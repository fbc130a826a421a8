"""The fronts that strategies attain, as a chart of two objectives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netwright.benchmarks.front_comparison import SHARES, ComparisonOfFronts
from netwright.benchmarks.plots import SIZE, Rows, figure, told_apart
from netwright.charts.axes import metric_axis
from netwright.charts.chart import altair

if TYPE_CHECKING:
    from netwright.benchmarks.comparison import Comparison
    from netwright.charts import Figure


def plot_attained(found: Comparison, problem: str) -> Figure:
    """Of each strategy the front that half of its seeds reach or beat, and those of a quarter and three quarters."""
    assert isinstance(found, ComparisonOfFronts)
    first, second = found.objectives
    names, _ = found.shared(problem)
    rows: Rows = [
        {"strategy": name, "share": share, "first": point[0], "second": point[1]}
        for name in names
        for share in SHARES
        for point in found.attained(name, problem, share).tolist()
    ]
    alt = altair()
    colour, dash = told_apart(names)
    x = metric_axis(alt.X, "second", second.metric, better=second.direction)
    y = metric_axis(alt.Y, "first", first.metric, better=first.direction)
    lines = alt.Chart(alt.NamedData("lines")).encode(
        x=x,
        y=y,
        color=colour,
        strokeDash=dash,
        detail="share:N",
        order=alt.Order("second:Q"),
        tooltip=["strategy:N", alt.Tooltip("share:Q", format="%"), "first:Q", "second:Q"],
    )
    thin = lines.mark_line(interpolate=_steps(found), strokeWidth=0.7).transform_filter("datum.share != 0.5")
    thick = lines.mark_line(interpolate=_steps(found), strokeWidth=2.4).transform_filter("datum.share == 0.5")
    title, question = f"{problem}: fronts that are attained", "Which compromises can a search be expected to find?"
    made = figure("attained", title, question, (thin + thick).properties(**SIZE), rows, found, problem, band=False)
    said = "Thick: reached or beaten by half of the seeds; thin: by a quarter and by three quarters."
    return replace(made, note=f"{made.note} {said}", heads={"first": first.metric, "second": second.metric})


def _steps(found: ComparisonOfFronts) -> str:
    """What is dominated lies on the worse side of each point, along the second objective."""
    return "step-after" if found.objectives[1].direction == "minimize" else "step-before"
