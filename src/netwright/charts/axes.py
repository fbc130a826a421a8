"""Metrics on axes: titles with units, how their numbers are written, and which way is better."""

from __future__ import annotations

from typing import Any

from netwright.charts.chart import altair
from netwright.core.objective import Objective
from netwright.results.metric_words import is_share

_UNITS = (("_ms", "ms"), ("_us", "µs"), ("_j", "J"), ("_seconds", "s"))
_BYTES = ("size", "size_int8", "peak_memory")
_NAMES = {
    "params": "parameters",
    "macs": "multiply-adds",
    "activation_memory": "activation memory (bytes)",
    "peak_memory": "peak memory (bytes)",
    "size": "size (bytes)",
    "size_int8": "size in int8 (bytes)",
}
TIME_UNITS = ((1.0, "seconds"), (60.0, "minutes"), (3600.0, "hours"), (86400.0, "days"))


def metric_title(metric: str) -> str:
    """The metric with its unit: "val accuracy", "latency (ms)"."""
    if metric in _NAMES:
        return _NAMES[metric]
    for ending, unit in _UNITS:
        if metric.endswith(ending):
            return f"{metric.removesuffix(ending).replace('_', ' ')} ({unit})"
    return metric.replace("_", " ")


def metric_format(metric: str) -> str:
    """How its numbers are written, as Vega-Lite says it."""
    if is_share(metric):
        return ".2~%"
    return ".3~s" if metric in _NAMES else ".4~g"


def metric_axis(
    encoding: Any,
    field: str,
    metric: str,
    *,
    better: str = "",
    log: bool = False,
    ends: tuple[float, float] | None = None,
    **options: Any,
) -> Any:
    """An axis of a metric.

    encoding: `altair.X` or `altair.Y`. field: of the rows. better: "maximize" or "minimize", said in the title.
    ends: what it shows at least; by default everything.
    """
    said = {"maximize": ", more is better", "minimize": ", less is better"}.get(better, "")
    axis = altair().Axis(format=metric_format(metric), tickCount=6)
    shown = {} if ends is None else {"domain": list(ends)}
    scale = altair().Scale(type="log", nice=False) if log else altair().Scale(zero=False, nice=True, **shown)
    return encoding(f"{field}:Q", title=f"{metric_title(metric)}{said}", axis=axis, scale=scale, **options)


def room_for_words(longest: float) -> Any:
    """The scale of bars from 0 with their numbers beside them."""
    return altair().Scale(domain=[0, 1.2 * longest], nice=False)


def tooltip(field: str, metric: str, title: str = "") -> Any:
    """A metric's line when a mark is pointed at."""
    return altair().Tooltip(f"{field}:Q", title=title or metric_title(metric), format=metric_format(metric))


def direction(objectives: tuple[Objective, ...], metric: str) -> str:
    """Which way a metric is better: as the objective says, else as its name does."""
    found = next((each.direction for each in objectives if each.metric == metric), None)
    return found or Objective.parse(metric).direction


def time_unit(longest: float) -> tuple[float, str]:
    """Seconds in the unit for a span, and its name."""
    fitting = [each for each in TIME_UNITS if longest >= 2 * each[0]]
    return fitting[-1] if fitting else TIME_UNITS[0]


def spread_widely(low: float, high: float) -> bool:
    """Whether positive numbers differ so much that a logarithmic axis shows them better."""
    return low > 0 and high / low >= 30
