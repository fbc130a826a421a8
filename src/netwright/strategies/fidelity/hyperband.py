"""Hyperband (Li et al. 2018, "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization")."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import cycle
from typing import TYPE_CHECKING, ClassVar

from netwright.core.strategy import Strategy
from netwright.strategies.fidelity.bracket import Bracket
from netwright.strategies.fidelity.brackets import Brackets
from netwright.strategies.fidelity.rungs import ROUNDING, checked_eta, shares, sizes, steps_below
from netwright.strategies.fidelity.source import chosen_sampler

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.space import Space
    from netwright.core.trial import Proposal, Trial


class Hyperband(Strategy):
    """Successive halving over and over, each time with another balance of many candidates against much for each.

    Ends only with the search, or with the sampler. What a rung makes of failures and of several objectives is as in
    `SuccessiveHalving`.

    space: the one to search.
    least: the smallest share of the full budget, 1 / R of the paper.
    eta: a rung keeps 1/eta of its candidates.
    sampler: the strategy that new candidates come from, by default random search; one that learns from scores is told
        of each candidate at the fidelity at which it began, which differs between brackets.
    overlapping: whether the next bracket begins while workers would have to wait for a rung to be complete; the paper
        does one after the other.
    """

    continues: ClassVar[bool] = True

    def __init__(
        self,
        space: Space,
        least: float = 1 / 27,
        eta: float = 3,
        sampler: Strategy | None = None,
        overlapping: bool = False,
    ) -> None:
        self.space = space
        self.eta = checked_eta(self, eta)
        self.steps = steps_below(self, least, eta)
        self.sampler = chosen_sampler(self, space, sampler)
        self._brackets = Brackets(self.sampler, self._plan(), overlapping)

    def rungs(self) -> tuple[tuple[tuple[int, float], ...], ...]:
        """Of each bracket, in order, the rungs as (candidates, fidelity)."""
        return tuple(
            tuple(zip(sizes(self._candidates(s), s, self.eta), shares(s, self.eta), strict=True))
            for s in range(self.steps, -1, -1)
        )

    def _candidates(self, s: int) -> int:
        """Algorithm 1, line 3: n = ceil(B / R * eta^s / (s + 1)) with B = (s_max + 1) R."""
        return math.ceil((self.steps + 1) / (s + 1) * self.eta**s - ROUNDING)

    def _plan(self) -> Iterator[Bracket]:
        for s in cycle(range(self.steps, -1, -1)):
            yield Bracket(sizes(self._candidates(s), s, self.eta), shares(s, self.eta))

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        return self._brackets.ask(rng)

    def tell(self, trial: Trial) -> None:
        self._brackets.tell(trial)

    def may_continue(self, number: int) -> bool:
        return self._brackets.may_continue(number)
