"""Where trials run: in this process, in others, on a cluster. An executor has four members and a number of slots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from netwright.core.trial import Measurement
from netwright.core.values import value

if TYPE_CHECKING:
    from netwright.core.estimator import Estimator
    from netwright.core.objective import Constraint
    from netwright.core.trial import Proposal, State
    from netwright.core.workplace import Parent


@value
class Job:
    """One attempt at a trial: everything that a worker needs.

    number: of the trial.
    proposal: the candidate and its fidelity.
    seed: of the trial.
    stages: estimators, run in this order.
    constraints: checked after each stage.
    attempt: counts from 1; seed and proposal are the same in each.
    folder: where all attempts of this trial may keep checkpoints, None for nowhere.
    batch_share: what an estimator multiplies its batch size by.
    continued: the fidelity of the trial that this one goes on from, 0 where it begins anew.
    seconds: after which it may give up, since the time of the search is then up; None for no end.
    settles: whether it had better end by then with what it has: no trial has completed, so that there is nothing to
        hand over yet.
    parent: the trial from whose weights this one begins, if any.
    """

    number: int
    proposal: Proposal
    seed: int
    stages: Sequence[Estimator]
    constraints: Sequence[Constraint] = ()
    attempt: int = 1
    folder: Path | None = None
    batch_share: float = 1.0
    continued: float = 0.0
    seconds: float | None = None
    settles: bool = False
    parent: Parent | None = None


@value
class Outcome:
    """How a job ended.

    number: of the trial.
    state: how it ended.
    measurement: what its stages measured.
    seconds: that it took.
    device: on which it was measured.
    reason: why there is no result, empty where there is one.
    traceback: empty unless the state is "error".
    attempt: the job's.
    place: the worker or node that ran it, for the record.
    peak_memory: bytes, where known.
    log: the end of what was printed, at most 10 kB.
    threads: that it could compute with on the CPU, where known.

    "lost" is what the job did not bring about itself: its worker was killed from outside, or its node is gone. A worker
    that the trial's own code took down (a segmentation fault, `os._exit`) is an "error".
    """

    number: int
    state: State
    measurement: Measurement = field(default_factory=lambda: Measurement({}))
    seconds: float = 0.0
    device: str = ""
    reason: str = ""
    traceback: str = ""
    attempt: int = 1
    place: str = ""
    peak_memory: int | None = None
    log: str = ""
    threads: int | None = None


class Executor(Protocol):
    """Runs jobs and reports how they ended; it never retries, and never sleeps to do so.

    slots: how many jobs it can run at once; it may change while it runs.

    One that runs trials at several places may also be one that `Quarantines`.
    """

    @property
    def slots(self) -> int: ...

    def submit(self, job: Job) -> None:
        """Start a job; at most `slots` are under way at once."""
        ...

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        """Outcomes that have come in, at least one unless `timeout` seconds pass first."""
        ...

    def cancel(self, number: int) -> None:
        """End this job; its outcome has state "cancelled"."""
        ...

    def close(self) -> None:
        """End every worker, within about ten seconds; a second call does nothing."""
        ...


@runtime_checkable
class Quarantines(Executor, Protocol):
    """An executor that runs trials at several places, and can give up one at which they are lost."""

    def quarantine(self, place: str) -> bool:
        """Give no more trials to this place; whether that was done."""
        ...


@runtime_checkable
class Resizes(Executor, Protocol):
    """An executor whose number of workers may be changed while it runs; trials under way end where they are."""

    def resize(self, workers: int, like: Job) -> str:
        """Have so many workers from now on; in one line, what there is then.

        like: a job as those that follow. UserError where it could not be sent to workers, or they do not fit here.
        """
        ...


LOST = 3  # attempts at a job that goes with its worker


def carry_out(executor: Executor, jobs: Iterator[Job]) -> Iterator[tuple[Job, Outcome]]:
    """Run jobs as there are slots, each asked for only when one is free; the outcomes as they come in.

    A job that was lost with its worker is begun again, at most three times in all.
    """
    under_way: dict[int, Job] = {}
    again: list[Job] = []
    asked_all = False
    while True:
        while len(under_way) < max(1, executor.slots):
            job = again.pop() if again else None if asked_all else next(jobs, None)
            if job is None:
                asked_all = True
                break
            under_way[job.number] = job
            executor.submit(job)
        if not under_way:
            return
        for outcome in executor.wait():
            job = under_way.pop(outcome.number)
            if outcome.state == "lost" and job.attempt < LOST:
                again.append(replace(job, attempt=job.attempt + 1))
            else:
                yield job, outcome


@runtime_checkable
class VirtualClock(Executor, Protocol):
    """An executor that simulates time: a search goes by its clock, and `wait` takes and passes its seconds."""

    def now(self) -> float:
        """Simulated seconds since the search began."""
        ...

    def start(self, seconds: float = 0.0, began: Mapping[int, float] | None = None) -> None:
        """Begin a search, or go on at this time with one: jobs of these numbers began at an earlier one."""
        ...
