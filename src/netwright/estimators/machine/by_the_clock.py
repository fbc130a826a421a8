"""What a mixture stands for under a limit on latency: decoded by what is foretold, and kept by the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from netwright.core.errors import TrialFailed
from netwright.core.objective import Constraint
from netwright.core.trial import Proposal
from netwright.core.workplace import NOWHERE, at
from netwright.estimators.decoding import Within
from netwright.estimators.machine.foretold import FORETOLD, MEASURED
from netwright.estimators.machine.latency import Latency

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.estimator import Estimator
    from netwright.estimators.costs import Costs

TURNS = 8  # networks that are measured until one keeps the limit
LEAST = 0.97  # of the limit before, what each turn goes by at most


@runtime_checkable
class Foretelling(Protocol):
    """A stage that foretells latencies, also of mixtures."""

    @property
    def costs(self) -> Costs: ...

    @property
    def share(self) -> float:
        """Of a limit, what may be foretold of a network that is to keep it."""
        ...


def foretelling(stages: Sequence[Estimator]) -> Foretelling | None:
    """The first of these stages that foretells latencies."""
    return next((each for each in stages if isinstance(each, Foretelling)), None)


def as_foretold(limits: Sequence[Constraint], stage: Foretelling) -> list[Constraint]:
    """Limits on latency as such on what is foretold of it; others as they are."""

    def told(limit: Constraint) -> Constraint:
        if limit.metric == FORETOLD:
            return Constraint(MEASURED, limit.limit, limit.relation)
        surely = limit.metric == MEASURED and limit.relation == "<="
        return Constraint(limit.metric, limit.limit * stage.share, limit.relation) if surely else limit

    return [told(each) for each in limits]


class ByTheClock:
    """Decodes by what is foretold, and measures what was found; where that is too slow, decodes for a tighter limit.

    within: decodes by what is foretold.
    meter: measures latencies, and keeps them for the trial to come.
    limits: of the search.
    """

    def __init__(self, within: Within, meter: Latency, limits: Sequence[Constraint]) -> None:
        self.within, self.meter = within, meter
        self.limits = tuple(each for each in limits if each.metric == MEASURED)

    def holds(self, architecture: Architecture) -> bool:
        """Whether an architecture keeps the limits, as foretold and as measured."""
        return self.within.holds(architecture) and self._exceeds(architecture) == 1.0

    def decode(self, mixture: Mixture) -> Architecture:
        """The worthiest architecture that was found to keep the limits; where none was, the one nearest to them."""
        within = self.within
        found = within.decode(mixture)
        for _ in range(TURNS):
            times = self._exceeds(found) if within.holds(found) else 1.0
            if times == 1.0:
                break
            within = Within(within.cost, [self._tightened(each, times) for each in within.limits])
            found = within.decode(mixture)
        return found

    def _exceeds(self, architecture: Architecture) -> float:
        """How many times the limit a network takes; 1 where it keeps it with the margin of its meter."""
        with at(replace(NOWHERE, limits=self.limits)):
            try:
                ms = self.meter.estimate(Proposal(architecture), 0).metrics[MEASURED]
            except TrialFailed as problem:
                ms = (problem.metrics or {}).get(MEASURED, 0.0)
                return max([1 / LEAST, *(ms / each.limit for each in self.limits)])
        return max([1.0, *(ms / each.limit for each in self.limits if not each.holds({MEASURED: ms}))])

    def _tightened(self, limit: Constraint, times: float) -> Constraint:
        if limit.metric != MEASURED:
            return limit
        return Constraint(MEASURED, limit.limit * min(LEAST, 1 / times), limit.relation)
