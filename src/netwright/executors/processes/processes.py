"""Trials in worker processes on this machine."""

from __future__ import annotations

import os
import queue
import time
import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from netwright.core.checks import is_number, is_whole, refused, whole_number
from netwright.core.errors import NetwrightError, UserError
from netwright.core.executor import Job, Outcome
from netwright.core.kinds import kinds_checked
from netwright.core.spelling import spelled
from netwright.executors.processes import family
from netwright.executors.processes.child import Terms
from netwright.executors.processes.parcels import Packer
from netwright.executors.processes.placement import Gpus, threads_each
from netwright.executors.processes.supervisor import Rules, Supervisor, close

_LONGEST_WAIT = 1e6  # seconds


class Processes:
    """Runs trials in worker processes, one at a time each, that stay for the next trial and are replaced after a fault.

    workers: how many run at once.
    trial_timeout: seconds of one trial.
    stall_timeout: seconds without a sign of life; estimators give one by `workplace().report` (`Training` does each
        epoch), and every stage that ends is one. A trial beyond its limit is asked to end with all that it has started,
        and killed `grace` seconds later.
    memory: bytes that one trial may take, in all its processes together, on the host; Linux only.
    gpus_per_trial: 0.25 lets four workers share a GPU, 2 gives each two, 0 hides them; it matters where there are GPUs.
    threads: of one worker, by default the cores shared out.
    logs: a folder for what the trials print, a file for each attempt that prints anything; by default nothing is kept
        but the end of it, in the outcome.
    grace: seconds between asking a trial to end and killing it.

    Workers start with the first jobs, afresh (nothing of this process is forked), and end with `close`, with this
    object, or with this process however it ends. What they are sent passes as pickles through sockets that only this
    process and its children have; none is ever written or read as a file. Estimators, spaces and functions must
    therefore be importable: defined in a module, not in the script itself, and not lambdas.

    Raises ConfigurationError for numbers that make no sense, UserError where the system has no process groups.
    """

    @kinds_checked
    def __init__(
        self,
        workers: int = 2,
        *,
        trial_timeout: float | None = None,
        stall_timeout: float | None = None,
        memory: int | None = None,
        gpus_per_trial: float = 1.0,
        threads: int | None = None,
        logs: Path | str | None = None,
        grace: float = 10.0,
    ) -> None:
        _check(workers, threads, memory, gpus_per_trial)
        for name, seconds in (("trial_timeout", trial_timeout), ("stall_timeout", stall_timeout), ("grace", grace)):
            if seconds is not None and (not is_number(seconds) or seconds < 0):
                raise refused(self, name, seconds, "seconds, 0 or more, or None")
        self.slots = workers
        self._threads = threads
        self.threads = threads or threads_each(workers)
        self._rules = Rules(
            workers, trial_timeout, stall_timeout, grace, None if logs is None else Path(logs).absolute()
        )
        self._terms = Terms(self.threads, memory)
        self._gpus_per_trial = gpus_per_trial
        self._gpus: Gpus | None = None
        self._packer = Packer()
        self._under_way: set[int] = set()
        self._supervisor: Supervisor | None = None
        self._finalizer: Any = None
        self._closed = False

    def submit(self, job: Job) -> None:
        """Start a job, or let it wait for a free worker.

        Raises UserError for what cannot be sent to a worker, and for workers that do not fit on the GPUs; OSError where
        the folder for logs cannot be made.
        """
        if self._closed:
            raise NetwrightError("these workers were closed; make another Processes")
        if job.number in self._under_way:
            raise NetwrightError(f"trial {job.number} is under way already")
        if self._gpus is None:
            self._gpus = Gpus(self._gpus_per_trial, self.slots)
        self._gpus.require(job.stages)
        parcel = self._packer.pack(job)
        if self._supervisor is None:
            if self._rules.logs is not None:
                self._rules.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._supervisor = Supervisor(self._rules, self._terms, self._gpus)
            self._finalizer = weakref.finalize(self, close, self._supervisor, os.getpid())
            self._supervisor.start()
        self._under_way.add(job.number)
        self._supervisor.submit(parcel)

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        """Outcomes that have come in, at least one unless `timeout` seconds pass first; none where no job is left."""
        if not self._under_way or self._supervisor is None or self._closed:
            return ()
        outcomes, found = self._supervisor.outcomes, list[Outcome]()
        end = time.monotonic() + (_LONGEST_WAIT if timeout is None else timeout)
        try:
            item = outcomes.get(timeout=max(0.0, min(end - time.monotonic(), _LONGEST_WAIT)))
            while True:
                if item is None:
                    return found
                if isinstance(item, BaseException):
                    raise NetwrightError(f"the supervision of the workers failed: {item!r}") from item
                self._under_way.discard(item.number)
                found.append(item)
                item = outcomes.get_nowait()
        except queue.Empty:
            return found

    def cancel(self, number: int) -> None:
        """End this job and all that it has started; its outcome has state "cancelled". Unknown numbers are ignored."""
        if self._supervisor is not None and number in self._under_way:
            self._supervisor.cancel(number)

    def resize(self, workers: int, like: Job) -> str:
        """Have so many workers from now on; trials under way end in the worker that they have.

        like: a job as those that follow. The cores are shared out anew, unless `threads` were given: a worker of before
        ends with its trial where another number of threads falls to it, and another takes its place.
        Raises UserError for what cannot be sent to a worker, and for workers that do not fit on the GPUs.
        """
        whole_number(self, "workers", workers)
        gpus = Gpus(self._gpus_per_trial, workers)
        gpus.require(like.stages)
        self._packer.pack(like)
        self.slots, self._gpus = workers, gpus
        self.threads = self._threads or threads_each(workers)
        self._rules, self._terms = replace(self._rules, slots=workers), replace(self._terms, threads=self.threads)
        if self._supervisor is not None:
            self._supervisor.resize(self._rules, self._terms, gpus)
        each = f"{self.threads} thread{'s' * (self.threads != 1)}"
        return f"{workers} workers with {each} each" if workers > 1 else f"1 worker with {each}"

    def close(self) -> None:
        """End every worker; jobs under way have no outcome. A second call does nothing."""
        self._closed = True
        self._under_way.clear()
        if self._finalizer is not None:
            self._finalizer()


def _check(workers: Any, threads: Any, memory: Any, gpus_per_trial: Any) -> None:
    if os.name != "posix":
        raise UserError(
            "worker processes need process groups, which this system lacks; use " + spelled("executors.Inline()")
        )
    whole_number("Processes", "workers", workers)
    whole_number("Processes", "threads", threads, none=True)
    if memory is not None and not is_whole(memory, 1):
        raise refused("Processes", "memory", memory, "a number of bytes, or None")
    if memory is not None and not family.AVAILABLE:
        raise UserError("a limit on the memory of trials needs /proc, which this system lacks")
    if not is_number(gpus_per_trial) or gpus_per_trial < 0 or (gpus_per_trial > 1 and gpus_per_trial % 1):
        raise refused("Processes", "gpus_per_trial", gpus_per_trial, "a share from 0 to 1, or a whole number of GPUs")
