"""The critical-difference diagram (Demšar 2006): average ranks on a line, and bars over those not told apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

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
    path: of the file, with its ending.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    order = np.argsort(ranks)
    sorted_ranks = ranks[order]
    with mpl.rc_context({"svg.hashsalt": "netwright", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(5.0, 1.2 + 0.25 * len(names)), layout="constrained")
        axes = figure.add_subplot()
        axes.set(xlim=(0.8, len(names) + 0.2), ylim=(-0.3 - 0.3 * len(names), 0.6), yticks=[])
        axes.xaxis.tick_top()
        axes.set_xticks(range(1, len(names) + 1))
        axes.set_title(f"average rank; critical difference {difference:.2f}", fontsize=9)
        axes.spines[["left", "right", "bottom"]].set_visible(False)
        for place, (rank, who) in enumerate(zip(sorted_ranks, order, strict=True)):
            height = -0.3 * (place + 1)
            axes.plot([rank, rank], [0.6, height], color="0.6", linewidth=0.8)
            axes.text(rank + 0.03, height, f"{names[who]} ({rank:.2f})", va="center")
        for number, (first, last) in enumerate(groups(sorted_ranks, difference)):
            axes.plot(
                [sorted_ranks[first] - 0.03, sorted_ranks[last] + 0.03],
                [0.4 - BAR * number] * 2,
                color="k",
                linewidth=3,
            )
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
