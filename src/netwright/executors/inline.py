"""Runs one trial at a time in this process, in the thread that waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from netwright.core.executor import Job, Outcome
from netwright.executors.job import perform


class Inline:
    """The executor without any parallelism: a job runs when its outcome is waited for.

    It cannot end a job that has begun; only one that still waits can be cancelled.

    on_report: called with each report of a job that is under way.
    """

    slots = 1

    def __init__(self, on_report: Callable[[Job, Mapping[str, float]], None] | None = None) -> None:
        """on_report: hears what the estimators of a job report while they work, such as epochs."""
        self._on_report = on_report
        self._waiting: deque[Job] = deque()
        self._cancelled: list[Outcome] = []

    def submit(self, job: Job) -> None:
        self._waiting.append(job)

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        """The next job's outcome, after running it to its end whatever `timeout` says; nothing where none waits."""
        if self._cancelled:
            found, self._cancelled = self._cancelled, []
            return found
        if not self._waiting:
            return ()
        job = self._waiting.popleft()
        hear = self._on_report
        return (perform(job, None if hear is None else lambda entry: hear(job, entry)),)

    def cancel(self, number: int) -> None:
        for job in self._waiting:
            if job.number == number:
                self._waiting.remove(job)
                reason = "cancelled before it began"
                self._cancelled.append(Outcome(number, "cancelled", reason=reason, attempt=job.attempt))
                return

    def close(self) -> None:
        """Forget the jobs that have not begun."""
        self._waiting.clear()
