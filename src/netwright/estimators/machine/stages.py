"""Which metrics of a machine a search asks for, and the stages that give them before anything is trained."""

from __future__ import annotations

from collections.abc import Collection

from netwright.core.estimator import Estimator
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.estimators.cost import Cost
from netwright.estimators.machine.footprint import Footprint
from netwright.estimators.machine.latency import Latency, PredictedLatency
from netwright.estimators.stack import Stack

METRICS = (*Footprint.metrics, *Latency.metrics, *PredictedLatency.metrics)
"""All metrics of a machine that a search may ask for."""


def known_beforehand(space: Space, shape: TaskShape, names: Collection[str]) -> Estimator:
    """What gives all metrics that are known without training or running a network, as far as the names need them.

    space: of the networks. shape: of one example. names: of metrics; those that `Cost` gives are there in any case.
    """
    stages = [each for each in stages_for(space, shape, names) if each.analytic]
    return Stack(Cost(space, shape), *stages) if stages else Cost(space, shape)


def behind(estimator: Estimator, space: Space, shape: TaskShape, names: Collection[str]) -> Estimator:
    """The estimator behind the stages that measure those of the names which are metrics of a machine, cheapest first.

    estimator: that trains networks; itself where none of the names is one.
    space: of the networks.
    shape: of one example.
    names: of metrics.
    """
    first = stages_for(space, shape, names)
    return Stack(*first, estimator) if first else estimator


def stages_for(space: Space, shape: TaskShape, names: Collection[str]) -> list[Estimator]:
    """The stages that measure those of the names which are metrics of a machine, cheapest first."""
    found: list[Estimator] = []
    asked = set(names)
    if asked & set(Footprint.metrics):
        found.append(Footprint(space, shape))
    if asked & {*Latency.metrics, *PredictedLatency.metrics}:
        found.append(PredictedLatency(space, shape))
    if asked & set(Latency.metrics):
        found.append(Latency(space, shape))
    return found
