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

    def note(self, number: int, proposal: Proposal) -> None:
        """Take note of what was asked as trial `number`."""
        fidelity, parent = proposal.fidelity, proposal.parent
        if fidelity is None and (parent is None or not self._low):
            return  # all proposals of strategies that know one fidelity only
        before = None if parent is None else self._low.get(parent)
        share = 1.0 if fidelity is None else fidelity
        if before is not None and parent is not None and before.candidate == proposal.candidate:
            assert before.fidelity is not None
            if before.fidelity < share:
                first = self._first[number] = self.first(parent)
                self._latest[first] = number
        if share < 1:
            self._low[number] = proposal

    def first(self, number: int) -> int:
        """The first trial of the chain; the trial itself where it goes on from none."""
        return self._first.get(number, number)

    def is_latest(self, number: int) -> bool:
        """Whether no later trial goes on from this one."""
        return self._latest.get(self.first(number), number) == number
