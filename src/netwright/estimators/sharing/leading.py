"""What leads shared weights beside the loss: terms, and limits on what their networks cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.estimators.costs import Costs, CostsTogether
from netwright.estimators.decoding import Within
from netwright.estimators.drawn_mean import DrawnMean
from netwright.estimators.machine import ByTheClock, Latency, PredictedLatency, as_foretold, foretelling
from netwright.estimators.machine.sizes import SIZES, Sizes
from netwright.estimators.penalties import Limit
from netwright.estimators.terms import LATENCY, Term

if TYPE_CHECKING:
    from netwright.core.estimator import Estimator
    from netwright.core.objective import Constraint
    from netwright.core.strategy import Decoder
    from netwright.core.task import TaskShape
    from netwright.estimators.cost import Cost

PROVIDES = ("obj.expected_cost",)


class Leading:
    """The terms that are added to what rounds are told, the limits of a search, and the costs that both are of.

    cost: what networks cost by themselves.
    shape: of one example.
    terms: that were asked for.
    shrinks: whether the weights themselves keep to limits, as channels leave them; nothing is added for limits then.
    """

    def __init__(self, cost: Cost, shape: TaskShape, terms: Sequence[Term], *, shrinks: bool) -> None:
        self._cost, self._shape, self._terms, self._shrinks = cost, shape, terms, shrinks
        self._limits: tuple[Limit, ...] = ()
        self._costs: Costs | None = None
        self.kept: Sequence[Constraint] = ()  # limits that the weights keep themselves

    @property
    def costs(self) -> Costs:
        """What networks cost, with their bytes and latency where limits or terms of this training are on them."""
        if self._costs is None:
            self._costs = self.costs_of((), ())[0]
        return self._costs

    @property
    def limited(self) -> list[str]:
        """The metrics that a limit is on."""
        return list(dict.fromkeys(each.metric for each in self._limits))

    @property
    def added(self) -> tuple[Term, ...]:
        """All that is added to the loss that rounds are told."""
        return (*self._terms, *self._limits)

    def within(self, limits: Sequence[Constraint], stages: Sequence[Estimator]) -> Decoder:
        """Lead the trainings to come within these limits; what decodes a mixture under them."""
        self._costs, told = self.costs_of(limits, stages)
        counted = [each for each in told if each.metric in self.costs.metrics]
        self.kept = counted if self._shrinks else ()
        led = counted and not self.kept and self.costs.knows_mean
        self._limits = tuple(map(Limit.of_constraint, counted)) if led else ()
        within, meter = Within(self.costs, counted), next((each for each in stages if isinstance(each, Latency)), None)
        by_clock = meter is not None and any(each.metric in Latency.metrics for each in limits)
        return ByTheClock(within, meter, limits) if meter is not None and by_clock else within

    def costs_of(self, limits: Sequence[Constraint], stages: Sequence[Estimator]) -> tuple[Costs, Sequence[Constraint]]:
        """What networks cost, as far as limits and terms ask; and the limits, on what is foretold of a latency."""
        metrics = {*(each.metric for each in limits), *(each.metric for each in self._terms)}
        found: list[Costs] = [self._cost]
        if not metrics.isdisjoint(SIZES):
            found.append(Sizes(self._cost.space, self._shape))
        if not metrics.isdisjoint((LATENCY, *PredictedLatency.metrics)):
            stage = foretelling(stages) or PredictedLatency(self._cost.space, self._shape)
            found.append(stage.costs)
            limits = as_foretold(limits, stage)
        return DrawnMean(CostsTogether(*found) if len(found) > 1 else self._cost), limits
