"""The driver's end of a shared folder: it puts jobs there, and takes outcomes from there.

It alone decides what counts: an outcome is taken only of the very attempt that is under way, under the name that this
driver made for it, so that whoever was given up may come back and say what he likes.
"""

from __future__ import annotations

import os
import secrets
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.checks import is_number, refused
from netwright.core.errors import ConfigurationError, NetwrightError, UserError
from netwright.core.executor import Job, Outcome
from netwright.executors.folder import folder_files as files
from netwright.executors.folder.beat import Beat
from netwright.executors.folder.crew import Crew
from netwright.executors.folder.folder_files import Unreadable
from netwright.executors.folder.folder_session import CLOSED, DRIVER, ENDED, OPEN, Pulse, Session, begin, clear
from netwright.executors.folder.messages import described, job_to_json, outcome_from_json

if TYPE_CHECKING:
    from netwright.core.trial import State

SHORTEST, LONGEST = 0.002, 0.25  # seconds between two looks for outcomes
SHARE = 0.1  # of the time since something last happened, to the next look
_NEVER = float("inf")


@dataclass(eq=False)
class Post:
    """A job under way.

    worker: who has claimed it.
    unseen: how long nobody is known to have it.
    stopped: why.
    """

    job: Job
    unseen: Pulse
    worker: str = ""
    stopped: bool = False


class Folder:
    """Runs trials by workers over a folder that their machines share: `netwright worker`, or `serve` in Python.

    path: a folder of its own for this, on the file system that all share.
    project: the folder in which the trials keep their checkpoints, by default the one that holds `path`.
    work: JSON from which a worker knows what to make.
    trial_timeout, stall_timeout, memory, gpus_per_trial: as of `Processes`, which each worker has.
    patience: seconds without a sign of life after which a worker is given up and its trials are lost.
    stays: whether workers wait for another driver after `close`, rather than end.
    invitation: how to start a worker.
    tell: hears of workers that come and go, in one line each.

    `slots` counts what the workers that are there take at once, and is 1 where there is none: the first job then waits
    for as long as it takes. No port is opened, and no code or object passes through the folder: jobs and outcomes are
    JSON, and what measures a trial each worker makes for itself.
    Raises UserError for a folder that holds other things, ConfigurationError for numbers that make no sense.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        project: Path | str | None = None,
        work: Mapping[str, Any] | None = None,
        trial_timeout: float | None = None,
        stall_timeout: float | None = None,
        memory: int | None = None,
        gpus_per_trial: float = 1.0,
        patience: float = 30.0,
        stays: bool = False,
        invitation: str = "",
        tell: Callable[[str], object] | None = None,
    ) -> None:
        limits = {"trial_timeout": trial_timeout, "stall_timeout": stall_timeout, "memory": memory}
        limits["gpus_per_trial"] = gpus_per_trial
        _check(limits, patience)
        self._queue = Path(os.path.abspath(path))
        levels = _levels(self._queue, project)
        self._session = begin(self._queue, work=work or {}, limits=limits, levels=levels, patience=float(patience))
        self._root, self._folder = self._session.root(self._queue), self._session.folder(self._queue)
        invitation = invitation or f"netwright.executors.serve({str(self._queue)!r}, search)"
        self._crew = Crew(self._folder / "workers", patience, invitation, tell or _unheard)
        self._posts: dict[str, Post] = {}
        self._numbers: dict[int, str] = {}
        self._outcomes: list[Outcome] = []
        self._kit: tuple[tuple[Any, ...], Any] = (), None
        self._looked, self._happened = 0.0, time.monotonic()
        self._closed = False
        beat = Beat(self._folder, DRIVER)
        beat.start()
        after = CLOSED if stays else ENDED
        self._finalizer = weakref.finalize(self, _leave, self._queue, self._session, beat, after, os.getpid())

    # The protocol.

    @property
    def slots(self) -> int:
        """What the workers that are there take at once; 1 where there is none."""
        self._crew.look()
        return max(1, self._crew.slots)

    def submit(self, job: Job) -> None:
        """Put a job where a worker finds it.

        Raises UserError for what a file cannot hold, and NetwrightError where another driver has taken the folder over.
        """
        if self._closed:
            raise NetwrightError("this shared folder was left; make another Folder")
        if job.number in self._numbers:
            raise NetwrightError(f"trial {job.number} is under way already")
        told = job_to_json(job, self._root)
        self._describe(job)
        name = f"{job.number:06d}-{job.attempt}-{secrets.token_hex(8)}"
        self._posts[name] = Post(job, Pulse(self._session.patience))
        self._numbers[job.number] = name
        try:
            self._insist(lambda: files.write(self._folder / "jobs", name, told))
        except BaseException:
            self._forget(name)
            raise
        self._happened = time.monotonic()

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        """Outcomes that have come in; nothing where no job is under way."""
        end = _NEVER if timeout is None else time.monotonic() + timeout
        while True:
            if self._posts and not self._closed:
                self._collect()
            if self._outcomes or not self._posts or self._closed:
                found, self._outcomes = self._outcomes, []
                return () if self._closed else found
            now = time.monotonic()
            if now >= end:
                return ()
            pause = min(LONGEST, max(SHORTEST, SHARE * (now - self._happened)))
            time.sleep(min(pause, end - now))

    def cancel(self, number: int) -> None:
        """End this job; where a worker has it, its outcome comes when the worker has ended it."""
        name = self._numbers.get(number)
        if name is None:
            return
        if files.move(self._folder / "jobs" / name, self._folder / "stops" / name):
            self._end(name, "cancelled", "cancelled before it began")
        else:
            self._posts[name].stopped = True
            self._stop(name)

    def close(self) -> None:
        """Leave the folder; workers end what they run. A second call does nothing."""
        self._closed = True
        self._posts.clear()
        self._numbers.clear()
        self._finalizer()

    # For who starts workers.

    def wait_for_worker(self) -> float:
        """Wait until there is a worker; how many seconds that took. It may be interrupted."""
        began = time.monotonic()
        while not self._closed:
            self._crew.look(needed=True)
            if self._crew.slots:
                break
            time.sleep(LONGEST)
        return time.monotonic() - began

    # Looking.

    def _describe(self, job: Job) -> None:
        """Say in the session what measures its jobs, so that no worker measures with anything else."""
        stages = tuple(job.stages)
        if self._kit[1] is not None and _same(self._kit[0], stages):
            return
        now = described(stages)
        if self._kit[1] is not None and now != self._kit[1]:
            raise UserError(
                "the workers of a shared folder measure with one estimator, and these trials have another; "
                "make another Folder for them"
            )
        if self._kit[1] is None:
            self._session = replace(self._session, described=now)
            self._insist(lambda: self._session.write(self._queue))
        self._kit = stages, now

    def _collect(self) -> None:
        """Take in what has come, and now and then look after those from whom nothing comes."""
        try:
            for name in files.names(self._folder / "outcomes"):
                self._take(name)
            if self._crew.look(needed=True):
                self._look_for_lost()
                self._require_own()
        except OSError as problem:
            if not self._folder.is_dir():
                raise self._unreachable(problem) from problem

    def _take(self, found: str) -> None:
        """One outcome. Of an attempt that was given up, or of none, it is removed unread."""
        name, _, worker = found.partition("@")
        path, post = self._folder / "outcomes" / found, self._posts.get(name)
        if post is not None:
            job = post.job
            try:
                outcome = outcome_from_json(files.read(path), job.number, job.attempt)
                self._outcomes.append(outcome)
                self._forget(name)
            except OSError:
                return  # the next look may find it
            except Unreadable as problem:
                self._end(name, "lost", f"what worker {worker} left of it cannot be read: {problem}", worker)
        files.remove(path)
        files.remove(self._folder / "claims" / found)

    def _look_for_lost(self) -> None:
        """Give up the jobs whose workers are gone, and those that nobody knows of any more."""
        now = time.monotonic()
        claims = {name: worker for name, _, worker in map(_parts, files.names(self._folder / "claims"))}
        waiting = set(files.names(self._folder / "jobs"))
        for name, post in list(self._posts.items()):
            worker = claims.get(name, "")
            held = self._crew.holds(worker, name) if worker else None
            if worker and worker != post.worker:
                post.worker, post.unseen = worker, Pulse(self._session.patience)
            there = held or (name in waiting and not worker)
            post.unseen.look(now if there else None, now)
            if worker and held is None and post.unseen.silent > 0:
                self._give_up(name, f"worker {worker} is gone")
            elif post.unseen.gone:
                self._give_up(name, "no worker has it, and its file is gone" if not worker else f"{worker} forgot it")

    def _give_up(self, name: str, reason: str) -> None:
        """The end of an attempt from which nothing comes, unless something has come meanwhile."""
        for found in files.names(self._folder / "outcomes"):
            if found.partition("@")[0] == name:
                return
        post = self._posts[name]
        self._stop(name)
        self._end(name, "cancelled" if post.stopped else "lost", reason, post.worker)

    def _stop(self, name: str) -> None:
        self._insist(lambda: files.write(self._folder / "stops", name, {}))

    def _insist(self, write: Callable[[], None]) -> None:
        """Write, again and again while a server does not answer or its disk is full, for as long as the patience lasts.

        Raises NetwrightError after that, or where the session's folder is gone.
        """
        end = time.monotonic() + self._session.patience
        while True:
            try:
                write()
                return
            except OSError as problem:
                if time.monotonic() >= end or not self._folder.is_dir():
                    raise self._unreachable(problem) from problem
            time.sleep(LONGEST)

    def _end(self, name: str, state: State, reason: str, place: str = "") -> None:
        job = self._posts[name].job
        self._outcomes.append(Outcome(job.number, state, reason=reason, attempt=job.attempt, place=place))
        self._forget(name)

    def _forget(self, name: str) -> None:
        self._happened = time.monotonic()
        del self._numbers[self._posts.pop(name).job.number]

    def _require_own(self) -> None:
        """NetwrightError where another driver has begun a session here."""
        try:
            latest = Session.read(self._queue)
        except (OSError, Unreadable):
            return
        if latest is not None and latest.id != self._session.id:
            raise NetwrightError(f"another driver works in {self._queue} now; this one gives no more trials out")

    def _unreachable(self, problem: OSError) -> NetwrightError:
        self._require_own()
        return NetwrightError(f"the shared folder {self._queue} cannot be used: {problem.strerror or problem}")


def _leave(queue: Path, session: Session, beat: Beat, state: str, pid: int) -> None:
    """Say that this driver has gone, and clear its files away; nothing in a process that was forked from its own."""
    if os.getpid() != pid:
        return
    beat.stop()
    try:
        latest = Session.read(queue)
        if latest is not None and latest.id == session.id and latest.state == OPEN:
            replace(latest, state=state).write(queue)
    except (OSError, Unreadable):
        pass
    clear(session.folder(queue))


def _parts(name: str) -> tuple[str, str, str]:
    return name.partition("@")


def _unheard(_: str) -> None:
    """What `tell` is where nobody listens."""


def _same(first: Sequence[Any], second: Sequence[Any]) -> bool:
    return len(first) == len(second) and all(one is other for one, other in zip(first, second, strict=True))


def _levels(queue: Path, project: Path | str | None) -> int:
    """How far above the queue the project's folder is."""
    if project is None:
        return 1
    folder = Path(os.path.abspath(project))
    if not queue.is_relative_to(folder):
        raise ConfigurationError(f"the shared folder {queue} is not below the project's folder {folder}")
    return len(queue.relative_to(folder).parts)


def _check(limits: Mapping[str, Any], patience: Any) -> None:
    from netwright.executors.processes import Processes

    Processes(1, **limits).close()
    if not is_number(patience) or not 0 < patience < 1e6:
        raise refused("Folder", "patience", patience, "seconds above 0")
