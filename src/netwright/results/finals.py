"""The final trainings of one run: which there are and in which order, where each lies, and what came of them.

The user's network comes first, evidence second: the winner's own training, then references that cost little, then its
further seeds, then random picks and the references' further seeds. What does not fit into the time is named.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from netwright.core.beside_table import NETWORK
from netwright.core.executor import Executor, Job, carry_out
from netwright.core.roles import bringing
from netwright.core.trial import Proposal
from netwright.networks.counting import count
from netwright.results.baselines import draw_picks
from netwright.results.entries import FOUND, PICK, Done, Entry, FinalTraining, discard, done
from netwright.results.final import one_line
from netwright.results.time_left import Cost, Fit, fit, measured

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.results.final import Trained

NEARLY = 1.15  # times the time left, a training is begun, and brought to its end in fewer epochs
SHARE_OF_COPIES = (
    0.75  # of the time left may be taken by more than one training of the winner; the rest is for evidence
)
HURRIED = 0.8  # of the passes that are best has a training anew, at least
WHOLE = 0.85  # of the epochs that the winner has, at least, has a fair contender
SHARE_OF_FIXED, MOST_OF_FIXED = 0.05, 5.0  # of the time for all, and seconds, a reference takes that is no network
SPARE_OF_FIXED, MOST_SPARE_OF_FIXED = 0.7, 15.0  # of what a winner by the clock leaves, all of them; seconds of each
FEW_MACS = 100_000  # multiply-adds of an example, below which a step takes as long as its calls do
LATE = 1.1  # of the time left: when a training that should have ended is given up


@dataclass(frozen=True)
class Winner:
    """What was found.

    start, begun: weights to go on from, and for how many epochs they were trained; by the clock
        (`TrainingSettings.seconds`), how many trainings.
    anew: whether it is trained from its first weights in place of going on, where there is time for it.
    passes: over the examples, that a training from its first weights takes, where a search by the clock has found out
        how many are best.
    instead: weights that are handed over where a training from the first ones comes to nothing better.
    copies: networks with first weights of their own that it is trained as, side by side.
    """

    architecture: Architecture
    start: Path | None = None
    begun: int = 0
    anew: bool = False
    passes: float | None = None
    instead: Path | None = None
    copies: int = 1

    def settled(self, fitted: Fit) -> Winner:
        """What is done, once it is known what there is time for."""
        if self.anew and fitted.epochs:
            return replace(self, start=None, begun=0, anew=False, instead=self.start, copies=fitted.copies)
        return replace(self, anew=False)


@dataclass(frozen=True)
class Wanted:
    """What is asked of a final comparison.

    epochs: to train the winner for, after those that it has behind it.
    seeds: of the winner and of each contender.
    baselines: whether references and random picks are trained.
    exact: no more epochs than these, although time is left.
    deadline: in `time.monotonic()` seconds.
    train: whether anything may be trained; without, what is done is read, and the winner's weights are tested as they
        are.
    decided: epochs that were fitted to the time before, and copies of a winner that is trained anew.
    copies: of such a winner, at most, as time allows.
    """

    epochs: int
    seeds: tuple[int, ...] = (0, 1, 2)
    baselines: bool = True
    exact: bool = False
    deadline: float | None = None
    train: bool = True
    decided: tuple[int, int] | None = None
    copies: int = 1


class Finals:
    """Carries out a final comparison. results: by contender, what was done. failed: seeds of the winner, and why.

    left_out: what did not fit into the time, in words. skipped: contenders without any result, and why.
    """

    def __init__(
        self,
        work: FinalTraining,
        winners: Sequence[Winner],
        rivals: Mapping[str, Sequence[Winner]],
        accept: Callable[[Architecture], bool] | None,
        folder: Path,
        say: Callable[[str], object],
    ) -> None:
        """winners: the network that was found, or one for each seed.
        rivals: of other searches, by their names.

        accept: whether a random pick keeps the limits.
        folder: where each entry gets a folder.
        say: hears of progress.
        """
        self.work, self.winners, self.rivals, self.accept = work, winners, rivals, accept
        self.folder, self.say = folder, say
        self.results: dict[str, dict[int, Done]] = {}
        self.failed: dict[int, str] = {}
        self.skipped: dict[str, str] = {}
        self._late: list[tuple[str, int]] = []
        self._first, self._epochs = ("", 0), 0  # the winner's own training, and the epochs that it has in all
        self._picks: dict[int, Architecture] = {}
        self._cost: Cost | None = None
        self._each_fixed = MOST_OF_FIXED
        self.on_fitted: Callable[[Fit], object] = lambda _: None

    @property
    def left_out(self) -> tuple[str, ...]:
        """What the time did not suffice for, by contender."""
        names = dict.fromkeys(name for name, _ in self._late)
        return tuple(self._described(name, [seed for each, seed in self._late if each == name]) for name in names)

    def _described(self, name: str, seeds: Sequence[int]) -> str:
        if name not in self.results or name in self.fixed:
            return name
        return f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))} of {name}"

    def carry_out(self, wanted: Wanted, executor: Executor) -> Fit:
        """Train what fits, in the order of its worth; how long the winner was planned to be trained."""
        order = list(self._order(wanted))
        fitted = self._fitted(order, wanted, max(1, executor.slots))
        if not fitted.epochs and self.winners[0].start is None:
            fitted = Fit(1, 0)  # what was found must not be lost for an epoch that takes longer than the time left
        self.winners = [each.settled(fitted) for each in self.winners]
        if wanted.train:
            self.on_fitted(fitted)
        self._first, self._epochs = order[0], self.winners[0].begun + fitted.epochs
        jobs = self._jobs(order, fitted.epochs, wanted)
        for job, outcome in carry_out(executor, jobs):
            name, seed = order[job.number]
            found = done(job.folder) if outcome.state == "completed" and job.folder is not None else None
            if found is not None:
                self._take(name, seed, found)
            elif outcome.state == "cancelled":
                self._late.append((name, seed))
            else:
                self._fail(name, seed, f"{outcome.state}: {outcome.reason}")
        # Several workers end in any order; what is told does not depend on it.
        self.results = {
            name: {
                seed: self.results[name][seed] for each, seed in order if each == name and seed in self.results[name]
            }
            for name in dict.fromkeys(name for name, _ in order)
            if name in self.results
        }
        return fitted

    # What there is to train.

    def _order(self, wanted: Wanted) -> Iterator[tuple[str, int]]:
        """Contender and seed of each training, the most worth first."""
        first, *more = wanted.seeds
        yield FOUND, first
        several = len(self.winners) > 1
        if several:
            yield from ((FOUND, seed) for seed in more)
        if wanted.baselines:
            yield from ((name, first) for name in self.fixed)
        early = [*self.rivals, *(self.trained if wanted.baselines else ())]
        yield from ((name, first) for name in early)
        if not several:
            yield from ((FOUND, seed) for seed in more)
        picks = [PICK] if wanted.baselines else []
        yield from ((name, seed) for name in picks for seed in wanted.seeds)
        yield from ((name, seed) for name in early for seed in more)

    @cached_property
    def fixed(self) -> tuple[str, ...]:
        """References that are fitted once, without any chance."""
        return tuple(each.name for each in self.work.references() if each.fit is not None)

    @cached_property
    def trained(self) -> tuple[str, ...]:
        """References that are networks, trained as the winner is; without the winner itself, where it is one."""
        own_networks = bringing(self.work.space)
        found = [each.name for each in self.work.references() if each.build is not None]
        if own_networks is None:
            return tuple(found)
        winner = self.winners[0].architecture.decisions[NETWORK]
        return tuple(name for name in found if name not in own_networks.networks or name != winner)

    def _entry(self, name: str, seed: int, place: int, epochs: int) -> Entry:
        """place: of the seed among those wanted."""
        total = self.winners[0].begun + epochs
        if name in (FOUND, *self.rivals):
            each = self.winners if name == FOUND else self.rivals[name]
            found = each[place] if len(each) > 1 else each[0]
            goes_on = found.start is not None and (place == 0 or len(each) > 1)
            if goes_on:
                return Entry(name, seed, found.architecture, epochs, found.start, found.begun, copies=found.copies)
            own = {"passes": found.passes, "instead": found.instead if place == 0 else None, "copies": found.copies}
            return Entry(name, seed, found.architecture, total, **own)
        architecture = self._picks[seed] if name == PICK else None
        return Entry(name, seed, architecture, 0 if name in self.fixed else total)

    def _drawn(self, wanted: Wanted) -> bool:
        """Draw the random picks where that was not done; whether there are any."""
        if not self._picks and PICK not in self.skipped:
            winner = self.winners[0].architecture
            try:
                found = draw_picks(self.work.space, winner, self.work.task, wanted.seeds, self.accept)
            except Exception as problem:  # a space of the user's own may raise anything; the winner must not be lost
                self.skipped[PICK] = one_line(problem)
                return False
            self._picks = dict(zip(wanted.seeds, found, strict=True))
        return bool(self._picks)

    # What fits.

    def _fitted(self, order: Sequence[tuple[str, int]], wanted: Wanted, slots: int) -> Fit:
        if wanted.deadline is None or not wanted.train:
            return Fit(wanted.epochs, len(order), self.winners[0].copies)
        winner = self.winners[0]
        self._data = self.work.task.final_data(self.work.device)
        network = self.work.build(Entry(FOUND, wanted.seeds[0], winner.architecture, 1), winner.architecture)
        self._macs = max(FEW_MACS, count(network, self.work.task.shape.input).macs)
        passes = winner.passes if winner.anew or winner.start is None else None
        settings = self.work.settings_of(winner.architecture)
        self._cost = measured(network, self._data, settings, self.work.device, passes)
        if wanted.decided is not None:
            epochs, copies = wanted.decided
            self._side_by_side(copies)
            return Fit(epochs, 0, copies)
        left = wanted.deadline - time.monotonic()
        self._each_fixed = min(MOST_OF_FIXED, SHARE_OF_FIXED * max(0.0, left))
        others = [self._cost_of(name) for name, _ in order[1:]]
        shorter = HURRIED if passes is not None else 1.0  # its schedule is brought to its end in time
        found = fit(
            replace(self._cost, epoch=shorter * self._cost.epoch),
            others,
            wanted=wanted.epochs,
            begun=0 if winner.anew else winner.begun,
            seconds=left,
            slots=slots,
            exact=wanted.exact or self._by_clock,
        )
        if winner.anew and found.epochs:
            copies = int(SHARE_OF_COPIES * left / self._cost.of(1)) if wanted.copies > 1 else 1
            found = replace(found, copies=max(1, min(wanted.copies, copies)))
            self._side_by_side(found.copies)
        if self._by_clock:
            spare = SPARE_OF_FIXED * (left - self._cost.of(found.epochs)) / max(1, len(self.fixed))
            self._each_fixed = max(self._each_fixed, min(MOST_SPARE_OF_FIXED, spare))
        return found

    def _side_by_side(self, copies: int) -> None:
        """Every training of the winner costs as much as so many of one network."""
        assert self._cost is not None
        self._cost = Cost(copies * self._cost.epoch, copies * self._cost.test)

    def _cost_of(self, name: str) -> Cost:
        """By the multiply-adds; a random pick is taken to cost what the winner does."""
        assert self._cost is not None
        if name in self.fixed:
            return Cost(0.0, self._each_fixed)
        if name not in self.trained:
            return self._cost
        with torch.device("meta"):
            network = self.work.build(Entry(name, 0, None, 1), self.winners[0].architecture)
        share = max(FEW_MACS, count(network, self.work.task.shape.input).macs) / self._macs
        return Cost(self._cost.epoch * (1 if self._by_clock else share), self._cost.test * share)

    @property
    def _by_clock(self) -> bool:
        """Whether each training lasts so many seconds."""
        return self.work.settings.seconds is not None

    def _jobs(self, order: Sequence[tuple[str, int]], epochs: int, wanted: Wanted) -> Iterator[Job]:
        """What is not done yet and fits when its turn comes; numbers are places in the order."""
        for number, (name, seed) in enumerate(order):
            if name == PICK and not self._drawn(wanted):
                continue
            entry = self._entry(name, seed, wanted.seeds.index(seed), epochs)
            folder = self.folder / f"{name.replace(' ', '-')}-{seed}-{entry.key(*self._circumstances)}"
            there = done(folder)
            if there is not None and not (wanted.train and self._short(name, seed, there)):
                self._take(name, seed, there)
                continue
            if not wanted.train and not (number == 0 and not entry.epochs and entry.start is not None):
                continue
            limited = self._limited(entry, number == 0, wanted)
            if limited is None:
                self._late.append((name, seed))
                continue
            discard(folder)  # what the time had cut short before
            limited.write(folder)
            self.say(f"{name}, seed {seed}")
            architecture = entry.architecture or self.winners[0].architecture
            yield Job(number, Proposal(architecture), seed, (self.work,), folder=folder)

    def _limited(self, entry: Entry, first: bool, wanted: Wanted) -> Entry | None:
        """The entry with the time that it may take; None where it does not fit. The first one is always begun."""
        if wanted.deadline is None or not wanted.train:
            return entry
        left = wanted.deadline - time.monotonic()
        if first:
            return replace(entry, seconds=left, most=None if entry.start is None else LATE * max(0.1, left))
        fixed = entry.name in self.fixed
        needed = min(1.0, self._each_fixed) if fixed else self._cost_of(entry.name).of(entry.epochs)
        if needed > NEARLY * left:
            return None
        return replace(entry, seconds=min(self._each_fixed, left) if fixed else left, most=LATE * left)

    @property
    def _circumstances(self) -> tuple[object, ...]:
        work = self.work
        return work.space.configuration(), work.task.fingerprint, repr(work.settings), work.device

    # What came of it.

    def _take(self, name: str, seed: int, found: Done) -> None:
        if self._short(name, seed, found):
            self._late.append((name, seed))
            return
        self.results.setdefault(name, {})[seed] = found
        record = found.record
        if record is None or self._cost is None or self._by_clock:
            return
        if name == FOUND and record.epochs > self.winners[0].begun:
            # The machine may have become slower or quicker than when its steps were timed.
            went_on = (name, seed) == self._first or len(self.winners) > 1
            epochs = record.epochs - (self.winners[0].begun if went_on else 0)
            self._cost = Cost(max(record.seconds - self._cost.test, 0.0) / epochs, self._cost.test)

    def _short(self, name: str, seed: int, found: Done) -> bool:
        """Whether the time cut it off so early that, less trained than the winner, it says nothing of it."""
        record = found.record
        cut = record is not None and record.stopped == "deadline" and self._less(record)
        return cut and (name, seed) != self._first

    def _less(self, record: Trained) -> bool:
        """Whether it was trained for much less than the winner."""
        whole = self.work.settings.seconds
        return record.epochs < WHOLE * self._epochs if whole is None else record.seconds < WHOLE * whole

    def _fail(self, name: str, seed: int, reason: str) -> None:
        if name == FOUND:
            self.failed[seed] = reason
        elif name not in self.results:
            self.skipped[name] = reason
