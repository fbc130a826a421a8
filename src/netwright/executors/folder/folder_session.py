"""One driver's stay at a shared folder, as both sides see it: which files there are, and what they say.

queue/                   one for each run
  session.json           the latest session: who drives, what workers do, with which limits
  session-<id>/          everything of one session; the next driver removes it
    driver.json          counts up for as long as the driver lives
    jobs/                jobs that wait for a worker: one file each, named by number, attempt and something random
    claims/              a job that a worker has renamed to here, with its own name behind
    outcomes/            how a job ended, under the name of its claim
    stops/               a file named as a job that is to be ended, or was given up
    workers/             a file for each worker, which counts up for as long as it lives
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from netwright.core.checks import is_number
from netwright.core.errors import UserError
from netwright.executors.folder import folder_files as files
from netwright.executors.folder.folder_files import Unreadable
from netwright.version import __version__

FORMAT = 1
FILE = "session.json"
DRIVER = "driver.json"
PARTS = ("jobs", "claims", "outcomes", "stops", "workers")
BEAT = 1.0  # seconds between two signs of life, of a driver and of a worker
OPEN, CLOSED, ENDED = "open", "closed", "ended"
LONGEST_STEP = 3.0  # seconds that one look at a sign of life counts for at most
LOOKS = 8  # without a sign of life, at least, before somebody is given up
_LEVELS = 8


@dataclass(frozen=True)
class Session:
    """What session.json says.

    state: "open" while a driver is there, "closed" when it has stopped and may go on, "ended" when nothing more comes.
    versions: of netwright and torch.
    work: from which workers make what measures.
    described: what that must come to, known with the first job.
    limits: of a trial, as `Processes` takes them.
    levels: how far above the queue the project's folder is.
    patience: seconds without a sign of life after which a worker is given up.
    """

    id: str
    state: str
    versions: Mapping[str, str]
    work: Mapping[str, Any]
    limits: Mapping[str, Any]
    levels: int
    patience: float
    described: Mapping[str, Any] | None = None

    def write(self, queue: Path) -> None:
        files.write(queue, FILE, {"format": FORMAT, "session": self.id, **_facts(self)})

    @classmethod
    def read(cls, queue: Path) -> Session | None:
        """The latest session; None where there was none yet. Raises Unreadable, and OSError but for a missing file."""
        try:
            told = files.read(queue / FILE)
        except FileNotFoundError:
            return None
        if told.get("format") != FORMAT:
            raise Unreadable(f"its format is {told.get('format')!r}; this version reads format {FORMAT}")
        return _checked(told)

    def folder(self, queue: Path) -> Path:
        return queue / f"session-{self.id}"

    def root(self, queue: Path) -> Path:
        """The project's folder, from which the folders of jobs are told."""
        own = Path(os.path.abspath(queue))
        return [own, *own.parents][min(self.levels, len(own.parents))]


def _facts(session: Session) -> dict[str, Any]:
    names = ("state", "versions", "work", "limits", "levels", "patience", "described")
    return {name: getattr(session, name) for name in names}


def _checked(told: Mapping[str, Any]) -> Session:
    id, state, levels, patience = (told.get(name) for name in ("session", "state", "levels", "patience"))
    if not (isinstance(id, str) and len(id) == 16 and set(id) <= set("0123456789abcdef")):
        raise Unreadable(f"its session is {id!r}"[:200])
    if state not in (OPEN, CLOSED, ENDED) or not (isinstance(levels, int) and 0 <= levels <= _LEVELS):
        raise Unreadable(f"its state is {state!r}, its levels are {levels!r}"[:200])
    if not is_number(patience) or not 0 < patience < 1e6:
        raise Unreadable(f"its patience is {patience!r}"[:200])
    objects = {name: told.get(name) for name in ("versions", "work", "limits")}
    for name, value in objects.items():
        if not isinstance(value, dict):
            raise Unreadable(f"its {name} are no object")
    described = told.get("described")
    if described is not None and not isinstance(described, dict):
        raise Unreadable("what it describes is no object")
    return Session(id, state, levels=levels, patience=patience, described=described, **objects)  # pyright: ignore


def begin(queue: Path, **facts: Any) -> Session:
    """Open a session of a new driver, and clear away what earlier ones left. Raises UserError, OSError."""
    if not queue.is_dir() or queue.is_symlink():
        if queue.exists() or queue.is_symlink():
            raise UserError(f"{queue} is no folder; expected one to share work in, new or used for that before")
        queue.mkdir(mode=0o700, parents=True)
    others = [name for name in files.names(queue) if name != FILE and not name.startswith("session-")]
    if others:
        raise UserError(f"{queue} holds other files ({', '.join(others[:3])}); choose a new folder to share work in")
    session = Session(secrets.token_hex(8), OPEN, versions(), **facts)
    folder = session.folder(queue)
    for part in PARTS:
        (folder / part).mkdir(mode=0o700, parents=True)
    folder.chmod(0o700)
    session.write(queue)
    for name in files.names(queue):
        if name.startswith("session-") and name != folder.name:
            clear(queue / name)
    return session


def clear(folder: Path) -> None:
    """Remove a session's files, as far as they can be."""
    if not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)


def end(queue: Path) -> None:
    """Tell the workers of a queue that nothing more comes; where no session was begun, nothing."""
    with contextlib.suppress(OSError, Unreadable):
        session = Session.read(queue)
        if session is not None and session.state != ENDED:
            Session(**{**vars(session), "state": ENDED}).write(queue)


def versions() -> dict[str, str]:
    """What a driver and its workers should have in common."""
    found = {"netwright": __version__}
    with contextlib.suppress(PackageNotFoundError):
        found["torch"] = version("torch")
    return found


@dataclass
class Pulse:
    """How long somebody gave no sign of life, by the looks of this process alone.

    A sign is whatever is other than before. Each look counts for a few seconds at most, so that a pause of this process
    itself makes nobody seem dead, and several looks must agree.

    patience: seconds after which somebody is given up.
    silent: seconds.
    alive: whether there was a sign since the first look.
    """

    patience: float = 30.0
    silent: float = 0.0
    alive: bool = False
    _seen: object = field(default=None, repr=False)
    _looked: float | None = field(default=None, repr=False)

    @property
    def gone(self) -> bool:
        """Whether there was no sign of life for longer than the patience lasts."""
        return self.silent > self.patience

    def look(self, sign: object, now: float) -> None:
        """Take note of what was seen at a moment of `time.monotonic()`; None for nothing."""
        passed = 0.0 if self._looked is None else min(now - self._looked, LONGEST_STEP, self.patience / LOOKS)
        changed = sign is not None and sign != self._seen
        self.alive = self.alive or (changed and self._seen is not None)
        self.silent = 0.0 if changed else self.silent + passed
        self._looked = now
        if sign is not None:
            self._seen = sign
