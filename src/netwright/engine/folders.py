"""Where trials keep their checkpoints, while they are under way and while something goes on from them; which do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netwright.core.architecture import Architecture
from netwright.core.objective import dominates
from netwright.core.workplace import Parent

if TYPE_CHECKING:
    from netwright.core.strategy import Strategy
    from netwright.core.trial import Proposal, Trial


class Folders:
    """One folder a trial, made by whoever writes to it; trials that go on from one another share one.

    Those of the best trials (with several objectives, of the Pareto front) outlive the search: what was trained there
    is handed over, or goes on. root: None for nowhere. keeps: whether trials keep such a network. inherits: whether
    children begin from their parents' weights.
    """

    def __init__(self, root: Path | None, strategy: Strategy, keeps: bool = False) -> None:
        self.inherits = strategy.inherits > 0
        self.continuations = Continuations(self.inherits)
        self._share = strategy.inherits
        self._root, self._keeps = root, keeps
        self._continues = strategy.continues
        self._may_continue: Callable[[int], bool] = strategy.may_continue
        self._may_recommend: Callable[[int], bool] = strategy.may_recommend
        self._kept: set[int] = set()  # trials that have ended and still have their folder
        self._best: list[Trial] = []
        self._scores: dict[int, tuple[float, ...]] = {}

    def of(self, number: int) -> Path | None:
        """The folder that all attempts at a trial share."""
        return None if self._root is None else self._root / str(self.continuations.first(number))

    def parent_of(self, proposal: Proposal, seeds: Callable[[int], int]) -> Parent | None:
        """The trial from whose weights a proposal begins, if it does. seeds: gives the seed of a trial's estimate."""
        architecture = self.continuations.parent(proposal) if self._share else None
        if architecture is None or proposal.parent is None:
            return None
        seed = seeds(self.continuations.first(proposal.parent))
        return Parent(architecture, seed, self.of(proposal.parent), self._share)

    def note(self, trial: Trial) -> None:
        """Take note of how good a trial is, before its folder may be cleared."""
        if self._root is None or not (self._keeps or self._continues) or not trial.scores:
            return
        self._scores[trial.number] = trial.scores
        if not self._keeps:
            return
        best = self._best
        highest, own = (best[0].share if best else 0.0), trial.share
        if own < highest or (own == highest and any(_as_good(each.scores, trial.scores) for each in best)):
            return
        kept = [each for each in best if own == highest and not dominates(trial.scores, each.scores)]
        self._best = [*kept, trial]

    def judge_anew(self, trials: Sequence[Trial]) -> None:
        """Take note of trials as other limits judge them. What a trial kept that was not among the best is gone."""
        self._best = []
        self._scores.clear()
        for trial in trials:
            self.note(trial)

    def clear(self, number: int) -> None:
        """Remove what a trial that has ended for good kept, unless it is among the best or another may go on from it.

        So are those that were kept for that and need not be any more.
        """
        if self.continuations.needed:
            self.continuations.needed.pop(number, None)
        if self._root is None or not os.path.isdir(self._place(number)):
            return
        self._kept.add(number)
        for each in tuple(self._kept):
            if not self.continuations.is_latest(each):  # whoever goes on from it clears the folder
                self._kept.discard(each)
            elif not self._is_best(each) and not self._may_continue(each) and not self._is_needed(each):
                self._kept.discard(each)
                shutil.rmtree(self._place(each), ignore_errors=True)

    def make_room(self) -> bool:
        """Remove a tenth of what is only kept so that a trial may go on from it, the worst first; never the best.

        A trial that would have gone on from it starts again. Whether there was anything to remove.
        """
        spare = sorted((self._scores.get(each, ()), -each) for each in self._kept if not self._is_best(each))
        for _, number in spare[: max(1, len(spare) // 10)]:
            self._kept.discard(-number)
            shutil.rmtree(self._place(-number), ignore_errors=True)
        return bool(spare)

    def clear_all(self) -> None:
        """Remove what all trials kept, now that the search has ended.

        The best stay, and what children may inherit when the search goes on some day.
        """
        if self._root is None or not self._root.is_dir():
            return
        parents = (each for each in self._kept if self._share and self._may_continue(each))
        recommended = (each for each in self._kept if self._may_recommend(each))
        best = {
            str(self.continuations.first(each))
            for each in (*parents, *recommended, *(each.number for each in self._best))
        }
        for place in self._root.iterdir():
            if place.name not in best:
                shutil.rmtree(place, ignore_errors=True)
        if not best.intersection(each.name for each in self._root.iterdir()):
            shutil.rmtree(self._root, ignore_errors=True)

    def _is_needed(self, number: int) -> bool:
        """Whether a trial that has not ended begins from this one's weights."""
        return number in self.continuations.needed.values()

    def _is_best(self, number: int) -> bool:
        return any(each.number == number for each in self._best) or self._may_recommend(number)

    def _place(self, number: int) -> str:
        return f"{self._root}/{self.continuations.first(number)}"


def _as_good(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    """Whether the first scores are equal to the second or dominate them."""
    return first == second or dominates(first, second)


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
