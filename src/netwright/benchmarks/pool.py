"""Worker processes for the searches of a comparison: each takes one after the other, and none can harm another."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from netwright.benchmarks.cells import Cell
from netwright.core.errors import NetwrightError, UserError
from netwright.core.installing import HOME
from netwright.executors.processes.parcels import own_file
from netwright.executors.processes.placement import THREAD_VARIABLES

if TYPE_CHECKING:
    from netwright.benchmarks.searching import Work

# The package is found where this process found it, whatever is installed beside it.
_BOOT = "import sys; sys.path.append(sys.argv.pop()); from netwright.benchmarks.worker import main; main()"
_AHEAD = 2  # searches that a worker has at once, so that it never waits for the next
_PATIENCE = 5.0  # seconds for a worker to end by itself
Task = tuple[int, int, int]  # the numbers of the strategy, of the problem and of the repeat


class Pool:
    """As many processes as asked, each with its own copy of `work`.

    What is sent between them are pickles, through sockets that nobody else can reach; none is written to a file.
    Raises UserError where the parts of the comparison cannot be sent.
    """

    def __init__(self, work: Work, processes: int) -> None:
        self._work = work
        self._parcel = sendable(work)
        self._workers = [_Worker(self._parcel) for _ in range(processes)]

    def cells(self, tasks: Iterable[Task]) -> Iterator[list[Cell]]:
        """The searches in the order in which they end, several that end together at once."""
        waiting = deque(tasks)
        while True:
            for worker in self._workers:
                while waiting and len(worker.given) < _AHEAD:
                    worker.give(waiting.popleft())
            busy = {worker.connection: worker for worker in self._workers if worker.given}
            if not busy:
                return
            ended: list[Cell] = []
            for ready in wait(list(busy)):
                ended += self._heard(busy[ready], waiting)  # type: ignore[index]
            if ended:
                yield ended

    def _heard(self, worker: _Worker, waiting: deque[Task]) -> list[Cell]:
        """What a worker has to say; one that died is replaced, and its search counts as failed."""
        try:
            answer = worker.connection.recv()
        except (EOFError, OSError):
            reason = worker.buried()
            if not worker.proven:
                raise NetwrightError(f"a worker process did not start: {reason}") from None
            failed = worker.given.popleft()
            waiting.extendleft(reversed(worker.given))
            self._workers.remove(worker)
            if waiting or not self._workers:
                self._workers.append(_Worker(self._parcel))
            return [Cell(self._work.place(*failed), reason=reason)]
        if isinstance(answer, str):
            raise UserError(f"a worker process cannot take the comparison: {answer}")
        worker.proven = True
        if answer is not None:
            worker.given.popleft()
        return [] if answer is None else [answer]

    def close(self) -> None:
        """End every process; those in the middle of a search are killed."""
        for worker in self._workers:
            worker.end()


class _Worker:
    """One process, and what it was given. proven: whether it has begun to work."""

    def __init__(self, parcel: Parcel) -> None:
        own, other = socket.socketpair()
        with other:
            self.process = subprocess.Popen(  # noqa: S603  # our own interpreter and code
                [sys.executable, "-P", "-c", _BOOT, str(other.fileno()), str(os.getpid()), str(HOME)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
                start_new_session=True,
                env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")},
            )
        self.connection = Connection(own.detach())
        self.given: deque[Task] = deque()
        self.proven = False
        with contextlib.suppress(OSError):  # one that is gone already is met when it is listened to
            self.connection.send(sys.path)
            self.connection.send(dict(parcel.modules))
            self.connection.send_bytes(parcel.body)

    def give(self, task: Task) -> None:
        self.given.append(task)
        with contextlib.suppress(OSError):
            self.connection.send(task)

    def buried(self) -> str:
        """Wait for the end of a process that has closed its connection; how it ended."""
        self.connection.close()
        try:
            code = self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process ended with exit code {code}"

    def end(self) -> None:
        self.connection.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@dataclass(frozen=True, slots=True)
class Parcel:
    """A comparison's parts as bytes, and the files of the modules, by name, that an import would not find."""

    body: bytes
    modules: Mapping[str, str]


class _Pickler(pickle.Pickler):
    def __init__(self, buffer: BytesIO) -> None:
        super().__init__(buffer, pickle.HIGHEST_PROTOCOL)
        self.modules: dict[str, str] = {}

    def reducer_override(self, obj: Any) -> Any:
        module = getattr(obj, "__module__", None)
        if not isinstance(module, str) or not hasattr(obj, "__qualname__"):
            return NotImplemented
        if module == "__main__":
            raise pickle.PicklingError(
                f"{obj.__qualname__} is defined in the script that was started, which workers do not run again"
            )
        if module not in self.modules and (path := own_file(module)):
            self.modules[module] = path
        return NotImplemented


def sendable(work: Work) -> Parcel:
    """The comparison's parts. Raises UserError where a part has no such form."""
    buffer = BytesIO()
    pickler = _Pickler(buffer)
    try:
        pickler.dump(work)
    except Exception as problem:  # any class may refuse in its own way
        reason = str(problem).strip().partition("\n")[0] or type(problem).__name__
        raise UserError(
            f"the comparison cannot be sent to worker processes: {reason}; define it at the top level of a module and "
            "import it from there, name it as 'file.py:Class', or use processes=1"
        ) from None
    return Parcel(buffer.getvalue(), pickler.modules)
