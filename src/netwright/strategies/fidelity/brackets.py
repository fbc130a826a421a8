"""Brackets one after the other: what successive halving and Hyperband ask, and what they make of the answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from netwright.core.errors import StopSearch
from netwright.core.trial import Proposal
from netwright.strategies.fidelity.source import Source

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.strategy import Strategy
    from netwright.core.trial import Trial
    from netwright.strategies.fidelity.bracket import Bracket


class Brackets:
    """Carries out brackets in the order in which `plan` gives them.

    overlapping: the next bracket begins while the rungs of earlier ones wait; the earliest one goes first.
    """

    def __init__(self, sampler: Strategy, plan: Iterator[Bracket], overlapping: bool) -> None:
        self._source, self._plan, self._overlapping = Source(sampler), plan, overlapping
        self._under_way: list[Bracket] = []
        # Equal proposals that are pending at once stand for each other: the one asked first is told first.
        self._pending: dict[Proposal, deque[tuple[Bracket, Proposal | None]]] = {}
        self._ended: StopSearch | None = None  # why the sampler has no more

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        """The next proposal; None while rungs wait. Raises StopSearch after the last bracket."""
        for bracket in tuple(self._under_way):
            proposal = self._of(bracket, rng)
            if proposal is not None:
                return proposal
        while self._ended is None and (self._overlapping or not self._under_way):
            bracket = next(self._plan, None)
            if bracket is None:
                self._ended = StopSearch("the last rung of successive halving is complete")
                break
            self._under_way.append(bracket)
            proposal = self._of(bracket, rng)
            if proposal is not None:
                return proposal
            if bracket.open:  # the sampler waits to be told
                return None
        if self._ended is not None and not self._pending:
            raise self._ended
        return None

    def _of(self, bracket: Bracket, rng: np.random.Generator) -> Proposal | None:
        """What this bracket asks next: promotions first."""
        asked = None
        if bracket.open and self._ended is None:
            try:
                asked = self._source.ask(rng)
            except StopSearch as stop:
                self._ended = stop
        if asked is not None:
            bracket.add()
            proposal = Proposal(asked.candidate, fidelity=bracket.share, parent=asked.parent)
        else:
            if bracket.open and self._ended is not None:
                self._close(bracket)
            promoted = bracket.promote()
            if promoted is None:
                return None
            proposal = Proposal(promoted.proposal.candidate, fidelity=bracket.share, parent=promoted.number)
        self._pending.setdefault(proposal, deque()).append((bracket, asked))
        return proposal

    def _close(self, bracket: Bracket) -> None:
        bracket.close()
        if bracket.over:
            self._under_way.remove(bracket)

    def tell(self, trial: Trial) -> None:
        """Take note of how a proposal ended."""
        waiting = self._pending[trial.proposal]
        bracket, asked = waiting.popleft()
        if not waiting:
            del self._pending[trial.proposal]
        self._source.tell(trial, asked)
        bracket.tell(trial)
        if bracket.over:
            self._under_way.remove(bracket)

    def may_continue(self, number: int) -> bool:
        """Whether this trial may yet be promoted."""
        return any(bracket.may_continue(number) for bracket in self._under_way)
