"""A race: known good networks and changes of the leaders, judged early, the better ones trained on until time is up."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar

from netwright.core.chance import by_chance
from netwright.core.checks import not_negative, positive, probability, whole_number
from netwright.core.errors import SpaceExhausted, StopSearch
from netwright.core.strategy import Strategy
from netwright.core.trained import SECONDS
from netwright.core.trial import Proposal
from netwright.strategies.evolution.ranking import Population, still_completed
from netwright.strategies.fidelity.rungs import KEPT, Rung, checked_eta, shares, steps_below
from netwright.strategies.unseen import Unseen

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.trial import Trial

PROVIDES = ("est.multi_fidelity",)

MOST_REDRAWS = 20
BARREN = 200  # networks in a row that break a limit, after which no new ones are asked for
RECENT = 7  # trials that tell what one takes beside its training
PARENTS = 3  # leaders that are changed
LOSS = "val_loss"
SHARE_OF_COPIES = 0.2  # of the time, that is kept for more than one training anew
SURE = 1.02  # times what a step is expected to take, it may take


class Race(Strategy):
    """Well-known networks begin, changes of the leaders follow, and the best is trained to its end before time is up.

    Each candidate begins with a small share of the full training. Whoever is among the best 1/`eta` of those that had
    as much gets `eta` times as much, going on from where it stood, as in asynchronous successive halving (Li et al.
    2020). Where nobody may go on, a new candidate begins: first those of `first`, in turn, then a leader with one of
    its decisions changed, now and then a random one. What a training takes is learnt from those before it: nothing is
    begun that could not come to its end, and as soon as there is no time left for a step beside the rest of the
    leader's training, the leader is trained to its end, then the next best as long as that fits. Where each part of a
    training ends with a decay of its own (`overlap`), every measurement is of a network that could be handed over: then
    the leader climbs as far as there is time, and what has begun needs no end.

    space: the one to search.
    seconds: of the search, whatever it has of workers; None for no limit, so that the search ends by its own stops.
    first: architectures to begin with, as `space.parse` reads them or as they are; by name where they have one.
    least: the smallest share of the full training; the lowest rung is the smallest power of 1/eta that is no less.
    eta: a candidate among the best 1/eta of its rung goes on, to eta times as much.
    random: share of new candidates that are drawn at random, once those of `first` have begun.
    full: seconds of a full training, where all last as long; None to learn it from what trials take.
    overlap: share of what a candidate was trained for that is done again when it goes on, as in trainings whose parts
        have a decay of their own; 0 where it goes on from where it was measured.
    anew: times what the training of the leader took, that is kept free after the race, to train it anew.
    copies: such trainings that time is kept for, as far as they take a fifth of all.
    examples: that candidates are judged on, where the first objective is a share of them. A well-known network then
        leads unless another is better by more than chance explains; of those that it does not tell apart from the
        best, the one of the lowest loss does. None for the best, whatever it owes to chance.
    """

    continues: ClassVar[bool] = True
    keeps_time: ClassVar[bool] = True
    adopts = True

    def __init__(
        self,
        space: Space,
        seconds: float | None = None,
        first: Mapping[str, Architecture | str] | Sequence[Architecture | str] = (),
        least: float = 1 / 27,
        eta: float = 3,
        random: float = 0.2,
        full: float | None = None,
        overlap: float = 0.0,
        anew: float = 0.0,
        copies: int = 1,
        examples: int | None = None,
    ) -> None:
        self.space = space
        self.seconds = positive(self, "seconds", seconds, none=True)
        self.bounded = seconds is not None
        self.eta = checked_eta(self, eta)
        self.random = probability(self, "random", random)
        self.full = positive(self, "full", full, none=True)
        self.overlap = probability(self, "overlap", overlap)
        self.anew = not_negative(self, "anew", anew)
        self.copies = whole_number(self, "copies", copies)
        self.measures_whole = self.overlap > 0
        self.examples = whole_number(self, "examples", examples, none=True)
        named = first.items() if isinstance(first, Mapping) else (("", each) for each in first)
        self.first = tuple((name, space.parse(each) if isinstance(each, str) else each) for name, each in named)
        for _, each in self.first:
            space.validate(each)
        # As text, so that the configuration can be kept and read.
        kept = {name: str(each) for name, each in self.first} if isinstance(first, Mapping) else None
        self._arguments = {**self._arguments, "first": [str(each) for _, each in self.first] if kept is None else kept}
        self._rungs = [Rung(share) for share in shares(steps_below(self, least, eta), eta)]
        self._unseen = Unseen(space)
        self._begun = 0  # of those of `first`
        self._pending: list[tuple[Proposal, float]] = []  # and when each began
        self._now = 0.0  # seconds since the search began, as far as they can be told from those of the trials
        self._latest: dict[Architecture, Trial] = {}  # the last trial of each candidate that completed one
        self._taken: dict[Architecture, float] = {}  # seconds of all its trials
        self._rates = 0.0  # the sum of what a full training of each would take
        self._excess: deque[float] = deque(maxlen=RECENT)  # seconds of trials beside their training
        self._best: list[Trial] = []  # where the best candidates stand, the best first
        self._closed: set[Architecture] = set()  # failed on the way
        self._barren = 0  # trials in a row that broke a limit

    # Asking.

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        best = self._to_end()
        kept = self._kept(best)
        upper, trial = self._promotable()
        if trial is not None and self._fits(max(self._to_its_end(trial), self._cost(trial, upper) + kept)):
            self._rung_below(upper).promote(self.eta)
            return self._on(trial, upper.share)
        begun = self._of_new(self._rungs[0].share)
        exhausted = self._barren >= BARREN and bool(self._latest)
        if not exhausted and self._fits(max(0.0 if self.overlap else self._of_new(1.0), begun + kept)):
            try:
                return self._new(rng)
            except SpaceExhausted:
                if not self._latest and not self._pending:
                    raise
        if best is not None and not self.overlap:
            return self._on(best, 1.0)
        for each in self._unfinished():
            upper = self._highest(each)
            if upper is not None:
                return self._on(each, upper.share)
        if self._pending:
            return None
        raise StopSearch("the time of the race is used up")

    def _kept(self, best: Trial | None) -> float:
        """Seconds that nothing else may take: for the rest of the leader's training, and to train it anew.

        best: whose training must come to its end.
        """
        if best is None:
            return self._for_anew()
        return self._rest(best) + self._anew_after(self._taken_by(best) + self._rest(best))

    def _for_anew(self) -> float:
        """Seconds to train the leader anew, as it is."""
        return self._anew_after(self._taken_by(self._best[0])) if self.anew and self._best else 0.0

    def _anew_after(self, seconds: float) -> float:
        """Seconds to train a network anew that was trained for so many."""
        one = self.anew * seconds
        return min(self.copies * one, max(one, SHARE_OF_COPIES * (self.seconds or 0.0)))

    def _taken_by(self, trial: Trial) -> float:
        """Seconds of training behind what a trial has measured."""
        return trial.metrics.get(SECONDS, trial.share * (self.full or 0.0))

    def _to_its_end(self, trial: Trial) -> float:
        """Seconds that a candidate needs once it goes on: to its end, unless every measurement may be handed over."""
        return 0.0 if self.overlap else self._rest(trial)

    def _highest(self, trial: Trial) -> Rung | None:
        """The rung that a candidate goes on to in the time that is left: its end, or the highest that fits."""
        rungs = self._rungs[::-1] if self.overlap else self._rungs[-1:]
        for rung in rungs:
            if rung.share <= trial.share:
                return None
            took = self._taken_by(trial)
            after = self._anew_after(took + (rung.share - trial.share) * (self.full or 0.0))
            if self._fits(self._cost(trial, rung) + max(after, self._for_anew())):
                return rung
        return None

    def _promotable(self) -> tuple[Rung, Trial | None]:
        """The highest rung that somebody may go on to, and who; nobody before all of `first` have begun."""
        top = self._rungs[-1]
        if self._begun < len(self.first):
            return top, None
        for upper, lower in zip(self._rungs[:0:-1], self._rungs[-2::-1], strict=True):
            trial = lower.next(self.eta)
            if trial is not None and self._may_go_on(trial, upper.share):
                return upper, trial
            if trial is not None:  # it went on already
                lower.promote(self.eta)
        return top, None

    def _rung_below(self, upper: Rung) -> Rung:
        return self._rungs[self._rungs.index(upper) - 1]

    def _new(self, rng: np.random.Generator) -> Proposal:
        while self._begun < len(self.first):
            name, architecture = self.first[self._begun]
            self._begun += 1
            if self._unseen.add(architecture):
                memo = {"known": name} if name else None
                return self._asked(Proposal(architecture, fidelity=self._rungs[0].share, memo=memo))
        leaders = self._leaders()
        parent = leaders[int(rng.integers(len(leaders)))] if leaders and rng.random() >= self.random else None
        child = self._unseen.draw(rng) if parent is None else self._child(parent.architecture, rng)
        # A child begins anew: a parent's number would tell the engine that the same network goes on.
        return self._asked(Proposal(child, fidelity=self._rungs[0].share))

    def _child(self, parent: Architecture, rng: np.random.Generator) -> Architecture:
        for _ in range(MOST_REDRAWS):
            child = self.space.mutate(parent, rng)
            if self._unseen.add(child):
                return child
        return self._unseen.draw(rng)

    def _leaders(self) -> list[Trial]:
        return self._best[:PARENTS]

    def _on(self, trial: Trial, share: float) -> Proposal:
        return self._asked(Proposal(trial.architecture, fidelity=share, parent=trial.number, memo=trial.proposal.memo))

    def _asked(self, proposal: Proposal) -> Proposal:
        self._pending.append((proposal, self._now))
        return proposal

    # What there is to be done, and what it takes.

    def _to_end(self) -> Trial | None:
        """Whose training must come to its end, as nobody that was trained to the end, or is being, is as good."""
        ending = {proposal.candidate for proposal, _ in self._pending if proposal.share == 1}
        for trial in self._best:
            if trial.share == 1 or trial.architecture in ending or self._has_turned(trial):
                return None
            if self._may_go_on(trial, 1.0):
                return trial
        return None

    def _unfinished(self) -> list[Trial]:
        return [each for each in self._best if self._may_go_on(each, 1.0)]

    def _may_go_on(self, trial: Trial, share: float) -> bool:
        """Whether this is where its candidate stands, and nothing of it is under way."""
        candidate = trial.architecture
        latest = self._latest.get(candidate)
        free = candidate not in self._closed and all(each.candidate != candidate for each, _ in self._pending)
        free = free and not self._has_turned(trial)
        return latest is not None and latest.number == trial.number and trial.share < share and free

    def _has_turned(self, trial: Trial) -> bool:
        """Whether the best of its training lies before its last part, so that more of it would be for nothing."""
        before = trial.share / self.eta
        return (
            bool(self.overlap)
            and trial.proposal.parent is not None
            and trial.metrics.get(SECONDS, math.inf) <= before * (self.full or 0.0)
        )

    def _takes(self, candidate: Architecture | None, before: float, share: float) -> float:
        """Seconds that this candidate, or a new one, takes from one share to another."""
        if self.full is not None:
            return (share - (1 - self.overlap) * before) * self.full + self._beside
        if candidate is not None and candidate in self._latest:
            return (share - before) * self._taken[candidate] / self._latest[candidate].share
        return (share - before) * self._rates / len(self._latest) if self._latest else 0.0

    @property
    def _beside(self) -> float:
        """Seconds that a trial takes beside its training."""
        return median(self._excess) if self._excess else 0.0

    def _rest(self, trial: Trial) -> float:
        return self._takes(trial.architecture, trial.share, 1.0)

    def _cost(self, trial: Trial, rung: Rung) -> float:
        return self._takes(trial.architecture, trial.share, rung.share)

    def _of_new(self, share: float) -> float:
        return self._takes(None, 0.0, share)

    def _fits(self, seconds: float) -> bool:
        return self.seconds is None or seconds <= SURE * (self.seconds - self._now)

    # Telling.

    def tell(self, trial: Trial) -> None:
        place = next(number for number, (each, _) in enumerate(self._pending) if each == trial.proposal.question)
        _, began = self._pending.pop(place)
        self._now = max(self._now, began + trial.seconds)
        candidate = trial.architecture
        self._unseen.note(trial)
        self._barren = self._barren + 1 if trial.state == "infeasible" else 0
        if trial.completed:
            self._note(trial, candidate)
        else:
            self._closed.add(candidate)
        rung = next(each for each in self._rungs if each.share == trial.share)
        if trial.state != "infeasible" or rung is not self._rungs[0]:
            rung.note(trial)

    def judge_anew(self, trials: Mapping[int, Trial]) -> None:
        """Candidates that break a limit now go no further."""
        kept = {each.number for each in still_completed(self._latest.values(), trials)}
        self._closed |= {candidate for candidate, each in self._latest.items() if each.number not in kept}
        self._best = self._led([each for each in self._best if each.number in kept])

    def _note(self, trial: Trial, candidate: Architecture) -> None:
        """Where a candidate stands now, among the best or not, and what it took."""
        before, taken = self._latest.get(candidate), self._taken.get(candidate, 0.0)
        share = 0.0 if before is None else before.share
        if self.full is not None:
            planned = (trial.share - (1 - self.overlap) * share) * self.full
            self._excess.append(max(0.0, trial.seconds - planned))
        self._latest[candidate], self._taken[candidate] = trial, taken + trial.seconds
        self._rates += self._taken[candidate] / trial.share - (taken / share if share else 0.0)
        others = [each for each in self._best if each is not before]
        self._best = self._led(Population([*others, trial]).ordered()[:KEPT])

    def _led(self, ordered: list[Trial]) -> list[Trial]:
        """These trials, the best first, with the one that leads at the front."""
        if not self._by_loss(ordered):
            return ordered
        assert self.examples is not None
        highest = ordered[0].scores[0]
        least = highest - by_chance(highest, self.examples)
        alike = [each for each in ordered if each.scores[0] >= least and LOSS in each.metrics]
        known = [each for each in alike if named(each)]
        if known:  # the best of them by its score, so that what leads is no worse than any
            alike = known[:1]
        if not alike:
            return ordered
        leader = min(alike, key=lambda each: each.metrics[LOSS])
        return [leader, *(each for each in ordered if each is not leader)]

    def _by_loss(self, ordered: Sequence[Trial]) -> bool:
        """Whether the loss decides among trials that chance alone may have ordered."""
        return self.examples is not None and bool(ordered) and len(ordered[0].scores) == 1

    def recommend(self, trials: Sequence[Trial]) -> Architecture:
        """The leader among these trials."""
        completed = [trial for trial in trials if trial.completed]
        if not completed or self.examples is None:
            return super().recommend(trials)
        return self._led(Population(completed).ordered())[0].architecture

    def may_recommend(self, number: int) -> bool:
        """Whether it leads, or may lead once others score more or have gone on."""
        return self.measures_whole and any(trial.number == number for trial in self._may_lead())

    def _may_lead(self) -> list[Trial]:
        """The leader; where the loss decides, also whoever has the lowest of those that score as much, and the best
        of the well-known networks."""
        found = self._best[:1]
        if self._by_loss(self._best):
            lowest = math.inf
            for trial in Population(self._best).ordered():
                if trial.metrics.get(LOSS, math.inf) < lowest:
                    lowest = trial.metrics[LOSS]
                    found.append(trial)
            found += [trial for trial in self._best if named(trial)][:1]
        return found

    def may_continue(self, number: int) -> bool:
        """Whether the trial's candidate stands there, and is among the best, which may all be trained to the end."""
        return any(each.number == number and self._may_go_on(each, 1.0) for each in self._best)


def named(trial: Trial) -> str:
    """The name of the well-known network that a trial of a race is about; empty for any other."""
    memo: Mapping[str, Any] = trial.proposal.memo or {}
    return str(memo.get("known", ""))
