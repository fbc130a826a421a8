"""The loop: ask while there is a free slot, run, record, tell. Nothing else loops."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from netwright.core.errors import NetwrightError, StopSearch
from netwright.core.executor import Executor, Job, Outcome
from netwright.core.randomness import Generators, derived_seed
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal, Trial
from netwright.engine.failures import Failures
from netwright.engine.judging import Judge
from netwright.engine.retries import Delayed, Pending, Places, RetryPolicy
from netwright.engine.rounds import Rounds, round_estimator
from netwright.engine.signals import Signals
from netwright.engine.stops import Stops
from netwright.store.rows import Asked, AttemptEnded, Told

if TYPE_CHECKING:
    from netwright.engine.progress import Watch
    from netwright.engine.search import Search
    from netwright.store.writer import TrialWriter

CANCELLING = 30.0  # seconds that an executor has to end the jobs it is told to cancel
STOPPING = 20.0  # the same, after an interruption
NOWHERE = 600.0  # seconds without any place to run a trial, after which the search ends
_LOOK = 0.5  # seconds between two looks for a place
_EMPTY = 5  # answers in a row that came early and held nothing, from an executor that has forgotten its jobs
_SLOW = 0.002  # seconds; a trial that takes longer is worth waiting for its commit
_STALE = 0.25  # seconds after which even fast trials wait for theirs


class Loop:
    """One run under way. `trials` are in the order in which the strategy was told."""

    def __init__(
        self,
        search: Search,
        strategy: Strategy,
        executor: Executor,
        stops: Stops,
        earlier: float = 0.0,
        on_trial: Callable[[Trial], object] | None = None,
        watch: Watch | None = None,
        shared: Path | None = None,
        retries: RetryPolicy | None = None,
        folder: Path | None = None,
    ) -> None:
        """folder: where the trials that are under way have folders for their checkpoints; None for nowhere."""
        self.trials: list[Trial] = []
        self.tracebacks: dict[int, str] = {}
        self.notices: list[str] = []
        self.journal: TrialWriter | None = None
        self.signals = Signals()
        self.stops = stops
        self.failures = Failures(search.limits)
        self._strategy, self._executor, self.space = strategy, executor, search.space
        self.rounds = Rounds(strategy, round_estimator(search.estimator), derived_seed(search.seed), shared)
        self._generators = Generators(search.seed)
        self._seed, self._stages, self._constraints = search.seed, tuple(search.estimator.stages()), search.limits
        self._judge = Judge(search.objectives, search.limits)
        self._on_trial, self._watch = on_trial, watch
        self._number = 0
        self.asked_round = False
        self._pending: dict[int, Pending] = {}
        self._delayed = Delayed()
        self._retries, self._places = retries or RetryPolicy(), Places()
        self._folder = folder
        self._homeless, self._empty = 0.0, 0
        self._asked_all = False  # whether there was a slot when the strategy could last be asked
        self.refused = 0  # outcomes that were delivered twice, or belong to an attempt that was given up
        self.on_notice: Callable[[str, Mapping[str, object]], object] = lambda _kind, _data: None
        self._unacknowledged: deque[tuple[int, Trial]] = deque()
        self._oldest = 0.0
        self._earlier, self._start = earlier, time.monotonic()

    def seconds(self) -> float:
        """How long the run has been driven, over all sessions."""
        return self._earlier + time.monotonic() - self._start

    def run(self) -> str:
        """Search until a stop; why it stopped."""
        with self.signals:
            while True:
                self._fill()
                if self._over():
                    break
                self._settle()
                for outcome in self._wait():
                    self._finish(outcome)
                self.signals.check()
            self.settle()
        return self.stops.reason

    # Asking.

    def ask(self) -> Proposal | Trial | None:
        """The strategy's next proposal, drawn from the next number's generator.

        A round is carried out at once: what comes back is then the epoch that it ended, or None where it ended none.
        """
        rounds = self.rounds
        proposal = self._strategy.ask(self._generators(self._number, rounds.count))
        if proposal is None or not proposal.is_round:
            self.asked_round = False
            rounds.count = 0
            return proposal
        self.asked_round = True
        if self._pending:
            raise NetwrightError(
                f"{type(self._strategy).__name__} asks for a round while trials {sorted(self._pending)} are pending; a "
                "strategy that trains shared weights must first be told of them"
            )
        return rounds.carry_out(self._number, proposal)

    def _over(self) -> bool:
        """Whether nothing is under way and nothing will be; a search without a place to run waits for one."""
        if self._pending:
            return False
        return self._asked_all or bool(self.stops.now(self.seconds())) or self.stops.full(0)

    def _fill(self) -> None:
        """Ask until every slot is taken, a stop is reached, or the strategy waits to be told."""
        pending, stops, slots = self._pending, self.stops, self._executor.slots
        self._asked_all = slots > 0
        if self._delayed.numbers:
            self._begin_due(slots)
        while len(pending) < slots and not stops.now(self.seconds()) and not stops.full(len(pending)):
            try:
                asked = self.ask()
            except StopSearch as stop:
                stops.reason = str(stop) or type(stop).__name__
                return
            if self.asked_round:
                self._after_round(asked)
            elif asked is None:
                self._require_pending()
                return
            else:
                self.begin(cast("Proposal", asked))

    def _after_round(self, epoch: Proposal | Trial | None) -> None:
        """Record the epoch that a round ended, if any; let the user see and interrupt."""
        if isinstance(epoch, Trial):
            question = self._question(epoch.proposal, self.skip())
            if self.journal is not None:  # one record, so that an epoch is stored whole or not at all
                self.journal.add(Told(question, len(self.trials), epoch, "", time.time()))
                self.journal.wait()
            self.trials.append(epoch)
            self._acknowledge(epoch)
        self.signals.check()
        if self._watch is not None:
            self._watch.show(len(self._pending), self.seconds(), progress=self.rounds.progress)

    def _question(self, proposal: Proposal, number: int) -> Asked:
        return Asked(number, len(self.trials), 1, proposal, time.time())

    def _require_pending(self) -> None:
        if not self._pending:
            name = type(self._strategy).__name__
            raise NetwrightError(f"{name} wants to be told of a trial before it asks again, but none is under way")

    def begin(self, proposal: Proposal) -> None:
        """Hand the next proposal to the executor."""
        number = self._number
        self._number = number + 1
        pending = self._pending[number] = Pending(Asked(number, len(self.trials), 1, proposal, time.time()))
        self._submit(pending)

    def begin_again(self, question: Asked, lost: int = 0, batch_share: float = 1.0) -> None:
        """Queue another attempt at a trial of an earlier session."""
        self._pending[question.number] = Pending(question, lost, batch_share)
        self._delayed.add(question.number, 0.0)

    def _begin_due(self, slots: int) -> None:
        """Begin the attempts whose time has come, as far as there are slots."""
        delayed = self._delayed
        while len(self._pending) - len(delayed.numbers) < slots and delayed.due <= time.monotonic():
            pending = self._pending[delayed.pop()]
            before = pending.question
            pending.question = Asked(before.number, before.asked, before.attempt + 1, before.proposal, time.time())
            self._submit(pending)

    def _submit(self, pending: Pending) -> None:
        question = pending.question
        if self.journal is not None:
            self.journal.add(question)
        number = question.number
        seed = derived_seed(self._seed, number)
        folder = None if self._folder is None else self._folder / str(number)
        job = Job(number, question.proposal, seed, self._stages, self._constraints, question.attempt, folder)
        self._executor.submit(job if pending.batch_share == 1.0 else replace(job, batch_share=pending.batch_share))

    def skip(self) -> int:
        """Note that the next number was asked in an earlier session; that number."""
        self._number += 1
        return self._number - 1

    # Waiting.

    def _wait(self) -> Sequence[Outcome]:
        remaining = self.stops.remaining(self.seconds())
        if remaining == 0:
            return self._cancelled()
        signals, running = self.signals, len(self._pending) > len(self._delayed.numbers)
        try:
            signals.waiting = True
            signals.check()
            if not running:
                return self._pause(remaining)
            self._homeless = 0.0
            began, timeout = time.monotonic(), self._patience(remaining)
            outcomes = self._executor.wait(timeout)
        finally:
            signals.waiting = False
        if outcomes:
            self._empty = 0
        elif time.monotonic() - began < timeout / 2:
            self._empty += 1
            if self._empty >= _EMPTY:
                raise NetwrightError(f"{type(self._executor).__name__} lost the trials {sorted(self._pending)}")
        return outcomes

    def _patience(self, remaining: float | None) -> float:
        """Seconds to wait for an outcome: until the time is up, another attempt is due, or there may be new slots."""
        delayed = self._delayed
        seconds = _LOOK if remaining is None else min(_LOOK, remaining)
        if delayed.numbers and len(self._pending) - len(delayed.numbers) < self._executor.slots:
            seconds = min(seconds, max(0.0, delayed.due - time.monotonic()))
        return seconds

    def _pause(self, remaining: float | None) -> Sequence[Outcome]:
        """Nothing is under way: wait until the next attempt is due, or for a place to run it."""
        seconds = min(_LOOK, *(each for each in (remaining, self._delayed.due - time.monotonic()) if each is not None))
        if self._executor.slots == 0:
            seconds = _LOOK if remaining is None else min(_LOOK, remaining)
            self._homeless = self._homeless or time.monotonic()
            if time.monotonic() - self._homeless > NOWHERE:
                raise NetwrightError(
                    f"{type(self._executor).__name__} had no place to run a trial for {NOWHERE:.0f} s; resume the run "
                    "where there is one"
                )
        threading.Event().wait(max(0.0, seconds))
        return ()

    def _cancelled(self) -> Sequence[Outcome]:
        """End what still runs; an executor that doesn't answer in time is not waited for. No trial is begun again."""
        self._retries = RetryPolicy((0.0,))
        self.cancel()
        found: dict[int, Outcome] = {}
        running = [number for number in self._pending if number not in self._delayed.numbers]
        end = time.monotonic() + CANCELLING
        while len(found) < len(running) and (left := end - time.monotonic()) > 0:
            found.update((each.number, each) for each in self._executor.wait(left) if self._awaited(each))
        self._delayed.clear()
        for number, pending in self._pending.items():
            attempt = pending.question.attempt
            found.setdefault(
                number, Outcome(number, "cancelled", reason="the time of the search was up", attempt=attempt)
            )
        return list(found.values())

    def _awaited(self, outcome: Outcome) -> bool:
        """Whether this ends the attempt that is under way; second deliveries and given up attempts are counted."""
        pending = self._pending.get(outcome.number)
        known = pending is not None and outcome.attempt == pending.question.attempt
        awaited = known and outcome.number not in self._delayed.numbers
        self.refused += not awaited
        return awaited

    def drain(self, seconds: float, *, tell: bool) -> None:
        """After `cancel`: wait for what was under way, so that none of it reaches another search.

        tell: whether trials that ended by themselves meanwhile count; those that were cancelled are begun again when
        the run is resumed.
        """
        running = {number for number in self._pending if number not in self._delayed.numbers}
        end = time.monotonic() + seconds
        while running and (left := end - time.monotonic()) > 0:
            outcomes = self._executor.wait(left)
            if not outcomes:
                return
            for outcome in outcomes:
                if not self._awaited(outcome):
                    continue
                running.discard(outcome.number)
                if tell and outcome.state not in ("cancelled", "lost"):
                    self._finish(outcome)
                else:
                    self._record_attempt(self._pending.pop(outcome.number).question, outcome)

    def cancel(self) -> None:
        for number in self._pending:
            with contextlib.suppress(Exception):
                self._executor.cancel(number)

    # Telling.

    def _finish(self, outcome: Outcome) -> None:
        if not self._awaited(outcome):
            return
        pending = self._pending[outcome.number]
        question = pending.question
        if outcome.place:
            self._watch_place(outcome)
        wait = None if outcome.state == "completed" else self._retries.wait(pending, outcome.state)
        if wait is not None:
            self._record_attempt(question, outcome)
            self._delayed.add(outcome.number, time.monotonic() + wait)
            return
        if not _is_plain(question, outcome):
            self._record_attempt(question, outcome)
        del self._pending[outcome.number]
        trial = self._judge.trial(question.proposal, outcome)
        if self.journal is None:
            self.tell(trial, outcome.traceback)
            self._acknowledge(trial)
        else:
            written = Told(question, len(self.trials), trial, outcome.traceback, time.time())
            if not self._unacknowledged:
                self._oldest = written.ended
            self._unacknowledged.append((self.journal.add(written), trial))
            self.tell(trial, outcome.traceback)
        if trial.state != "completed":
            problem = self.failures.verdict()
            if problem is not None:
                raise problem

    def _record_attempt(self, question: Asked, outcome: Outcome) -> None:
        if self.journal is not None:
            self.journal.add(
                AttemptEnded(
                    *(question, outcome.state, outcome.reason, outcome.place, outcome.log, time.time()),
                    *(outcome.seconds, outcome.threads, outcome.peak_memory),
                )
            )

    def note_lost(self, question: Asked, reason: str) -> None:
        """Record that an attempt of an earlier session went with its driver."""
        self._record_attempt(question, Outcome(question.number, "lost", reason=reason, attempt=question.attempt))

    def _watch_place(self, outcome: Outcome) -> None:
        """Take a place out of use at which one trial after the other is lost, where the executor can do that."""
        lost = self._places.note(outcome)
        if not lost:
            return
        quarantine = getattr(self._executor, "quarantine", None)
        if quarantine is not None:
            quarantine(outcome.place)
        done = "it gets no more trials" if quarantine is not None else "it cannot be taken out of use"
        text = (
            f"trials {', '.join(map(str, lost))} were lost at {outcome.place} and none completed there in between; "
            f"{done}, the search goes on (the last one: {outcome.reason or 'no reason given'})"
        )
        self.notices.append(text)
        self.on_notice("quarantine", {"place": outcome.place, "trials": list(lost), "text": text})

    def tell(self, trial: Trial, traceback: str = "", *, strategy: bool = True) -> None:
        """Tell everybody who keeps count of how a trial ended, the strategy last."""
        self.trials.append(trial)
        if traceback:
            self.tracebacks[trial.number] = traceback
        self.stops.note(trial)
        self.failures.note(trial, traceback)
        if strategy:
            self._strategy.tell(trial)

    def restore(self, trial: Trial, traceback: str, *, told: bool = True) -> None:
        """Tell of a trial of an earlier session; all but the strategy where it was not `told` or knows already."""
        self._judge.note(trial)
        if self._watch is not None:
            self._watch.note(trial)
        if trial.proposal.is_round:
            self.trials.append(trial)
        else:
            self.tell(trial, traceback, strategy=told)

    # Acknowledging: only what is on disk.

    def _settle(self) -> None:
        """Acknowledge what is on disk; wait for it where that costs little beside the trials."""
        waiting = self._unacknowledged
        if waiting:
            if waiting[-1][1].seconds > _SLOW or time.time() - self._oldest > _STALE:
                self.settle()
            else:
                self._acknowledge_written()
        if self._watch is not None:
            self._watch.show(len(self._pending), self.seconds(), notices=self.notices)

    def settle(self) -> None:
        """Wait until all is on disk, and acknowledge it."""
        if self.journal is not None:
            self.journal.wait()
            self._acknowledge_written()

    def _acknowledge_written(self) -> None:
        assert self.journal is not None
        waiting, written = self._unacknowledged, self.journal.committed
        while waiting and waiting[0][0] <= written:
            self._acknowledge(waiting.popleft()[1])
            self._oldest = time.time()

    def _acknowledge(self, trial: Trial) -> None:
        if self._folder is not None and not trial.proposal.is_round:
            self.clear_folder(trial.number)
        if self._watch is not None:
            self._watch.note(trial)
        if self._on_trial is not None:
            self._on_trial(trial)

    def clear_folder(self, number: int) -> None:
        """Remove what the attempts at a trial kept, now that it has ended for good."""
        if self._folder is not None and os.path.isdir(folder := f"{self._folder}/{number}"):
            shutil.rmtree(folder, ignore_errors=True)


def _is_plain(question: Asked, outcome: Outcome) -> bool:
    """Whether the trial's own row says all of its only attempt: a very short one in this process."""
    told_more = outcome.place or outcome.log or outcome.peak_memory
    return question.attempt == 1 and outcome.seconds < _SLOW and not told_more
