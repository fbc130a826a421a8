"""Metrics on axes: titles with units, how their numbers are written, and which way is better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from netwright.charts.chart import altair
from netwright.core.objective import Objective
from netwright.results.metric_words import is_share, number

_UNITS = (("_ms", "ms"), ("_us", "µs"), ("_j", "J"), ("_seconds", "s"))
_BYTES = ("size", "size_int8", "peak_memory", "peak_memory_int8")
_NAMES = {
    "params": "parameters",
    "macs": "multiply-adds",
    "activation_memory": "activation memory (bytes)",
    "peak_memory": "peak memory (bytes)",
    "peak_memory_int8": "peak memory in int8 (bytes)",
    "size": "size (bytes)",
    "size_int8": "size in int8 (bytes)",
}
TIME_UNITS = ((1.0, "seconds"), (60.0, "minutes"), (3600.0, "hours"), (86400.0, "days"))

WHOLE = {"tickMinStep": 1, "format": ",d", "labelExpr": "datum.value % 1 ? '' : datum.label"}
"""Of an axis of whole numbers: of two or three alone Vega would write halves, whatever the least step."""
FENCE = 3.0  # distances of the quartiles
Ends = tuple[float, float]


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
    ends: Ends | None = None,
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


def usual_ends(values: np.ndarray, kept: np.ndarray, limits: Sequence[float] = ()) -> Ends | None:
    """What an axis shows where a few values far off would press the others flat; None where it shows all.

    Far off is beyond the outer fences, three times the distance of the quartiles (Tukey 1977). Nothing is left out
    unless that at least halves the axis.

    values: (n,). kept: (n,), which of them are always shown. limits: values of lines that are always shown.
    """
    low, high = np.quantile(values, (0.25, 0.75))
    usual = (np.abs(values - np.clip(values, low, high)) <= FENCE * (high - low)) | kept
    shown = [*values[usual].tolist(), *limits]
    ends = min(shown), max(shown)
    if usual.all() or not 0 < ends[1] - ends[0] <= (values.max() - values.min()) / 2:
        return None
    return ends


def beyond(values: Sequence[float], ends: Ends | None, metric: str) -> str:
    """How many trials lie outside the ends of an axis, and how far, as a sentence; empty where none does.

    values: of the trials.
    """
    far = [each for each in values if ends and not ends[0] <= each <= ends[1]]
    if not far:
        return ""
    span = " to ".join(dict.fromkeys(number(metric, each) for each in (min(far), max(far))))
    lie = f"{len(far)} trials lie" if len(far) > 1 else "1 trial lies"
    return f" {lie} outside, at {metric_title(metric)} {span}."


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
