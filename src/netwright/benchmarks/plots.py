"""Charts of a comparison, and vector graphics (SVG and PDF) of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.benchmarks.front_comparison import SHARES, FrontMeasures
from netwright.charts import Figure
from netwright.charts.axes import metric_axis, metric_title
from netwright.charts.chart import altair
from netwright.core.errors import MissingExtra

if TYPE_CHECKING:
    from netwright.benchmarks.comparison import Comparison

FORMATS = ("svg", "pdf")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])  # once the colours run out
COLOURS = 8
SIZE = {"width": 460, "height": 300}
_LEAST_REGRET = 1e-3  # share of the largest regret at which a logarithmic axis ends
Rows = list[dict[str, Any]]


def require_plots() -> None:
    """Raise MissingExtra where altair or vl-convert is not installed."""
    altair()
    try:
        import vl_convert  # noqa: F401
    except ImportError:
        raise MissingExtra("vl-convert-python", "compare") from None


def write_plots(found: Comparison, folder: Path) -> list[Path]:
    """For each problem: report and regret over the budget, mean rank over the budget, and the final values."""
    written: list[Path] = []
    for name, figure in found.figures.items():
        for ending, made in zip(FORMATS, (figure.svg().encode(), figure.pdf()), strict=True):
            written.append(folder / f"{name}.{ending}")
            written[-1].write_bytes(made)
    return written


def figures(found: Comparison) -> dict[str, Figure]:
    """The charts of a comparison by "problem-kind"; none of a problem that no strategy finished."""
    kinds: Mapping[str, Callable[[Comparison, str], Figure]] = {
        "reported": plot_reported,
        "regret": plot_regret,
        "rank": plot_ranks,
        "final": plot_finals,
    }
    if len(found.plan.objectives) == 2:
        kinds = {"reported": plot_reported, "attained": plot_attained, **kinds}
    return {
        f"{_slug(problem)}-{kind}": plot(found, problem)
        for problem in found.problems
        for kind, plot in kinds.items()
        if found.shared(problem)[1] and (kind != "regret" or found.limits(problem))
    }


def plot_reported(found: Comparison, problem: str) -> Figure:
    """The reported metric of the best network so far by the searched one: mean and 95 % band."""
    objective = found.reported(problem)
    rows = [row for name in found.shared(problem)[0] for row in _band(found, name, found.band(name, problem))]
    y = metric_axis(altair().Y, "mean", objective.metric, better=objective.direction)
    several = bool(found.plan.objectives)
    question = f"Which strategy finds {'larger fronts' if several else 'better networks'}, sooner?"
    return _figure(
        "reported",
        f"{problem}: {'the front' if several else 'the best network'} so far",
        question,
        _lines(found, problem, y),
        rows,
        found,
        problem,
    )


def plot_regret(found: Comparison, problem: str) -> Figure:
    """How much the best there is is better than the best so far: mean and 95 % band, on a logarithmic axis."""
    rows: Rows = []
    for name in found.shared(problem)[0]:
        mean, *ends = (found.regret(problem, each) for each in found.band(name, problem))
        rows += _band(found, name, (mean, np.minimum(*ends), np.maximum(*ends)))
    largest = max([row["mean"] for row in rows if row["mean"] is not None], default=0.0)
    smallest = min([row[key] for row in rows for key in ("mean", "low") if (row[key] or 0) > 0], default=largest)
    least = max(_LEAST_REGRET * largest, 0.8 * smallest)
    for row in rows:  # what is no regret any more lies at the end of the axis
        row.update({key: max(row[key], least) for key in ("mean", "low", "high") if row.get(key) is not None})
    alt = altair()
    scale = alt.Scale(type="log", domain=[least, 1.2 * largest], nice=False) if largest > 0 else alt.Scale()
    title = f"regret, {metric_title(found.reported(problem).metric)}"
    y = alt.Y("mean:Q", title=title, scale=scale, axis=alt.Axis(format="~g", tickCount=6))
    question = f"How far from the best {'front' if found.plan.objectives else 'network'} there is?"
    return _figure("regret", f"{problem}: regret", question, _lines(found, problem, y), rows, found, problem)


def plot_ranks(found: Comparison, problem: str) -> Figure:
    """Mean rank among the strategies over the budget; 1 is best."""
    rows = [
        {"strategy": name, "spent": float(at), "mean": _number(rank)}
        for name, ranks in found.ranks(problem).items()
        for at, rank in zip(found.grid, ranks, strict=True)
    ]
    alt = altair()
    y = alt.Y("mean:Q", title="mean rank, 1 is best", scale=alt.Scale(reverse=True, zero=False))
    title, question = f"{problem}: mean rank", "Which strategy is ahead on the same seeds?"
    return _figure("rank", title, question, _lines(found, problem, y, band=False), rows, found, problem, band=False)


def plot_finals(found: Comparison, problem: str) -> Figure:
    """The share of searches that ended at or below each value."""
    names, repeats = found.shared(problem)
    rows: Rows = []
    for name in names:
        values = np.sort(found.final(name, problem, repeats))
        values = values[np.isfinite(values)]
        rows += [
            {"strategy": name, "value": float(each), "share": (at + 1) / len(values)} for at, each in enumerate(values)
        ]
        if len(values):
            rows.append({"strategy": name, "value": float(values[0]), "share": 0.0})
    alt, metric = altair(), found.reported(problem).metric
    x = metric_axis(alt.X, "value", metric)
    x.title = f"{metric_title(metric)} at the end"
    y = alt.Y("share:Q", title="share of searches", axis=alt.Axis(format="%"))
    colour, dash = _told_apart(names)
    base = alt.Chart(alt.NamedData("lines")).mark_line(interpolate="step-after", strokeWidth=1.8)
    chart = base.encode(x=x, y=y, color=colour, strokeDash=dash, order=alt.Order("share:Q")).properties(**SIZE)
    question = "What does a search end with, good or bad luck?"
    return _figure("final", f"{problem}: values at the end", question, chart, rows, found, problem, band=False)


def plot_attained(found: Comparison, problem: str) -> Figure:
    """Of each strategy the front that half of its seeds reach or beat, and those of a quarter and three quarters."""
    assert isinstance(found, FrontMeasures)
    first, second = found.objectives
    names, _ = found.shared(problem)
    rows: Rows = [
        {"strategy": name, "share": share, "first": point[0], "second": point[1]}
        for name in names
        for share in SHARES
        for point in found.attained(name, problem, share).tolist()
    ]
    alt = altair()
    colour, dash = _told_apart(names)
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
    made = _figure("attained", title, question, (thin + thick).properties(**SIZE), rows, found, problem, band=False)
    said = "Thick: reached or beaten by half of the seeds; thin: by a quarter and by three quarters."
    return replace(made, note=f"{made.note} {said}", heads={"first": first.metric, "second": second.metric})


def _steps(found: FrontMeasures) -> str:
    """What is dominated lies on the worse side of each point, along the second objective."""
    return "step-after" if found.objectives[1].direction == "minimize" else "step-before"


def _band(found: Comparison, name: str, band: tuple[np.ndarray, ...]) -> Rows:
    """A row a point of the budget; None while nothing has completed."""
    mean, low, high = band
    return [
        {"strategy": name, "spent": float(at), "mean": _number(m), "low": _number(a), "high": _number(b)}
        for at, m, a, b in zip(found.grid, mean, low, high, strict=True)
    ]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _told_apart(names: list[str]) -> tuple[Any, Any]:
    """Colour, and dash once the colours run out, of each strategy."""
    alt = altair()
    legend = alt.Legend(orient="bottom", columns=3, symbolType="stroke", symbolSize=300, labelLimit=200)
    roles = [f"role:category {place % COLOURS}" for place in range(len(names))]
    dashes = [DASHES[place // COLOURS % len(DASHES)] for place in range(len(names))]
    colour = alt.Color("strategy:N", title=None, scale=alt.Scale(domain=names, range=roles), legend=legend)
    return colour, alt.StrokeDash("strategy:N", title=None, scale=alt.Scale(domain=names, range=dashes), legend=legend)


def _lines(found: Comparison, problem: str, y: Any, *, band: bool = True) -> Any:
    """A line a strategy over the budget, with its band."""
    alt = altair()
    colour, dash = _told_apart(found.shared(problem)[0])
    x = alt.X("spent:Q", title=_budget(found), axis=alt.Axis(grid=False))
    own = alt.Chart(alt.NamedData("lines"))
    tips = [
        "strategy:N",
        alt.Tooltip("spent:Q", title=_budget(found)),
        "mean:Q",
        *(["low:Q", "high:Q"] if band else []),
    ]
    lines = own.mark_line(strokeWidth=1.8).encode(x=x, y=y, color=colour, strokeDash=dash, tooltip=tips)
    if not band:
        return lines.properties(**SIZE)
    low = y.copy()
    low.shorthand = "low:Q"
    area = own.mark_area(fillOpacity=0.16).encode(x=x, y=low, y2="high:Q", color=colour)
    return (area + lines).properties(**SIZE)


def _budget(found: Comparison) -> str:
    if found.plan.budget.evaluations is not None:
        return "full evaluations"
    return "seconds"


def _figure(
    kind: str, title: str, question: str, chart: Any, rows: Rows, found: Comparison, problem: str, *, band: bool = True
) -> Figure:
    names, repeats = found.shared(problem)
    note = f"{len(names)} strategies, {len(repeats)} seeds each that all of them finished."
    note += " Lines: means; bands: 95 % intervals of the mean." if band else ""
    template = {key: value for key, value in chart.to_dict().items() if key != "config"}
    return Figure(f"{_slug(problem)}-{kind}", title, question, note, {"lines": rows}, template=template, theme="print")


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "problem"
