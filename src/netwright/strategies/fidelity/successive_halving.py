"""Successive halving (Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification")."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netwright.core.checks import whole_number
from netwright.core.strategy import Strategy
from netwright.strategies.fidelity.bracket import Bracket
from netwright.strategies.fidelity.brackets import Brackets
from netwright.strategies.fidelity.rungs import checked_eta, shares, sizes, steps_below
from netwright.strategies.fidelity.source import chosen_sampler

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.space import Space
    from netwright.core.trial import Proposal, Trial


class SuccessiveHalving(Strategy):
    """Tries many candidates a little, and gives `eta` times as much to the best 1/`eta` of them, until one has it all.

    Ends by itself. While a rung is not complete there is nothing to ask. A trial that did not complete counts as the
    worst of its rung; a network that breaks a limit leaves its place in the lowest rung to another. With several
    objectives a rung is ordered by front, then by crowding distance (Deb et al. 2002).

    space: the one to search.
    candidates: how many begin.
    least: the smallest share of the full budget; the lowest rung is the smallest power of 1/eta that is no less.
    eta: a rung keeps 1/eta of its candidates, with eta times as much for each.
    sampler: the strategy that new candidates come from, by default random search.
    """

    bounded: ClassVar[bool] = True
    continues: ClassVar[bool] = True

    def __init__(
        self, space: Space, candidates: int = 27, least: float = 1 / 27, eta: float = 3, sampler: Strategy | None = None
    ) -> None:
        self.space = space
        self.candidates = whole_number(self, "candidates", candidates)
        self.eta = checked_eta(self, eta)
        steps = steps_below(self, least, eta)
        self.sampler = chosen_sampler(self, space, sampler)
        bracket = Bracket(sizes(candidates, steps, eta), shares(steps, eta))
        self._brackets = Brackets(self.sampler, iter((bracket,)), overlapping=False)

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        return self._brackets.ask(rng)

    def tell(self, trial: Trial) -> None:
        self._brackets.tell(trial)

    def may_continue(self, number: int) -> bool:
        return self._brackets.may_continue(number)
