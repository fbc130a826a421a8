"""One driver a project directory: a lock that the system gives back when the process ends, however it ends."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
import weakref
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from netwright.core.errors import Busy, UserError
from netwright.core.inside import NO_LINK, open_inside
from netwright.core.spelling import spelled

NAME = "netwright.lock"
_PATIENCE = 0.3  # seconds; a reader that looks whether the lock is held has it for a moment

_held: weakref.WeakSet[DriverLock] = weakref.WeakSet()


class DriverLock:
    """Held from birth to `release`. Raises Busy where another process, or this one, holds it already.

    A process of this machine that died holds it no more. Of one on another machine that cannot be told: who knows that
    it is dead says so by `takeover`, and from then on what it writes is refused by `check`.

    The directory itself is locked too, where its file system can do that: a file may be deleted and made anew.
    """

    def __init__(self, directory: Path, takeover: bool = False) -> None:
        self._path = directory / NAME
        self._place: int | None = None
        self._file: int | None = open_inside(self._path, os.O_RDWR | os.O_CREAT)
        try:
            self._place = _place(directory)
            if not _taken(self._file) or not (self._place is None or _taken(self._place)):
                raise Busy(_message(directory))
            if not takeover and _elsewhere(_owner(directory)):
                raise Busy(_message_elsewhere(directory))
            self._signature = self._sign()
        except BaseException:
            self.forget()
            raise
        _held.add(self)

    def _sign(self) -> bytes:
        assert self._file is not None
        owner = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "boot": _boot(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "token": secrets.token_hex(8),
        }
        signature = json.dumps(owner).encode()
        os.pwrite(self._file, signature, 0)
        os.ftruncate(self._file, len(signature))
        return signature

    def check(self) -> None:
        """Busy where somebody else took the project over."""
        if self._file is None or os.pread(self._file, 4096, 0) != self._signature:
            owner = _owner(self._path.parent)
            raise Busy(
                f"{self._path.parent} was taken over by process {owner.get('pid', 'unknown')} on "
                f"{owner.get('host', 'an unknown host')} since {owner.get('since', 'an unknown time')}; this process "
                "writes nothing more"
            )

    def release(self) -> None:
        if self._file is not None:
            if os.pread(self._file, 4096, 0) == self._signature:
                os.ftruncate(self._file, 0)
            self.forget()

    def forget(self) -> None:
        """Close the file without more; in a forked child this leaves the lock with the parent."""
        for file in (self._file, self._place):
            if file is not None:
                os.close(file)
        self._file = self._place = None


def driver(directory: Path) -> dict[str, Any] | None:
    """Who drives this project now: pid, host, since; None where nobody does."""
    for path, flags in ((directory / NAME, NO_LINK), (directory, 0)):
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
        except OSError:
            continue
        try:
            if not _free(file):
                return _owner(directory)
        finally:
            os.close(file)
    return None


def _place(directory: Path) -> int | None:
    """The directory as a file to lock; None where it cannot be locked."""
    fcntl = _fcntl()
    file = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.flock(file, fcntl.LOCK_UN)
    except BlockingIOError:
        pass
    except OSError:  # some network file systems
        os.close(file)
        return None
    return file


def _taken(file: int) -> bool:
    """Try for a moment to get the lock alone."""
    fcntl = _fcntl()
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.01)
        else:
            return True


def _free(file: int) -> bool:
    try:
        fcntl = _fcntl()
    except UserError:
        return True  # nobody can hold it
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks here, so nobody holds one
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return True


def _fcntl() -> Any:
    try:
        import fcntl
    except ImportError:
        raise UserError("a durable store needs file locks, which this system lacks; search without a store") from None
    return fcntl


def _owner(directory: Path) -> dict[str, Any]:
    try:
        found = json.loads((directory / NAME).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _message(directory: Path) -> str:
    owner = _owner(directory)
    if owner.get("pid") == os.getpid() and owner.get("host") == socket.gethostname():
        return f"this process has {directory} open already; use that Store, or close it first"
    return (
        f"{directory} is driven by process {owner.get('pid', 'unknown')} on {owner.get('host', 'an unknown host')} "
        f"since {owner.get('since', 'an unknown time')}; wait for it, stop it, or use another directory. It is alive: "
        "once it has died the project is free"
    )


def _elsewhere(owner: dict[str, Any]) -> bool:
    """Whether the owner who did not sign off was on another machine: neither of this name nor of this boot."""
    if not owner.get("host"):
        return False
    return owner["host"] != socket.gethostname() and (not _boot() or owner.get("boot") != _boot())


def _boot() -> str:
    """What the system calls the time since it was started; the same in all containers of one machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _message_elsewhere(directory: Path) -> str:
    owner = _owner(directory)
    return (
        f"{directory} was driven by process {owner.get('pid', 'unknown')} on {owner['host']} since "
        f"{owner.get('since', 'an unknown time')}, which is not this machine ({socket.gethostname()}), and it "
        "has not signed off. If it is dead, take the project over: " + spelled("Store(directory, takeover=True)")
    )


def _after_fork() -> None:
    for lock in list(_held):
        lock.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
