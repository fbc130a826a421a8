"""The worker's end of a shared folder, between sessions: it waits for a driver, works for it, and waits again."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.errors import UserError
from netwright.core.estimator import Estimator
from netwright.core.roles import space_of
from netwright.executors.folder import folder_files as files
from netwright.executors.folder.folder_files import Unreadable
from netwright.executors.folder.folder_session import DRIVER, ENDED, OPEN, Pulse, Session, versions
from netwright.executors.folder.messages import Kit
from netwright.executors.folder.stay import Stay

if TYPE_CHECKING:
    from netwright.executors.processes import Processes

LOOK = 0.5  # seconds between two looks for a driver
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")


class NobodyCame(UserError):
    """No driver has begun a session for as long as the worker may wait."""


class Worker:
    """Works for the drivers of one queue, one after the other, until one says that nothing more comes.

    make: from a session's `work` the kit, which may take long.
    slots, threads: as of `Processes`.
    idle: seconds without work, or without a sign of life of a driver, after which it ends.
    say: hears what it does, in few lines.
    """

    def __init__(
        self,
        queue: Path | str,
        make: Callable[[Mapping[str, Any]], Kit],
        *,
        slots: int = 1,
        threads: int | None = None,
        idle: float = 600.0,
        say: Callable[[str], object] = print,
    ) -> None:
        host = _STRANGE.sub("-", socket.gethostname())[:60] or "host"
        self.name = f"{host}-{os.getpid()}-{secrets.token_hex(4)}"
        self.carried_out: Counter[str] = Counter()  # of trials, searches and whatever else it was given
        self._queue, self._make, self._say = Path(os.path.abspath(queue)), make, say
        self._slots, self._threads, self._idle = slots, threads, idle
        self._executor: Processes | None = None
        self._limits: Mapping[str, Any] = {}
        self._driver = Pulse(idle)
        self._said: str | None = None

    def run(self) -> str:
        """Work until the end; why it ended. Interrupted, it first gives back what it has begun.

        Raises NobodyCame, UserError where the driver has another version or other settings, and what `make` raises.
        """
        try:
            while True:
                session = self._next_session()
                if isinstance(session, str):
                    return session
                reason = Stay(self, session).work()
                if reason:
                    return reason
        finally:
            self.close_executor()

    # Between sessions.

    def _next_session(self) -> Session | str:
        """The session of a driver that is alive; or why there is none to wait for any more."""
        waited, known, self._driver = Pulse(self._idle), None, Pulse(self._idle)
        while True:
            session, problem = self.latest()
            known = session or known
            if session is not None and session.state == ENDED:
                return "nothing more is to be done"
            if session is not None and session.state == OPEN:
                require_version(session)
                if self.driver_lives(session) and self._driver.alive:
                    self._said = None
                    return session
            self._tell_once(problem or _waiting_for(session, self._queue))
            waited.look(None, time.monotonic())
            if waited.gone:
                return self._nobody(known, problem)
            time.sleep(LOOK)

    def _nobody(self, known: Session | None, problem: str) -> str:
        if known is not None:
            return f"no driver for {self._idle:g} s"
        raise NobodyCame(f"{problem or f'nobody has begun to share work in {self._queue}'}; waited {self._idle:g} s")

    def latest(self) -> tuple[Session | None, str]:
        """The latest session, and what is wrong where it cannot be read."""
        try:
            with contextlib.suppress(OSError):
                os.utime(self._queue)  # so that this machine asks the server anew
            return Session.read(self._queue), ""
        except (OSError, Unreadable) as problem:
            return None, f"the session in {self._queue} cannot be read: {problem}"

    def driver_lives(self, session: Session) -> bool:
        """Look at the driver's sign of life; whether there was one not too long ago."""
        count: str | None = None
        with contextlib.suppress(OSError, Unreadable):
            count = f"{session.id} {files.read(session.folder(self._queue) / DRIVER).get('count')}"
        self._driver.look(count, time.monotonic())
        return not self._driver.gone

    def _tell_once(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._say(text)

    # For the stay at one session.

    @property
    def queue(self) -> Path:
        return self._queue

    @property
    def slots(self) -> int:
        return self._slots

    @property
    def idle(self) -> float:
        return self._idle

    @property
    def done(self) -> int:
        """How many jobs it has carried out."""
        return self.carried_out.total()

    def say(self, text: str) -> None:
        self._say(text)

    def kit(self, session: Session) -> Kit:
        return self._make(session.work)

    def executor(self, limits: Mapping[str, Any]) -> Processes:
        """Where trials run, with these limits; kept from one session to the next where they are the same."""
        from netwright.executors.processes import Processes

        if self._executor is None or dict(limits) != dict(self._limits):
            self.close_executor()
            known = ("trial_timeout", "stall_timeout", "memory", "gpus_per_trial")
            taken = {name: limits[name] for name in known if limits.get(name) is not None}
            self._executor, self._limits = Processes(self._slots, threads=self._threads, **taken), limits
        return self._executor

    def close_executor(self) -> None:
        """End what runs here."""
        if self._executor is not None:
            self._executor.close()
            self._executor = None


def require_version(session: Session) -> None:
    """UserError where the driver runs another netwright than this worker."""
    own, theirs = versions()["netwright"], session.versions.get("netwright")
    if own != theirs:
        raise UserError(f"the driver runs netwright {theirs}, this worker {own}; install the same version for both")


def _waiting_for(session: Session | None, queue: Path) -> str:
    if session is None:
        return f"waiting for work in {queue}"
    return f"waiting for the driver of {queue}" + ("" if session.state == OPEN else ", which has stopped for now")


def serve(
    path: Path | str,
    search: Any,
    *,
    workers: int = 1,
    threads: int | None = None,
    idle: float = 600.0,
    say: Callable[[str], object] = print,
) -> int:
    """Carry out trials for the driver that has `Folder(path)`, until it says that nothing more comes; how many.

    path: the folder.
    search: the same search, or its estimator, as the driver has: nothing of it passes there.
    workers: trials at once.
    threads: of each, by default the cores shared out.
    idle: seconds without work, or without a sign of life of the driver, after which this ends.
    say: hears what it does, in few lines. Interrupted, it gives back what it has begun.

    Raises UserError where no driver comes in that time, or one with another version of netwright, other settings or
    other data.
    """
    estimator = search if isinstance(search, Estimator) else search.estimator
    kit = Kit(space_of(search), tuple(estimator.stages()))
    worker = Worker(path, lambda _: kit, slots=workers, threads=threads, idle=idle, say=say)
    say(worker.run())
    return worker.done
