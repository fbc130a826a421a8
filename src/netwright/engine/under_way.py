"""The trials that are under way, each in its present attempt: at the executor, or waiting for the next one."""

from __future__ import annotations

import contextlib
import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netwright.core.errors import ConfigurationError
from netwright.core.executor import Executor, Job, Outcome
from netwright.core.randomness import Seeds
from netwright.engine.record import SLOW
from netwright.store.rows import Asked, AttemptEnded

if TYPE_CHECKING:
    from netwright.core.objective import Constraint
    from netwright.core.trial import Proposal
    from netwright.engine.execution import Clock
    from netwright.engine.folders import Folders
    from netwright.engine.search import Search
    from netwright.store.rows import Asked
    from netwright.store.writer import TrialWriter

CANCELLING = 30.0  # seconds that an executor has to end the jobs it is told to cancel


class Attempts:
    """Begins trials, tells the outcomes that end them from others, and begins again those that were lost.

    pending: by number, all that were asked and not told yet; those in `delayed` wait for their next attempt.
    refused: outcomes that were delivered twice, or belong to an attempt that was given up.
    """

    def __init__(
        self, search: Search, executor: Executor, clock: Clock, retries: RetryPolicy | None, folders: Folders
    ) -> None:
        self.pending: dict[int, Pending] = {}
        self.delayed = Delayed()
        self.refused = 0
        self.journal: TrialWriter | None = None
        # Seconds that an attempt may take, and whether it then ends with what it has.
        self.given: Callable[[], tuple[float | None, bool]] = lambda: (None, False)
        # The limits that are checked, by number and proposal.
        self.limits_of: Callable[[int, Proposal], Sequence[Constraint]] = lambda _number, _proposal: search.limits
        self._executor, self._clock, self._folders = executor, clock, folders
        self._continuations = folders.continuations
        self._retries = retries or RetryPolicy()
        self._seeds, self._stages = Seeds(search.seed), tuple(search.estimator.stages())

    @property
    def running(self) -> int:
        """How many are at the executor."""
        return len(self.pending) - len(self.delayed.numbers)

    # Beginning.

    def begin(self, number: int, asked: int, proposal: Proposal) -> None:
        """The first attempt at a trial. asked: how many trials had been told before."""
        chain = self._continuations.note(number, proposal)
        pending = self.pending[number] = Pending(Asked(number, asked, 1, proposal, time.time()))
        self._submit(pending, *chain)

    def begin_again(self, question: Asked, lost: int = 0, batch_share: float = 1.0) -> None:
        """Queue another attempt at a trial of an earlier session."""
        self.pending[question.number] = Pending(question, lost, batch_share)
        self.delayed.add(question.number, 0.0)

    def begin_due(self, slots: int) -> None:
        """Begin the attempts whose time has come, as far as there are slots."""
        delayed = self.delayed
        while self.running < slots and delayed.due <= self._clock.now():
            pending = self.pending[delayed.pop()]
            before = pending.question
            pending.question = Asked(before.number, before.asked, before.attempt + 1, before.proposal, time.time())
            self._submit(pending, *self._continuations.of(before.number, before.proposal))

    def _submit(self, pending: Pending, first: int, continued: float) -> None:
        """Hand it to the executor. first, continued: where its chain began, and what it goes on from."""
        question = pending.question
        if self.journal is not None:
            self.journal.add(question)
        number, proposal = question.number, question.proposal
        where = (question.attempt, self._folders.of(number), pending.batch_share, continued, *self.given())
        parent = self._folders.parent_of(proposal, self._seeds) if self._folders.inherits else None
        asked = proposal if proposal.instead_of is None else replace(proposal, instead_of=None)
        limits = self.limits_of(number, proposal)
        self._executor.submit(Job(number, asked, self._seeds(first), self._stages, limits, *where, parent))

    # Ending.

    def awaited(self, outcome: Outcome) -> bool:
        """Whether this ends the attempt that is under way; second deliveries and given up attempts are counted."""
        pending = self.pending.get(outcome.number)
        known = pending is not None and outcome.attempt == pending.question.attempt
        awaited = known and outcome.number not in self.delayed.numbers
        self.refused += not awaited
        return awaited

    def end(self, outcome: Outcome) -> Asked | None:
        """Take note of how an attempt ended: the question that it answers, None where another attempt follows."""
        pending = self.pending[outcome.number]
        question = pending.question
        wait = None if outcome.state == "completed" else self._retries.wait(pending, outcome.state)
        if wait is not None:
            self._record(question, outcome)
            self.delayed.add(outcome.number, self._clock.now() + wait)
            return None
        if self.journal is not None and not self._is_plain(question, outcome):
            self._record(question, outcome)
        del self.pending[outcome.number]
        return question

    def drop(self, outcome: Outcome) -> None:
        """Take note of how an attempt ended that does not count; the trial is begun again when the run is resumed."""
        self._record(self.pending.pop(outcome.number).question, outcome)

    def note_lost(self, question: Asked, reason: str) -> None:
        """Record that an attempt of an earlier session went with its driver."""
        self._record(question, Outcome(question.number, "lost", reason=reason, attempt=question.attempt))

    def _is_plain(self, question: Asked, outcome: Outcome) -> bool:
        """Whether the trial's own row says all of its only attempt: a very short one in this process that completed."""
        if outcome.state != "completed" or question.attempt > 1:
            return False
        told_more = outcome.place or outcome.log or outcome.peak_memory
        return (outcome.seconds < SLOW or self._clock.virtual) and not told_more

    def _record(self, question: Asked, outcome: Outcome) -> None:
        if self.journal is not None:
            self.journal.add(
                AttemptEnded(
                    *(question, outcome.state, outcome.reason, outcome.place, outcome.log, time.time()),
                    *(outcome.seconds, outcome.threads, outcome.peak_memory),
                )
            )

    # Cancelling.

    def cancel(self) -> None:
        """Tell the executor to end what it runs."""
        for number in self.pending:
            with contextlib.suppress(Exception):
                self._executor.cancel(number)

    def cancelled(self, reason: str) -> Sequence[Outcome]:
        """End what still runs; an executor that doesn't answer in time is not waited for. No trial is begun again."""
        self._retries = RetryPolicy((0.0,))
        self.cancel()
        found = {each.number: each for each in self.last_outcomes(CANCELLING, patient=True)}
        self.delayed.clear()
        for number, pending in self.pending.items():
            found.setdefault(number, Outcome(number, "cancelled", reason=reason, attempt=pending.question.attempt))
        return list(found.values())

    def last_outcomes(self, seconds: float, *, patient: bool = False) -> Iterator[Outcome]:
        """What was under way, after `cancel`, so that none of it reaches another search.

        patient: whether to wait all the seconds for an executor that comes back without any outcome before.
        """
        running = self.pending.keys() - self.delayed.numbers
        end = time.monotonic() + seconds
        while running and (left := end - time.monotonic()) > 0:
            outcomes = self._executor.wait(left)
            if not outcomes and not patient:
                return
            for outcome in filter(self.awaited, outcomes):
                running.discard(outcome.number)
                yield outcome


HALF = 0.5  # of the batch, where the memory was not enough


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a trial is begun again that was lost: its worker was killed, or its node is gone.

    waits: seconds before each attempt, which are as many as these; the first counts for nothing.
    auto_batch: whether a trial that ran out of memory is tried once more with half the batch.

    No other end of a trial is tried again: a model's own errors come back.
    """

    waits: tuple[float, ...] = (0.0, 1.0, 4.0)
    auto_batch: bool = False

    def __post_init__(self) -> None:
        if not self.waits or any(not 0 <= wait < float("inf") for wait in self.waits):
            raise ConfigurationError(
                f"waits={self.waits!r}: expected the seconds before each attempt, at least one number, none negative"
            )

    def wait(self, pending: Pending, state: str) -> float | None:
        """Seconds until the next attempt after one that ended so; None where this was the trial's end.

        Notes in `pending` what the next attempt is to know.
        """
        if state == "lost":
            pending.lost += 1
            return self.waits[pending.lost] if pending.lost < len(self.waits) else None
        if state == "out_of_memory" and self.auto_batch and pending.batch_share == 1.0:
            pending.batch_share = HALF
            return 0.0
        return None


class Pending:
    """A trial that was asked and not told yet. lost: attempts that an executor lost."""

    __slots__ = ("batch_share", "lost", "question")

    def __init__(self, question: Asked, lost: int = 0, batch_share: float = 1.0) -> None:
        self.question, self.lost, self.batch_share = question, lost, batch_share


class Delayed:
    """Trials that wait for their next attempt, by the time at which it is due. numbers: theirs."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self.numbers: set[int] = set()

    def add(self, number: int, due: float) -> None:
        heapq.heappush(self._heap, (due, number))
        self.numbers.add(number)

    @property
    def due(self) -> float:
        """When the next one is due; never, where there is none."""
        return self._heap[0][0] if self._heap else float("inf")

    def pop(self) -> int:
        number = heapq.heappop(self._heap)[1]
        self.numbers.remove(number)
        return number

    def clear(self) -> None:
        self._heap.clear()
        self.numbers.clear()
