"""The exclusive slot of a machine: times are measured while no training of this user computes a step.

Trainings pass a turnstile before each step, which costs a few millionths of a second. Whoever measures closes it, waits
until the steps under way have ended, measures, and opens it again: a training loses less than a second, whichever
process, executor or command of the same user it belongs to. Where the system has no such locks, nothing waits.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

LONGEST_MEASUREMENT = 60.0  # seconds that a step waits at most: whoever measures may have been stopped
LONGEST_STEP = 20.0  # seconds that a measurement waits at most for steps to end
_LOOK = 0.002  # seconds between two looks


class _Own(threading.local):
    depth = 0  # steps around this one, in this thread


_own = _Own()
_files: dict[int, tuple[int, int] | None] = {}  # by process: what a fork inherits would share its locks


@contextmanager
def at_work() -> Generator[None]:
    """One step of a training, or what takes no longer: it begins only while nobody measures, and is waited for."""
    files = _opened() if _own.depth == 0 else None
    _own.depth += 1
    try:
        if files is not None:
            _enter(*files)
        yield
    finally:
        _own.depth -= 1
        if files is not None:
            _unlock(files[1])


@contextmanager
def alone() -> Generator[bool]:
    """While no step of a training is under way: whether that could be had. Not within a step of this thread."""
    assert _own.depth == 0, "a measurement within a step would wait for itself"
    files = _descriptors()
    if files is None:
        yield False
        return
    queue, room = files
    try:
        had = _lock(queue, exclusive=True, seconds=LONGEST_MEASUREMENT) and _lock(room, True, LONGEST_STEP)
        yield had
    finally:
        for each in (room, queue):
            os.close(each)  # which unlocks it


def _enter(queue: int, room: int) -> None:
    """Through the turnstile into the room; the turnstile is free for the next one at once."""
    if _lock(queue, False, LONGEST_MEASUREMENT):
        _lock(room, False, LONGEST_STEP)
        _unlock(queue)


def _lock(file: int, exclusive: bool, seconds: float) -> bool:
    assert fcntl is not None
    kind, end = (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB, 0.0
    while True:
        try:
            fcntl.flock(file, kind)
            return True
        except OSError:
            end = end or time.monotonic() + seconds
            if time.monotonic() > end:
                return False
            time.sleep(_LOOK)


def _unlock(file: int) -> None:
    assert fcntl is not None
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_UN)


def _opened() -> tuple[int, int] | None:
    """The files of this process's steps."""
    process = os.getpid()
    if process not in _files:
        _files.clear()
        _files[process] = _descriptors()
    return _files[process]


def _descriptors() -> tuple[int, int] | None:
    """The turnstile and the room; None where there can be none."""
    if fcntl is None:
        return None
    folder = Path(tempfile.gettempdir(), f"netwright-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return None
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(folder / "turnstile", flags, 0o600), os.open(folder / "room", flags, 0o600)
    except OSError:
        return None
