"""What runs on a node: an actor that keeps the kit of the latest search and carries out one order after the other."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from netwright.core.executor import Job, Outcome
from netwright.core.room import keep_freed_memory
from netwright.core.trial import State
from netwright.executors.job import perform
from netwright.executors.on_ray.shipping import Kit, Order, job
from netwright.executors.processes.limits import Memory
from netwright.version import __version__

SHOWN = 10_000  # bytes of what a trial printed
_DEPTH = 3  # a trial's folder is that far below the project directory, and made when it is first needed
_BEGINS = "-- trial {} attempt {} begins --"
_LEAVES = "-- the trial ended the worker with exit code {} --"
_DEATHS = {  # what Python's faulthandler writes before it lets a process die
    "Segmentation fault": "SIGSEGV",
    "Bus error": "SIGBUS",
    "Aborted": "SIGABRT",
    "Floating point exception": "SIGFPE",
    "Illegal instruction": "SIGILL",
}


@dataclass(frozen=True, slots=True)
class About:
    """A worker that is ready.

    node: Ray's id.
    place: name of the node, for people.
    logs: files that it prints to.
    """

    node: str
    place: str
    pid: int
    logs: tuple[str, ...]
    versions: str


def versions() -> str:
    """What must be equal on all nodes: netwright, and Python without its last number."""
    return f"netwright {__version__}, Python {'.'.join(platform.python_version_tuple()[:2])}"


class Worker:
    """One actor.

    memory: bytes that a trial may take, None for no limit.
    """

    def __init__(self, memory: int | None) -> None:
        import ray

        keep_freed_memory()
        self._node = ray.get_runtime_context().get_node_id()
        self._memory = Memory(memory)
        self._kit: Kit | None = None
        self._number = -1
        self._logs = _open_logs()
        _announce_exits()

    def about(self) -> About:
        place = f"{socket.gethostname()}-{self._node[:6]}"
        return About(self._node, place, os.getpid(), self._logs, versions())

    def carry_out(self, number: int, kit: Sequence[Any], order: Order) -> Outcome:
        """The outcome of a job.

        kit: the reference to kit `number`, in a list so that it is fetched only once.
        """
        import ray

        if number != self._number:
            self._kit, self._number = None, -1  # the earlier one goes before the next one comes
            fetched: Any = ray.get(kit[0])
            self._kit, self._number = fetched, number
        assert self._kit is not None
        _print(_BEGINS.format(order.job.number, order.job.attempt))
        with self._memory.limited():
            found = perform(at_home(job(order, self._kit)))
            peak = self._memory.peak()
        reason = self._memory.explained(found.reason) if found.state == "out_of_memory" else found.reason
        return replace(found, peak_memory=found.peak_memory or peak, log=tail(self._logs), reason=reason)


def at_home(job: Job) -> Job:
    """The job with a folder for checkpoints only where the run's own directory is there on this node too."""
    if job.folder is None or any(each.is_dir() for each in list(job.folder.parents)[:_DEPTH]):
        return job
    return replace(job, folder=None)


def tail(logs: Sequence[str]) -> str:
    """The end of what was printed since the latest trial began."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    found = "".join(_since_the_beginning(Path(each)) for each in logs)
    return found.encode()[-SHOWN:].decode("utf-8", "ignore")


def _since_the_beginning(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 2 * SHOWN))
            text = file.read().decode("utf-8", "ignore")
    except OSError:
        return ""
    *_, last = re.split(_BEGINS.format(r"\d+", r"\d+") + "\n", text)
    return last


def ending(log: str) -> tuple[State, str]:
    """How a worker died that left this log: by the trial's own code, which is an error, or from outside."""
    for words, name in _DEATHS.items():
        if f"Fatal Python error: {words}" in log:
            return "error", f"the worker died of {name}"
    left = re.search(_LEAVES.format(r"(\d+)"), log)
    if left:
        return "error", f"the worker ended with exit code {left[1]}"
    return "lost", "the worker was killed from outside"


def _open_logs() -> tuple[str, ...]:
    """The files that Ray gives this process to print to; none where the system doesn't say."""
    found: list[str] = []
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            if Path(path).is_file():
                found.append(path)
    return tuple(dict.fromkeys(found))


def _print(line: str) -> None:
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            os.write(descriptor, f"{line}\n".encode())


def _announce_exits() -> None:
    """Let `os._exit` say so in the log, for Ray doesn't tell it from a kill; not in children of this process."""
    leave, own = os._exit, os.getpid()

    def announced(status: int) -> Any:
        if os.getpid() == own:
            _print(_LEAVES.format(status))
        leave(status)

    os._exit = announced
