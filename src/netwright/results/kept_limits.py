"""Whether the network that is handed over keeps its limits: predicted, measured in the search, measured again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from netwright.core.problem import Breakdown
from netwright.core.roles import MeasuresAgain
from netwright.networks.counting import count_predicting
from netwright.networks.footprint import FLOAT32, INT8, file_size, int8_size, peak_memory
from netwright.results.documents import MEASURED
from netwright.results.metric_words import number

if TYPE_CHECKING:
    from netwright.core.objective import Constraint
    from netwright.core.trial import Trial
    from netwright.results.searched import FinishedRun as Run

_COUNTED = ("params", "macs", "activation_memory")
_SPREAD, _HIGHEST = "_spread", "_highest_ms"
MEASURED_AT_MOST, NEARLY = 3, 0.05
"""How often a network is measured that breaks a limit by this share of it at most, as a clock may differ by."""


NARROWLY = "no, by less than a clock differs"


def kept_limits(run: Run, trial: Trial, network: nn.Module, shape: Sequence[int], *, measure: bool) -> Breakdown | None:
    """A row for each limit that is no matter of accuracy, and for each objective that a clock measures.

    run: of the search. trial: whose network it is. network: as it is handed over. shape: of one example.
    measure: whether the network may be measured now; otherwise what an earlier call has measured is told.
    """
    clocks = [each for each in run.search.estimator.stages() if isinstance(each, MeasuresAgain)]
    stage = next(iter(clocks), None)
    wanted = [*run.search.limits, *_objectives(run, stage)]
    searched = next((each.metrics for each in run.trials if each.number == trial.number), trial.metrics)
    rows: list[tuple[str, ...]] = []
    told: dict[str, Any] = {}
    for limit in wanted:
        metric = limit if isinstance(limit, str) else limit.metric
        found = _found(run, trial, network, shape, metric, stage, measure=measure)
        if found is None:
            continue
        told |= found
        rows.append(_row(limit, trial, searched, found, stage))
    if not rows:
        return None
    if measure:
        run.keep(MEASURED, {"trial": trial.number, "metrics": told})
    headings = ("limit", "predicted", "measured in the search", "handed over", "kept")
    return Breakdown("Limits", _text(rows, trial, told, stage), headings, tuple(rows))


def _objectives(run: Run, stage: Any) -> list[str]:
    """Metrics that a clock measures and that are objectives, but not limited."""
    limited = {each.metric for each in run.search.limits}
    names = [each.metric for each in run.search.objectives]
    return [each for each in names if stage is not None and each in stage.metrics and each not in limited]


def _found(
    run: Run, trial: Trial, network: nn.Module, shape: Sequence[int], metric: str, stage: Any, *, measure: bool
) -> dict[str, float] | None:
    """What the metric is of the network that is handed over; None for what is not of a machine, or not known."""
    if metric in _COUNTED:
        return {metric: float(getattr(count_predicting(network, shape), metric))}
    if metric == "size":
        return {metric: float(file_size(network))}
    if metric == "size_int8":
        return {metric: float(int8_size(network))}
    if metric in ("peak_memory", "peak_memory_int8"):
        return {metric: float(peak_memory(network, shape, INT8 if metric.endswith("int8") else FLOAT32))}
    if stage is None or metric not in stage.metrics:
        return None
    if measure:
        return _measured(stage, network, metric, run.search.limits)
    kept = run.kept(MEASURED) or {}
    return kept["metrics"] if kept.get("trial") == trial.number and metric in kept["metrics"] else None


def _measured(stage: MeasuresAgain, network: nn.Module, metric: str, limits: Sequence[Constraint]) -> dict[str, float]:
    """What is measured of the network; where that breaks a limit by little, the quickest of up to three measurements.

    Others on the machine only make a network slower. The highest number of all is kept, so that it is not called sure.
    """
    upper = [each.limit for each in limits if each.metric == metric and each.relation == "<="]
    found = [dict(stage.again(network))]
    while len(found) < MEASURED_AT_MOST and any(0 < found[-1][metric] / limit - 1 <= NEARLY for limit in upper):
        found.append(dict(stage.again(network)))
    best = min(found, key=lambda each: each[metric])
    highest = {name: max(each[name] for each in found) for name in best if name.endswith(_HIGHEST)}
    return {**best, **highest}


def _row(
    limit: Constraint | str, trial: Trial, searched: Mapping[str, float], found: Mapping[str, float], stage: Any
) -> tuple[str, ...]:
    """searched: what the search measured of the trial, which may have been measured again since."""
    metric = limit if isinstance(limit, str) else limit.metric
    predicted = _predicted(trial, metric, stage)
    by_clock = stage is not None and metric in stage.metrics
    before = searched.get(metric)
    kept = "" if isinstance(limit, str) else _kept(limit, found, stage if by_clock else None)
    return (
        str(limit),
        "" if predicted is None else number(metric, predicted),
        number(metric, before) if by_clock and before is not None and not _foretold(stage) else "",
        number(metric, found[metric]) + (_spread(metric, found) if by_clock else ""),
        kept,
    )


def _predicted(trial: Trial, metric: str, stage: Any) -> float | None:
    """By a prediction where a clock measures it, otherwise as it was counted before training."""
    if stage is not None and metric in stage.metrics:
        return trial.metrics.get(metric.replace("_ms", "_predicted_ms"))
    return trial.metrics.get(metric)


def _spread(metric: str, found: Mapping[str, float]) -> str:
    spread = found.get(metric.removesuffix("_ms") + _SPREAD)
    return "" if spread is None else f" (spread {100 * spread:.0f} %{', unsure' if spread > 0.1 else ''})"


def _kept(limit: Constraint, found: Mapping[str, float], stage: MeasuresAgain | None) -> str:
    if not limit.holds(found):
        return NARROWLY if stage is not None and abs(found[limit.metric] / limit.limit - 1) <= NEARLY else "no"
    return "yes" if stage is None or stage.surely(limit, found) else "yes, but not in each of several measurements"


def _foretold(stage: Any) -> str:
    """By what the times of a device that is somewhere else are foretold; empty where they are measured here."""
    return str(stage.described().get("foretold", ""))


def _text(rows: Sequence[tuple[str, ...]], trial: Trial, told: Mapping[str, float], stage: Any) -> str:
    broken = [each for each in rows if each[-1].startswith("no")]
    first = f"The network that is handed over breaks {' and '.join(each[0] for each in broken)}." if broken else ""
    if broken and all(each[-1] == NARROWLY for each in broken):
        first = f"{first[:-1]}, by less than a clock differs from one time to the next."
    if not first and any(each[-1] for each in rows):
        first = "The network that is handed over keeps its limits."
    if stage is None or not set(stage.metrics) & set(told):
        return first
    place = stage.described()
    threads = "one thread" if place["threads"] == 1 else f"{place['threads']} threads"
    runtime = f"{place['runtime']} {place['version']}"
    if _foretold(stage):
        return f"{first} Foretold by {_foretold(stage)}; times of {runtime}, {threads}, on {place['machine']}.".strip()
    error = [
        abs(trial.metrics[name.replace("_ms", "_predicted_ms")] / value - 1)
        for name, value in told.items()
        if name in stage.metrics and name.replace("_ms", "_predicted_ms") in trial.metrics
    ]
    off = f"; the prediction is off by {100 * error[0]:.0f} %" if error else ""
    how = f"Measured with {runtime}, {threads}, batch {place['batch']}, on {place['machine']}"
    return f"{first} {how}, while no training computed{off}.".strip()
