"""Runs one trial at a time in this process, in the thread that waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from netwright.core.executor import Job, Outcome
from netwright.executors.job import perform

if TYPE_CHECKING:
    from netwright.executors.processes import Processes


class Inline:
    """The executor without any parallelism: a job runs when its outcome is waited for.

    It cannot end a job that has begun; only one that still waits can be cancelled. Where it is asked for several
    workers while it runs, the jobs that follow run in worker processes.

    on_report: called with each report of a job that is under way.
    """

    def __init__(self, on_report: Callable[[Job, Mapping[str, float]], None] | None = None) -> None:
        """on_report: hears what the estimators of a job report while they work, such as epochs."""
        self._on_report = on_report
        self._waiting: deque[Job] = deque()
        self._cancelled: list[Outcome] = []
        self._processes: Processes | None = None

    @property
    def slots(self) -> int:
        """How many jobs run at once: 1, unless several workers were asked for."""
        return 1 if self._processes is None else self._processes.slots

    def submit(self, job: Job) -> None:
        if self._processes is None:
            self._waiting.append(job)
        else:
            self._processes.submit(job)

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        """The next job's outcome, after running it to its end whatever `timeout` says; nothing where none waits."""
        if self._cancelled:
            found, self._cancelled = self._cancelled, []
            return found
        if not self._waiting:
            return () if self._processes is None else self._processes.wait(timeout)
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
        if self._processes is not None:
            self._processes.cancel(number)

    def resize(self, workers: int, like: Job) -> str:
        """Have so many workers from now on, in processes from the first time that there are several of them.

        Raises UserError for what cannot be sent to a process, and for workers that do not fit on the GPUs.
        """
        if self._processes is None and workers == 1:
            return "1 trial at a time, as it was"
        from netwright.executors.processes import Processes

        made = self._processes or Processes(workers)
        said = made.resize(workers, like)
        self._processes = made
        return said

    def close(self) -> None:
        """Forget the jobs that have not begun, and end the workers."""
        self._waiting.clear()
        if self._processes is not None:
            self._processes.close()
