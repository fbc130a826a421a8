"""The processes that a trial has started, and the memory they take together, as Linux tells it in /proc."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from netwright.core.blocks import NAME

_PROC = Path("/proc")
_DATA = f"/memfd:{NAME}".encode()
AVAILABLE = Path("/proc/self/statm").exists()
TOKEN = "NETWRIGHT_WORKER"  # noqa: S105  # the environment variable by which a worker's descendants are known


@dataclass(frozen=True, slots=True)
class Member:
    """One process.

    resident: bytes.
    started: in ticks of the system; another one of this number began later.
    """

    pid: int
    parent: int
    group: int
    session: int
    resident: int
    started: int = 0

    @property
    def identity(self) -> tuple[int, int]:
        return self.pid, self.started


def everybody() -> list[Member]:
    """All processes that are alive; none where there is no /proc."""
    page = os.sysconf("SC_PAGE_SIZE")
    found: list[Member] = []
    for pid in _numbers():
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name, in brackets, may hold anything; what follows the last bracket has a fixed order (proc(5)).
            fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
            if fields[0] not in (b"Z", b"X"):
                parent, group, session, started, resident = (int(fields[index]) for index in (1, 2, 3, 19, 21))
                found.append(Member(pid, parent, group, session, resident * page, started))
    return found


def family(leader: int, processes: Iterable[Member], others: Iterable[int] = ()) -> list[Member]:
    """The leader, its session, and all their descendants; with `others`, these and theirs too.

    Those that have detached are children of the leader, where it adopts orphans: see `worker.adopt_orphans`.
    """
    members = {leader, *others}
    processes = list(processes)
    grown = True
    while grown:
        more = {each.pid for each in processes if each.session == leader or each.parent in members} - members
        members |= more
        grown = bool(more)
    return [each for each in processes if each.pid in members]


def proportional(members: Iterable[Member]) -> int:
    """Bytes that processes take together, with what they share counted once, and without the data of a search."""
    total = 0
    for member in members:
        shares = member.resident
        with contextlib.suppress(OSError, ValueError):
            shares = _share((_PROC / str(member.pid) / "smaps").read_bytes())
        total += shares
    return total


def _share(maps: bytes) -> int:
    """A process's share of its pages, from its smaps (proc(5)); of the data only the pages it has written to itself."""
    total, is_data = 0, False
    for line in maps.splitlines():
        name, _, rest = line.partition(b":")
        if name == b"Anonymous" if is_data else name == b"Pss":
            total += 1024 * int(rest.split()[0])
        elif b"-" in name.partition(b" ")[0]:
            is_data = _DATA in line
    return total


def kill_all(leader: int, token: str, seen: Iterable[tuple[int, int]] = ()) -> None:
    """SIGKILL to a worker's group, and to descendants that have left it.

    seen: identities of those that it had before it ended, for nobody knows afterwards whose they were.
    """
    processes, known = everybody(), set(seen)
    strays = {*_marked(token), *(each.pid for each in processes if each.identity in known)}
    strays |= {each.pid for each in family(leader, processes, strays)}
    with contextlib.suppress(OSError):
        os.killpg(leader, signal.SIGKILL)
    for pid in strays - {os.getpid()}:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def killed_for_memory() -> int:
    """How many processes the kernel has killed since it started because no memory was left; 0 where it doesn't say."""
    with contextlib.suppress(OSError, ValueError):
        for line in (_PROC / "vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _marked(token: str) -> Iterator[int]:
    mark = f"{TOKEN}={token}".encode()
    for pid in _numbers():
        with contextlib.suppress(OSError):
            if mark in (_PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                yield pid


def _numbers() -> list[int]:
    try:
        return [int(name) for name in os.listdir(_PROC) if name.isdigit()]
    except OSError:
        return []
