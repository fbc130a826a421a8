"""A worker at one session of a driver: it claims one job after the other, and leaves their outcomes.

Trials run in processes of their own (`Processes`), which keep their limits and can be ended at any time. A claim is a
rename to a name that only this worker gives, so that each job has one claimant. Which jobs are its own it always reads
from the folder, so that no answer that got lost on the way to a server counts for anything.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from netwright.core.errors import NetwrightError, UserError
from netwright.core.executor import Job, Outcome
from netwright.executors.folder import folder_files as files
from netwright.executors.folder.beat import Beat
from netwright.executors.folder.folder_files import Unreadable
from netwright.executors.folder.folder_session import OPEN, PARTS, Pulse, Session
from netwright.executors.folder.messages import (
    is_name,
    job_from_json,
    limits_of,
    numbers_of,
    outcome_to_json,
    plain,
)

if TYPE_CHECKING:
    from netwright.core.objective import Constraint
    from netwright.executors.folder.folder_worker import Worker

SHORTEST, LONGEST = 0.002, 0.5  # seconds between two looks for jobs
SHARE = 0.1  # of the time since something last happened, to the next look
LOOK = 0.3  # seconds between two looks at the session and at what is to be stopped
SAY_EVERY = 10.0  # seconds between two lines about trials that completed


@dataclass
class Held:
    """A job that this worker has claimed.

    number: under which its own executor knows it.
    """

    name: str
    number: int
    job: Job


class Stay:
    """A worker at one session."""

    def __init__(self, worker: Worker, session: Session) -> None:
        self._worker, self._session = worker, session
        self._folder = session.folder(worker.queue)
        self._root = session.root(worker.queue)
        self._held: dict[int, Held] = {}
        self._limits: dict[str, tuple[Constraint, ...]] = {}
        self._number = 0
        self._checked = False
        self._happened = time.monotonic()
        self._looked = 0.0
        self._said = time.monotonic()
        self._idle = Pulse(worker.idle)

    def work(self) -> str:
        """Work to the session's end: empty, or why the worker is to end."""
        for part in ("", *PARTS):
            files.require_folder(self._folder / part)
        self._kit = self._worker.kit(self._session)
        self._executor = self._worker.executor(self._session.limits)
        self._beat = Beat(self._folder / "workers", self._worker.name, self._facts())
        self._beat.start()
        self._worker.say(f"ready as {self._worker.name}")
        try:
            while True:
                reason = self._step()
                if reason is not None:
                    return reason
        finally:
            self._leave()

    def _facts(self) -> dict[str, Any]:
        return {"slots": self._worker.slots, "holds": [each.name for each in self._held.values()]}

    def _step(self) -> str | None:
        """Claim, wait a moment, deliver; why this is the end, None where it is not."""
        now = time.monotonic()
        look = now - self._looked >= LOOK
        if look:
            self._looked = now
            reason = self._over(now)
            if reason is not None:
                return reason
            self._stop_what_is_to_be_stopped()
        if len(self._held) < self._worker.slots:
            self._claim(look)
        pause = min(LONGEST, max(SHORTEST, SHARE * (time.monotonic() - self._happened)))
        if not self._held:
            time.sleep(pause)
            return None
        for outcome in self._executor.wait(pause):
            self._deliver(outcome)
        return None

    def _over(self, now: float) -> str | None:
        """Why the worker is to end, empty where only this driver is done, None while it goes on."""
        latest, _ = self._worker.latest()
        if latest is not None and (latest.id != self._session.id or latest.state != OPEN):
            return ""
        if not self._worker.driver_lives(self._session):
            return f"the driver gave no sign of life for {self._worker.idle:g} s"
        if self._beat.silent > self._session.patience and not self._folder.is_dir():
            return ""
        self._idle.look(now if self._held else None, now)
        if self._idle.gone:
            return f"no work for {self._worker.idle:g} s"
        if latest is not None and not self._checked and latest.described is not None:
            self._check(latest.described)
        return None

    def _check(self, described: Mapping[str, Any]) -> None:
        """UserError unless this worker would measure what the driver wants measured."""
        own = plain(self._kit.described())
        if own["stages"] != described.get("stages"):
            other = _first(described.get("stages"), own["stages"])
            raise UserError(f"this worker would measure with other settings than the driver: {other}")
        if own["data"] != described.get("data"):
            raise UserError("the data that this worker has read is not the driver's, though it has the same name")
        self._checked = True

    # Jobs.

    def _claim(self, look: bool) -> None:
        """Claim jobs for the free slots, and begin those that are claimed by this worker and not begun yet.

        look: whether there may be such although nothing waits now, after an answer that got lost.
        """
        with contextlib.suppress(OSError):
            waiting = [name for name in files.names(self._folder / "jobs") if is_name(name)]
            if waiting and not self._checked:
                self._looked = 0.0  # the session says what they are measured with
                return
            for name in waiting[: self._worker.slots - len(self._held)]:
                files.move(self._folder / "jobs" / name, self._folder / "claims" / f"{name}@{self._worker.name}")
            if waiting or look:
                for name in self._own_claims():
                    self._begin(name)

    def _own_claims(self) -> list[str]:
        """Claimed by this worker, neither begun nor ended."""
        begun = {each.name for each in self._held.values()}
        ended = {each.partition("@")[0] for each in files.names(self._folder / "outcomes")}
        claims = (each.partition("@") for each in files.names(self._folder / "claims"))
        own = [name for name, _, worker in claims if worker == self._worker.name and is_name(name)]
        return [name for name in own if name not in begun and name not in ended]

    def _begin(self, name: str) -> None:
        self._happened = time.monotonic()
        number, attempt = numbers_of(name)
        self._number += 1
        try:
            job = self._read(name)
        except Unreadable as problem:
            reason = f"its file cannot be read: {problem}"
            self._leave_outcome(name, Outcome(number, "lost", reason=reason, attempt=attempt))
            return
        except Exception as problem:  # a space of the user's own may raise anything
            self._leave_outcome(name, Outcome(number, "error", reason=f"{type(problem).__name__}: {problem}"[:300]))
            return
        self._held[self._number] = Held(name, self._number, job)
        self._beat.facts = self._facts()
        self._executor.submit(replace(job, number=self._number))

    def _read(self, name: str) -> Job:
        data = files.read(self._folder / "claims" / f"{name}@{self._worker.name}")
        if (data.get("number"), data.get("attempt")) != numbers_of(name):
            raise Unreadable(f"it is of trial {data.get('number')!r}, attempt {data.get('attempt')!r}"[:200])
        limits = self._limits.setdefault(str(data.get("limits")), limits_of(data))
        return job_from_json(data, self._kit, self._root, limits)

    def _stop_what_is_to_be_stopped(self) -> None:
        if not self._held:
            return
        with contextlib.suppress(OSError):
            stops = set(files.names(self._folder / "stops"))
            for held in self._held.values():
                if held.name in stops:
                    self._executor.cancel(held.number)

    def _deliver(self, outcome: Outcome) -> None:
        held = self._held.pop(outcome.number)
        self._happened = time.monotonic()
        place = f"{self._worker.name}, {outcome.place}" if outcome.place else self._worker.name
        self._leave_outcome(held.name, replace(outcome, number=held.job.number, place=place))
        self._worker.carried_out[self._kit.noun] += outcome.state != "cancelled"
        self._beat.facts = self._facts()
        if outcome.state != "completed" or self._happened - self._said >= SAY_EVERY:
            self._said = self._happened
            self._worker.say(self._told(held.job, outcome))

    def _told(self, job: Job, outcome: Outcome) -> str:
        reason = f": {outcome.reason}" if outcome.reason else ""
        what = f"{self._kit.noun} {job.number} {outcome.state} in {outcome.seconds:.1f} s{reason}"
        return f"{what}; {self._worker.done} done here"

    def _leave_outcome(self, name: str, outcome: Outcome) -> None:
        """Put it where the driver finds it, again and again while the folder cannot be written to."""
        claim = f"{name}@{self._worker.name}"
        trouble = Pulse(self._session.patience)
        while True:
            try:
                files.write(self._folder / "outcomes", claim, outcome_to_json(outcome))
                return
            except OSError as problem:
                trouble.look(None, time.monotonic())
                latest, _ = self._worker.latest()
                if not self._folder.is_dir() or (latest is not None and latest.id != self._session.id):
                    return
                if trouble.gone:
                    raise NetwrightError(
                        f"the outcome of trial {outcome.number} cannot be written to {self._folder}: "
                        f"{problem.strerror or problem}"
                    ) from problem
                time.sleep(LONGEST)

    def _leave(self) -> None:
        """Give back what was begun, and sign off."""
        if self._held:
            self._worker.close_executor()
        with contextlib.suppress(OSError):
            for name in self._own_claims() + [each.name for each in self._held.values()]:
                files.move(self._folder / "claims" / f"{name}@{self._worker.name}", self._folder / "jobs" / name)
        self._beat.stop()


def _first(before: Any, now: Any, path: str = "") -> str:
    """The first difference between two configurations, in words."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in (*before, *now):
            if before.get(name) != now.get(name):
                return _first(before.get(name), now.get(name), f"{path}.{name}".lstrip(".").replace("arguments.", ""))
    if isinstance(before, Sequence) and not isinstance(before, str) and isinstance(now, Sequence):
        for first, second in zip(before, now, strict=False):
            if first != second:
                return _first(first, second, path)
    return f"{path or 'the stages'}: {str(before)[:80]!r} there, {str(now)[:80]!r} here"
