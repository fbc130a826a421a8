"""The data as it was understood: classes with their examples, and how well each is found."""

from __future__ import annotations

from netwright.charts.axes import WHOLE
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.finalists import figures_of
from netwright.charts.run_data import RunData
from netwright.core.wording import shortened

MOST = 60


def applies(data: RunData) -> str:
    figures = figures_of(data)
    if figures is None:
        return "what the data was understood as is kept with the final report, which is not there yet"
    return "" if figures.get("classes") else "the data has no classes"


def draw(data: RunData) -> Drawn:
    """Test examples of each class, and the share of them that the winner finds."""
    figures = figures_of(data)
    assert figures is not None
    classes = sorted(figures["classes"], key=lambda each: (-each["examples"], str(each["name"])))
    rows = [
        {"class": shortened(str(each["name"]), 24), "test examples": each["examples"], "found": each.get("recall")}
        for each in classes[:MOST]
    ]
    alt = altair()
    axis = alt.Axis(domain=False, ticks=False, labelPadding=6)
    y = alt.Y("class:N", sort=None, title=None, axis=axis)
    base = alt.Chart(alt.NamedData("classes")).encode(y=y)
    tips = ["class:N", "test examples:Q", alt.Tooltip("found:Q", format=".1%")]
    x = alt.X("test examples:Q", axis=alt.Axis(**WHOLE, tickCount=5))
    bars = base.mark_bar(height=12, color="role:main", opacity=0.8).encode(x=x, tooltip=tips)
    found = alt.X(
        "found:Q", title="share of them that the winner finds", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False)
    )
    bare = alt.Y("class:N", sort=None, title=None, axis=alt.Axis(labels=False, domain=False, ticks=False))
    dots = (
        alt.Chart(alt.NamedData("classes")).mark_point(size=60, color="role:best").encode(x=found, y=bare, tooltip=tips)
    )
    size = alt.Step(20)
    chart = alt.hconcat(bars.properties(width=250, height=size), dots.properties(width=250, height=size), spacing=24)
    note = " ".join(f"{line[0].upper()}{line[1:]}." for line in figures.get("data", []) if line)
    if len(classes) > MOST:
        note += f" The {MOST} largest of {len(classes)} classes are shown."
    return Drawn(chart, {"classes": rows}, note)


CHART = Chart(
    "data", "The data as it was understood", "What was learnt from, and which classes are rare?", draw, applies
)
