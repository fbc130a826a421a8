"""Which metrics of a machine a search asks for, and the stages that give them before anything is trained."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from netwright.core.errors import ConfigurationError, nearest
from netwright.core.estimator import Estimator
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.estimators.cost import Cost
from netwright.estimators.machine.board import BoardLatency
from netwright.estimators.machine.energy import Energy
from netwright.estimators.machine.footprint import Footprint
from netwright.estimators.machine.latency import Latency
from netwright.estimators.machine.predicted_latency import PredictedLatency
from netwright.estimators.stack import Stack
from netwright.runtimes.running import checked_runtime

METRICS = (*Footprint.metrics, *Latency.metrics, *PredictedLatency.metrics, *Energy.metrics)
"""All metrics of a machine that a search may ask for."""


def known_beforehand(space: Space, shape: TaskShape, names: Collection[str], latency: str = "") -> Estimator:
    """What gives all metrics that are known without training or running a network, as far as the names need them.

    space: of the networks. shape: of one example. names: of metrics; those that `Cost` gives are there in any case.
    """
    stages = [each for each in stages_for(space, shape, names, latency) if each.analytic]
    return Stack(Cost(space, shape), *stages) if stages else Cost(space, shape)


def behind(
    estimator: Estimator, space: Space, shape: TaskShape, names: Collection[str], latency: str = ""
) -> Estimator:
    """The estimator behind the stages that measure those of the names which are metrics of a machine, cheapest first.

    estimator: that trains networks; itself where none of the names is one.
    space: of the networks.
    shape: of one example.
    names: of metrics.
    latency: how it is measured, see `where`.
    """
    first = stages_for(space, shape, names, latency)
    return Stack(*first, estimator) if first else estimator


def stages_for(space: Space, shape: TaskShape, names: Collection[str], latency: str = "") -> list[Estimator]:
    """The stages that measure those of the names which are metrics of a machine, cheapest first.

    space, shape: as of `behind`.
    names: of metrics.
    latency: how it is measured, see `where`; with PyTorch in one thread where empty; or the file `board.csv` of a
        device that is somewhere else.
    """
    found: list[Estimator] = []
    asked = set(names)
    if asked & set(Footprint.metrics):
        found.append(Footprint(space, shape))
    if latency.endswith(".csv"):
        return [*found, BoardLatency(space, shape, latency)] if asked & set(BoardLatency.metrics) else found
    if asked & {*Latency.metrics, *PredictedLatency.metrics}:
        found.append(PredictedLatency(space, shape, **where(latency)))
    if asked & set(Latency.metrics):
        found.append(Latency(space, shape, **where(latency)))
    if asked & set(Energy.metrics):
        found.append(Energy(space, shape, **where(latency)))
    return found


OPTIONS = ("threads", "batch", "machine")


def where(text: str) -> dict[str, Any]:
    """What a text says of how latency is measured: a runtime, with options behind a colon.

    text: as "onnxruntime", "torch:threads=2" or "onnxruntime:threads=4,batch=8"; empty for the defaults.

    Raises ConfigurationError, which names the nearest runtime or option.
    """
    runtime, _, options = text.partition(":")
    found: dict[str, Any] = {} if not text else {"runtime": checked_runtime(runtime.strip())}
    for each in filter(None, (part.strip() for part in options.split(","))):
        name, _, value = (part.strip() for part in each.partition("="))
        if name not in OPTIONS:
            raise ConfigurationError(f"latency {text!r} has no option {name!r}{nearest(name, OPTIONS)}")
        if name != "machine" and not value.isdigit():
            raise ConfigurationError(f"latency {text!r}: {name} is {value!r}; expected a whole number, as {name}=2")
        found[name] = value if name == "machine" else int(value)
    return found
