"""Plots of a comparison as vector graphics (SVG and PDF)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.errors import MissingExtra

if TYPE_CHECKING:
    from netwright.benchmarks.comparison import Comparison

FORMATS = ("svg", "pdf")
# Eight colours that colour-blind readers tell apart (Okabe and Ito 2008), with other dashes once they run out.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
DASHES = ("-", "--", "-.", ":")
SIZE = (5.0, 3.4)  # inches
_LEAST_REGRET = 1e-3  # share of the largest regret at which a logarithmic axis ends


def require_plots() -> None:
    """Raise MissingExtra where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtra("matplotlib", "compare") from None


def write_plots(found: Comparison, folder: Path) -> list[Path]:
    """For each problem: report and regret over the budget, mean rank over the budget, and the final values."""
    import matplotlib as mpl

    written: list[Path] = []
    kinds = {"reported": plot_reported, "regret": plot_regret, "rank": plot_ranks, "final": plot_finals}
    with mpl.rc_context({"svg.hashsalt": "netwright", "svg.fonttype": "none", "font.size": 9}):
        for problem in found.problems:
            if not found.shared(problem)[1]:
                continue
            for kind, plot in kinds.items():
                if kind == "regret" and not found.limits(problem):
                    continue
                figure, axes = _figure()
                plot(found, problem, axes)
                _finish(axes)
                for ending in FORMATS:
                    written.append(folder / f"{_slug(problem)}-{kind}.{ending}")
                    metadata = {"Date": None} if ending == "svg" else {"CreationDate": None}
                    figure.savefig(written[-1], metadata=metadata)
    return written


def _figure() -> tuple[Any, Any]:
    """A figure that belongs to no window."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    return figure, figure.add_subplot()


def _finish(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.5)
    axes.legend(frameon=False, fontsize=8)


def _style(number: int) -> dict[str, Any]:
    dash = DASHES[number // len(COLOURS) % len(DASHES)]
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": dash, "linewidth": 1.4}


def _budget(found: Comparison) -> str:
    if found.plan.budget.evaluations is not None:
        return "full evaluations"
    return "seconds"


def plot_reported(found: Comparison, problem: str, axes: Any) -> None:
    """The reported metric of the best network so far by the searched one: mean and 95 % band."""
    for number, strategy in enumerate(found.shared(problem)[0]):
        mean, low, high = found.band(strategy, problem)
        axes.plot(found.grid, mean, label=strategy, **_style(number))
        axes.fill_between(found.grid, low, high, color=_style(number)["color"], alpha=0.18, linewidth=0)
    axes.set(xlabel=_budget(found), ylabel=found.reported(problem).metric)


def plot_regret(found: Comparison, problem: str, axes: Any) -> None:
    """How much the best there is is better than the best so far: mean and 95 % band, on a logarithmic axis."""
    largest = 0.0
    for number, strategy in enumerate(found.shared(problem)[0]):
        mean, low, high = (found.regret(problem, each) for each in found.band(strategy, problem))
        largest = max(largest, float(np.nanmax(mean, initial=0.0)))
        axes.plot(found.grid, mean, label=strategy, **_style(number))
        axes.fill_between(found.grid, low, high, color=_style(number)["color"], alpha=0.18, linewidth=0)
    if largest > 0:
        axes.set_yscale("log")
        axes.set_ylim(bottom=_LEAST_REGRET * largest)
    axes.set(xlabel=_budget(found), ylabel=f"regret, {found.reported(problem).metric}")


def plot_ranks(found: Comparison, problem: str, axes: Any) -> None:
    """Mean rank among the strategies over the budget; 1 is best."""
    for number, (strategy, ranks) in enumerate(found.ranks(problem).items()):
        axes.plot(found.grid, ranks, label=strategy, **_style(number))
    axes.invert_yaxis()
    axes.set(xlabel=_budget(found), ylabel="mean rank")


def plot_finals(found: Comparison, problem: str, axes: Any) -> None:
    """The share of searches that ended at or below each value."""
    names, repeats = found.shared(problem)
    for number, strategy in enumerate(names):
        axes.ecdf(found.final(strategy, problem, repeats), label=strategy, **_style(number))
    axes.set(xlabel=f"{found.reported(problem).metric} at the end", ylabel="share of searches")


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "problem"
