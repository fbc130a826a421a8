"""The critical-difference diagram (Demšar 2006): average ranks on a line, and bars over those not told apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from netwright.charts import Figure
from netwright.charts.chart import altair

BAR = 0.12  # between two bars


def groups(ranks: np.ndarray, difference: float) -> list[tuple[int, int]]:
    """The longest stretches of ascending ranks that lie within a difference, as first and last place.

    ranks: (n,), ascending.
    difference: from which two are told apart.
    """
    found: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = int(np.searchsorted(ranks, ranks[first] + difference, side="left")) - 1
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found


def draw(names: Sequence[str], ranks: np.ndarray, difference: float, path: Path) -> None:
    """Write the diagram as a vector graphic.

    names: of the contenders.
    ranks: (n,), their average ranks.
    difference: from which two are told apart.
    path: of the file, .svg or .pdf.
    """
    figure = diagram(names, ranks, difference)
    path.write_bytes(figure.pdf() if path.suffix == ".pdf" else figure.svg().encode())


def diagram(names: Sequence[str], ranks: np.ndarray, difference: float) -> Figure:
    """The diagram: each name below its rank, bars over those that are not told apart."""
    order = np.argsort(ranks, kind="stable")
    ranked = [
        {"who": names[who], "rank": float(ranks[who]), "height": -0.3 * (place + 1), "top": 0.6}
        for place, who in enumerate(order.tolist())
    ]
    for row in ranked:
        row["label"] = f"{row['who']} ({row['rank']:.2f})"
    bars = [
        {"from": ranked[first]["rank"] - 0.03, "to": ranked[last]["rank"] + 0.03, "height": 0.4 - BAR * number}
        for number, (first, last) in enumerate(groups(ranks[order], difference))
    ]
    alt = altair()
    axis = alt.Axis(orient="top", values=list(range(1, len(names) + 1)), grid=False)
    x = alt.X("rank:Q", title="average rank", axis=axis, scale=alt.Scale(domain=[0.8, len(names) + 0.6], nice=False))
    lowest = -0.3 - 0.3 * len(names)
    y = alt.Y("height:Q", axis=None, scale=alt.Scale(domain=[lowest, 0.6], nice=False))
    own = alt.Chart(alt.NamedData("ranks"))
    stems = own.mark_rule(color="role:faint").encode(x=x, y=y, y2="top:Q")
    words = own.mark_text(align="left", dx=4, color="role:ink").encode(x=x, y=y, text="label:N")
    across = alt.X("from:Q")
    joined = (
        alt.Chart(alt.NamedData("bars")).mark_rule(strokeWidth=4, color="role:ink").encode(x=across, x2="to:Q", y=y)
    )
    chart = alt.layer(stems, words, joined).properties(width=480, height=60 + 22 * len(names))
    note = f"Critical difference {difference:.2f} (Nemenyi, 5 %); a bar joins those that are not told apart."
    template = {key: value for key, value in chart.to_dict().items() if key != "config"}
    tables = {"ranks": ranked, "bars": bars}
    return Figure("ranks", "Average ranks", "Who is told apart?", note, tables, template=template, theme="print")
