"""The workers of a session as its driver sees them: who is there, how many trials each takes, and who has gone."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netwright.executors.folder import folder_files as files
from netwright.executors.folder.folder_files import Unreadable
from netwright.executors.folder.folder_session import Pulse

LOOK = 0.5  # seconds between two looks at the workers
ALONE = 3.0  # seconds for which work waits and nobody is there, before that is said
SHARE = 20.0  # times as long as a look took, at least, passes until the next
MOST_SLOTS = 1024
_ID = re.compile(r"[A-Za-z0-9._-]{1,80}-\d{1,10}-[0-9a-f]{8}")


@dataclass
class Member:
    """A worker.

    slots: trials that it takes at once.
    holds: the jobs that it says it has.
    """

    pulse: Pulse
    slots: int = 0
    holds: frozenset[str] = frozenset()


class Crew:
    """Looks at the workers now and then.

    patience: seconds without a sign of life after which one is given up.
    invitation: how to start one.
    tell: hears of those that come and go.
    """

    def __init__(self, folder: Path, patience: float, invitation: str, tell: Callable[[str], object]) -> None:
        self._folder, self._patience, self._invitation, self._tell = folder, patience, invitation, tell
        self._members: dict[str, Member] = {}
        self._due = 0.0
        self._told: int | None = None
        self._alone = Pulse()

    @property
    def slots(self) -> int:
        """How many trials those that are there take at once."""
        return sum(each.slots for each in self._members.values())

    def look(self, *, needed: bool = False) -> bool:
        """Look at all workers if it is time to; whether that was done.

        needed: whether work waits for them.
        """
        began = time.monotonic()
        if began < self._due:
            return False
        with contextlib.suppress(OSError):
            there = [name for name in files.names(self._folder) if is_worker(name)]
            for name in there:
                self._look_at(name, began)
            for name in self._members.keys() - set(there):
                del self._members[name]
        ended = time.monotonic()
        self._due = ended + max(LOOK, SHARE * (ended - began))
        self._say_who_is_there(ended, needed=needed)
        return True

    def _look_at(self, name: str, now: float) -> None:
        member = self._members.setdefault(name, Member(Pulse(self._patience)))
        found: dict[str, Any] | None = None
        with contextlib.suppress(OSError, Unreadable):
            found = files.read(self._folder / name)
        if found is not None:
            slots, holds = found.get("slots"), found.get("holds")
            if isinstance(slots, int) and isinstance(holds, list) and 0 <= slots <= MOST_SLOTS:
                member.slots, member.holds = int(slots), frozenset(map(str, holds))
        member.pulse.look(None if found is None else str(found.get("count")), now)
        if member.pulse.gone:
            del self._members[name]
            files.remove(self._folder / name)
            self._tell(f"worker {name} gave no sign of life for {self._patience:g} s and is given up")

    def _say_who_is_there(self, now: float, *, needed: bool) -> None:
        count = len(self._members)
        self._alone.look(now if count or not needed else None, now)
        if count == self._told or (not count and self._alone.silent < ALONE):
            return
        self._told = count
        if not count:
            self._tell(f"no worker is there; waiting for one: {self._invitation}")
        elif count == self.slots:
            self._tell(f"{count} worker{'s' * (count != 1)} at work")
        else:
            self._tell(f"{count} worker{'s' * (count != 1)} at work, {self.slots} trials at once")

    def holds(self, worker: str, job: str) -> bool | None:
        """Whether a worker has this job; None where the worker is not there."""
        member = self._members.get(worker)
        return None if member is None else job in member.holds


def is_worker(name: str) -> bool:
    """Whether a worker can have this name: its machine, its process, and something random."""
    return _ID.fullmatch(name) is not None
