"""Which classes the winner takes for which."""

from __future__ import annotations

from typing import Any

from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.finalists import figures_of
from netwright.charts.run_data import RunData
from netwright.core.wording import shortened

MOST = 40  # classes that are shown as a matrix
LONGEST = 20


def applies(data: RunData) -> str:
    figures = figures_of(data)
    if figures is None:
        return "nothing was trained finally yet"
    if not figures.get("confusion"):
        return "the winner was not asked for classes, or its report has no table of them"
    return ""


def draw(data: RunData) -> Drawn:
    """Test examples of each class, rows, by what they are taken for; colour is the share of the row."""
    figures = figures_of(data)
    assert figures is not None
    names = [shortened(str(each["name"]), LONGEST) for each in figures["classes"]]
    matrix = figures["confusion"]
    kept = _worst(matrix) if len(matrix) > MOST else list(range(len(matrix)))
    rows: list[dict[str, Any]] = []
    for row in kept:
        whole = sum(matrix[row])
        for column in kept:
            count = matrix[row][column]
            share = count / whole if whole else 0.0
            kind = "right" if row == column else "wrong"
            rows.append({"is": names[row], "taken for": names[column], "examples": count, "share": share, "kind": kind})
    alt = altair()
    order = [names[each] for each in kept]
    base = alt.Chart(alt.NamedData("cells")).encode(
        x=alt.X(
            "taken for:N", sort=order, title="taken for", axis=alt.Axis(orient="top", labelAngle=-40, domain=False)
        ),
        y=alt.Y("is:N", sort=order, title="is", axis=alt.Axis(domain=False)),
    )
    right = alt.Scale(domain=[0, 1], range=["role:low", "role:main"], interpolate="rgb")
    wrong = alt.Scale(domain=[0, 0.5], range=["role:paper", "role:best"], clamp=True, interpolate="rgb")
    tips = ["is:N", "taken for:N", "examples:Q", alt.Tooltip("share:Q", format=".1%", title="share of the class")]
    good = base.transform_filter("datum.kind === 'right'").mark_rect(stroke="role:grid")
    bad = base.transform_filter("datum.kind === 'wrong'").mark_rect(stroke="role:grid")
    layers = [
        good.encode(color=alt.Color("share:Q", scale=right, legend=None), tooltip=tips),
        bad.encode(color=alt.Color("share:Q", scale=wrong, legend=None), tooltip=tips),
    ]
    if len(kept) <= 25:
        dark = "datum.kind === 'right' && datum.share > 0.5"
        words = alt.condition(dark, alt.value("role:paper"), alt.value("role:ink"))
        layers.append(base.transform_filter("datum.examples > 0").mark_text().encode(text="examples:Q", color=words))
    size = max(16, min(36, 560 // max(1, len(kept))))
    chart = (
        alt.layer(*layers).resolve_scale(color="independent").properties(width=alt.Step(size), height=alt.Step(size))
    )
    return Drawn(chart, {"cells": rows}, _note(figures, matrix, kept))


def _worst(matrix: list[list[int]]) -> list[int]:
    """The classes with the most errors, in their order."""
    errors = [sum(row) - row[at] + sum(other[at] for other in matrix) - row[at] for at, row in enumerate(matrix)]
    return sorted(sorted(range(len(matrix)), key=lambda at: -errors[at])[:MOST])


def _note(figures: Any, matrix: list[list[int]], kept: list[int]) -> str:
    examples = sum(map(sum, matrix))
    right = sum(row[at] for at, row in enumerate(matrix))
    wrong = examples - right
    said = f"{examples:,} test examples, {wrong:,} of them wrong ({wrong / max(1, examples):.1%}), "
    said += f"with the weights of seed {figures.get('exported_seed', 0)}; orange: errors."
    if len(kept) < len(matrix):
        said += f" The {len(kept)} of {len(matrix)} classes with the most errors are shown."
    return said


CHART = Chart("confusion", "What is taken for what", "Which classes does the winner confuse?", draw, applies)
