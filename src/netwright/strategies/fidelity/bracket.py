"""One run of successive halving: rungs of candidates, of which the best of each go on to the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.strategies.evolution.ranking import Population

if TYPE_CHECKING:
    from netwright.core.trial import Trial


class Bracket:
    """The rungs of one run; each is complete before the next begins.

    A trial that did not complete counts as the worst of its rung and goes nowhere; a network that breaks a limit leaves
    its place in the lowest rung to another.

    sizes: how many candidates each rung takes.
    shares: the fidelities of the rungs.
    """

    def __init__(self, sizes: Sequence[int], shares: Sequence[float]) -> None:
        self.sizes, self.shares = list(sizes), tuple(shares)
        self.rung = 0
        self._asked = self._told = 0  # in this rung
        self._results = Population()  # of this rung
        self._promoted: deque[Trial] = deque()

    @property
    def over(self) -> bool:
        """Whether nothing of it is left to ask or to be told."""
        return self.rung == len(self.sizes)

    @property
    def open(self) -> bool:
        """Whether it takes a new candidate now."""
        return self.rung == 0 and self._asked < self.sizes[0]

    @property
    def share(self) -> float:
        """The fidelity of the present rung."""
        return self.shares[self.rung]

    def add(self) -> None:
        """Note that a new candidate was asked."""
        self._asked += 1

    def promote(self) -> Trial | None:
        """The next trial to ask again at the present rung's fidelity; None where there is none."""
        return self._promoted.popleft() if self._promoted else None

    def close(self) -> None:
        """Take no more new candidates: there are none."""
        if self.rung == 0:
            self.sizes[0] = self._asked
            self._climb()

    def tell(self, trial: Trial) -> None:
        """Take note of a trial of the present rung."""
        if self.rung == 0 and trial.state == "infeasible":
            self._asked -= 1
            return
        self._told += 1
        if trial.completed:
            self._results.put(trial)
        self._climb()

    def _climb(self) -> None:
        """Begin the next rung where this one is complete."""
        if self._told < self.sizes[self.rung]:
            return
        best = self._candidates()
        self.rung = self.rung + 1 if best else len(self.sizes)
        if not self.over:
            self.sizes[self.rung] = len(best)
        self._promoted.extend(best)
        self._asked = self._told = 0
        self._results = Population()

    def _candidates(self) -> list[Trial]:
        """The trials of this rung that may yet be promoted: the best so far, as many as the next rung takes."""
        following = self.rung + 1
        return self._results.ordered()[: self.sizes[following]] if following < len(self.sizes) else []

    def may_continue(self, number: int) -> bool:
        """Whether this trial may yet be promoted."""
        if self.over:
            return False
        return any(trial.number == number for trial in (*self._promoted, *self._candidates()))
