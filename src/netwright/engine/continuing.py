"""Which trials go on from earlier ones: the same architecture at a higher fidelity, as its parent left it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwright.core.trial import Proposal


class Continuations:
    """Chains of trials of which each goes on from the one before; they share the seed and the folder of the first.

    A proposal goes on from its parent where both have one architecture and the parent's fidelity is lower.
    """

    __slots__ = ("_first", "_latest", "_low")

    def __init__(self) -> None:
        self._low: dict[int, Proposal] = {}  # those below the full fidelity, by number
        self._first: dict[int, int] = {}  # of each that goes on from another, the first of its chain
        self._latest: dict[int, int] = {}  # of each first that another goes on from, the last of its chain

    def note(self, number: int, proposal: Proposal) -> tuple[int, float]:
        """Take note of what was asked as trial `number`; what `of` says of it."""
        fidelity, parent = proposal.fidelity, proposal.parent
        if fidelity is None and not self._low:
            return number, 0.0  # all proposals of strategies that know one fidelity only
        before = self.before(proposal)
        if parent is not None and before:
            first = self._first[number] = self.first(parent)
            self._latest[first] = number
        if fidelity is not None and fidelity < 1:
            self._low[number] = proposal
        return self.first(number), before

    def before(self, proposal: Proposal) -> float:
        """The fidelity of the trial that a proposal goes on from; 0 where it begins anew."""
        parent = None if proposal.parent is None else self._low.get(proposal.parent)
        if parent is None or parent.candidate != proposal.candidate:
            return 0.0
        assert parent.fidelity is not None
        return parent.fidelity if parent.fidelity < proposal.share else 0.0

    def of(self, number: int, proposal: Proposal) -> tuple[int, float]:
        """The first trial of the chain, and the fidelity of the trial that this one goes on from."""
        return self.first(number), self.before(proposal)

    def first(self, number: int) -> int:
        """The first trial of the chain; the trial itself where it goes on from none."""
        return self._first.get(number, number)

    def is_latest(self, number: int) -> bool:
        """Whether no later trial goes on from this one."""
        return self._latest.get(self.first(number), number) == number
