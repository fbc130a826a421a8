"""Partial order pruning (Li et al. 2019, "Partial Order Pruning: for Best Speed/Accuracy Trade-off in NAS")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from netwright.core.amounts import parse_amount_of
from netwright.core.checks import is_number, whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import INACTIVE
from netwright.core.errors import ConfigurationError, StopSearch
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.strategies.stepwise.costs import KnownCosts
from netwright.strategies.unseen import Unseen

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.objective import Constraint
    from netwright.core.strategy import Figures
    from netwright.core.trial import Trial

PROVIDES = ("search.shrink_grow", "search.random")


class PartialOrder(Strategy):
    """Random architectures within a range of cost, but for those that are known to be no better than others.

    Of two architectures that differ in their numbers alone (widths, depths, kernels), one is below the other where none
    of its numbers is larger. It is then assumed to be no more accurate. So once an architecture was measured, all below
    it are left out that cost no less than something that was measured to be at least as accurate: the front of accuracy
    and cost cannot gain by them.

    space: the one to search.
    metric: the cost, which must be known without training; the paper's is a latency from a table of layers.
    least, most: of the range, as "10M" and "30M"; None for no bound.
    tries: draws in a row that are all left out, after which it ends.

    Raises StopSearch after so many draws, SpaceExhausted where every architecture was asked.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        metric: str = "macs",
        least: str | float | None = None,
        most: str | float | None = None,
        tries: int = 2000,
    ) -> None:
        self.space, self.metric = space, metric
        self.least = parse_amount_of(metric, least) if isinstance(least, str) else least
        self.most = parse_amount_of(metric, most) if isinstance(most, str) else most
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ConfigurationError(f"PartialOrder: least is {self.least:g}, most is {self.most:g}")
        self.tries = whole_number(self, "tries", tries)
        self._costs = KnownCosts(self, space, metric)
        self._unseen = Unseen(space)
        self._known: list[tuple[Architecture, float]] = []  # what was measured, and its score
        self._numbers = [all(map(is_number, each.options)) for each in space.decisions]

    def know(self, figures: Figures, limits: Sequence[Constraint] = ()) -> None:
        self._costs.know(figures)

    def ask(self, rng: np.random.Generator) -> Proposal:
        for _ in range(self.tries):
            drawn = self._unseen.draw(rng)
            if self._within(drawn) and not self.is_pruned(drawn):
                return Proposal(drawn)
        raise StopSearch(
            f"none of {self.tries:,} random architectures lies in the range of {self.metric} and may still be better "
            "than those that were measured"
        )

    def tell(self, trial: Trial) -> None:
        if trial.completed:
            self._known.append((trial.architecture, trial.scores[0]))

    def _within(self, architecture: Architecture) -> bool:
        cost = self._costs.of(architecture)
        return (self.least is None or cost >= self.least) and (self.most is None or cost <= self.most)

    def is_pruned(self, architecture: Architecture) -> bool:
        """Whether one above it is no more accurate than something that costs no more than it."""
        cost = self._costs.of(architecture)
        reached = max((score for each, score in self._known if self._costs.of(each) <= cost), default=None)
        if reached is None:
            return False
        return any(score <= reached and self.is_below(architecture, each) for each, score in self._known)

    def is_below(self, first: Architecture, second: Architecture) -> bool:
        """Whether no number of the first is larger than that of the second, and all else is the same."""
        pairs = zip(
            self.space.decisions, self._numbers, self.space.indices(first), self.space.indices(second), strict=True
        )
        for decision, numbered, a, b in pairs:
            if a == b:
                continue
            if INACTIVE in (a, b):
                if a != INACTIVE:  # something that the second does not have
                    return False
            elif not numbered or decision.options[a] > decision.options[b]:  # pyright: ignore[reportOperatorIssue]
                return False
        return True
