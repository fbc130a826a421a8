"""The loop: ask while there is a free slot, run, record, tell. Nothing else loops."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from netwright.core.errors import NetwrightError, StopSearch
from netwright.core.executor import Executor, Job, Outcome
from netwright.core.randomness import Generators, derived_seed
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal, Trial
from netwright.engine.failures import Failures
from netwright.engine.judging import Judge
from netwright.engine.rounds import Rounds, round_estimator
from netwright.engine.signals import Signals
from netwright.engine.stops import Stops
from netwright.store.rows import Asked, Told

if TYPE_CHECKING:
    from netwright.engine.progress import Watch
    from netwright.engine.search import Search
    from netwright.store.writer import TrialWriter

CANCELLING = 30.0  # seconds that an executor has to end the jobs it is told to cancel
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
    ) -> None:
        self.trials: list[Trial] = []
        self.tracebacks: dict[int, str] = {}
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
        self._pending: dict[int, Asked] = {}
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
                if not self._pending:
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

    def _fill(self) -> None:
        """Ask until every slot is taken, a stop is reached, or the strategy waits to be told."""
        pending, stops, slots = self._pending, self.stops, self._executor.slots
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

    def begin(self, proposal: Proposal, attempt: int = 1, asked: int | None = None, number: int | None = None) -> None:
        """Hand a proposal to the executor; by default as the next one."""
        if number is None:
            number = self._number
            self._number = number + 1
        told = len(self.trials) if asked is None else asked
        question = Asked(number, told, attempt, proposal, time.time())
        if self.journal is not None:
            self.journal.add(question)
        self._pending[number] = question
        seed = derived_seed(self._seed, number)
        self._executor.submit(Job(number, proposal, seed, self._stages, self._constraints))

    def skip(self) -> int:
        """Note that the next number was asked in an earlier session; that number."""
        self._number += 1
        return self._number - 1

    # Waiting.

    def _wait(self) -> Sequence[Outcome]:
        remaining = self.stops.remaining(self.seconds())
        if remaining == 0:
            return self._cancelled()
        signals = self.signals
        try:
            signals.waiting = True
            signals.check()
            outcomes = self._executor.wait(remaining)
        finally:
            signals.waiting = False
        if not outcomes and remaining is None:
            raise NetwrightError(f"{type(self._executor).__name__} lost the trials {sorted(self._pending)}")
        return outcomes

    def _cancelled(self) -> Sequence[Outcome]:
        """End what still runs; an executor that doesn't answer in time is not waited for."""
        self.cancel()
        found: dict[int, Outcome] = {}
        end = time.monotonic() + CANCELLING
        while len(found) < len(self._pending) and (left := end - time.monotonic()) > 0:
            found.update((outcome.number, outcome) for outcome in self._executor.wait(left))
        for number in self._pending:
            found.setdefault(number, Outcome(number, "cancelled", reason="the time of the search was up"))
        return list(found.values())

    def cancel(self) -> None:
        for number in self._pending:
            with contextlib.suppress(Exception):
                self._executor.cancel(number)

    # Telling.

    def _finish(self, outcome: Outcome) -> None:
        question = self._pending.pop(outcome.number, None)
        if question is None:
            return  # a second delivery
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
            self._watch.show(len(self._pending), self.seconds())

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
        if self._watch is not None:
            self._watch.note(trial)
        if self._on_trial is not None:
            self._on_trial(trial)
