"""Which trials go on from earlier ones: the same architecture at a higher fidelity, as its parent left it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.core.architecture import Architecture

if TYPE_CHECKING:
    from netwright.core.trial import Proposal


class Continuations:
    """Chains of trials of which each goes on from the one before; they share the seed and the folder of the first.

    A proposal goes on from its parent where both have one architecture and the parent's fidelity is lower. Where
    children inherit, any other proposal with a parent begins from that one's weights; it is no part of the chain.
    inherits: whether they do. needed: by number of each child that has not ended, its parent.
    """

    __slots__ = ("_asked", "_first", "_inherits", "_latest", "_low", "needed")

    def __init__(self, inherits: bool = False) -> None:
        self._inherits = inherits
        self._asked: dict[int, Architecture] = {}  # where children inherit: what each trial is about
        self.needed: dict[int, int] = {}
        self._low: dict[int, Proposal] = {}  # those below the full fidelity, by number
        self._first: dict[int, int] = {}  # of each that goes on from another, the first of its chain
        self._latest: dict[int, int] = {}  # of each first that another goes on from, the last of its chain

    def note(self, number: int, proposal: Proposal) -> tuple[int, float]:
        """Take note of what was asked as trial `number`; what `of` says of it."""
        fidelity, parent = proposal.fidelity, proposal.parent
        if self._inherits and isinstance(proposal.candidate, Architecture):
            self._asked[number] = proposal.candidate
            if self.parent(proposal) is not None and parent is not None:
                self.needed[number] = parent
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

    def parent(self, proposal: Proposal) -> Architecture | None:
        """The architecture whose weights a proposal begins from; None where it begins anew or goes on with its own."""
        if proposal.parent is None or self.before(proposal):
            return None
        return self._asked.get(proposal.parent)

    def first(self, number: int) -> int:
        """The first trial of the chain; the trial itself where it goes on from none."""
        return self._first.get(number, number)

    def is_latest(self, number: int) -> bool:
        """Whether no later trial goes on from this one."""
        return self._latest.get(self.first(number), number) == number
