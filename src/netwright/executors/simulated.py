"""Runs jobs at once and pretends that they took the time which they say: the virtual clock."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from netwright.core.checks import whole_number
from netwright.core.errors import ConfigurationError, UserError, nearest
from netwright.core.executor import Job, Outcome
from netwright.core.kinds import kinds_checked
from netwright.executors.job import perform


class Simulated:
    """So many workers in simulated time: an outcome is handed out when its trial would have ended, the earliest first.

    cost: the metric that says how many seconds a trial takes; one that did not complete and lacks it takes none. Each
        job runs in this process, in the thread that waits for it. Asking and telling take no time.
    workers: how many.

    Raises ConfigurationError where a completed trial lacks the metric, UserError where it is no number of seconds.
    """

    @kinds_checked
    def __init__(self, workers: int = 1, cost: str = "cost_seconds") -> None:
        self.slots, self.cost = whole_number(self, "workers", workers), cost
        self.start()

    def __repr__(self) -> str:
        return f"Simulated(workers={self.slots}, cost={self.cost!r})"

    def start(self, seconds: float = 0.0, began: Mapping[int, float] | None = None) -> None:
        """Begin a search, or go on at this time with one: jobs of these numbers began at an earlier one."""
        self._now = seconds
        self._began = dict(began or {})
        self._submitted: deque[Job] = deque()
        self._running: list[tuple[float, int, float, Outcome]] = []  # end, number, begin
        self._cancelled: list[Outcome] = []

    def now(self) -> float:
        """Simulated seconds since the search began."""
        return self._now

    def submit(self, job: Job) -> None:
        self._submitted.append(job)

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        """The next outcome within so many simulated seconds, which pass; of trials that end together, one by one."""
        if self._cancelled:
            found, self._cancelled = self._cancelled, []
            return found
        while self._submitted:
            self._perform(self._submitted[0])
            self._submitted.popleft()
        latest = math.inf if timeout is None else self._now + timeout
        if self._running and self._running[0][0] <= latest:
            self._now, _, _, outcome = heapq.heappop(self._running)
            return (outcome,)
        if self._now < latest < math.inf:
            self._now = latest
        elif timeout:
            self._now = math.nextafter(self._now, math.inf)  # so small a timeout that the sum is rounded to now
        return ()

    def _perform(self, job: Job) -> None:
        outcome = perform(job)
        seconds = self._seconds(outcome)
        began = self._began.pop(job.number, self._now)
        end = max(self._now, began + seconds)
        heapq.heappush(self._running, (end, job.number, began, replace(outcome, seconds=seconds)))

    def _seconds(self, outcome: Outcome) -> float:
        """How long a job took."""
        metrics = outcome.measurement.metrics
        seconds = metrics.get(self.cost)
        if seconds is not None and 0 <= seconds < math.inf:
            return seconds
        if outcome.state != "completed":
            return 0.0
        if seconds is None:
            raise ConfigurationError(
                f"trial {outcome.number} did not measure {self.cost!r}, which should say how many seconds it takes"
                f"{nearest(self.cost, metrics)}"
            )
        raise UserError(f"trial {outcome.number} has {self.cost} {seconds}; expected a number of seconds, at least 0")

    def cancel(self, number: int) -> None:
        for job in self._submitted:
            if job.number == number:
                self._submitted.remove(job)
                reason = "cancelled before it began"
                self._cancelled.append(Outcome(number, "cancelled", reason=reason, attempt=job.attempt))
                return
        for entry in self._running:
            if entry[1] == number:
                self._running.remove(entry)
                heapq.heapify(self._running)
                _, _, began, outcome = entry
                self._cancelled.append(
                    Outcome(
                        *(number, "cancelled"),
                        seconds=self._now - began,
                        reason="cancelled",
                        attempt=outcome.attempt,
                    )
                )
                return

    def close(self) -> None:
        """Forget the jobs that are under way."""
        self._submitted.clear()
        self._running.clear()
