"""A worker process: it loads what the trials of a search share once, then runs one trial after the other.

It leads a session and process group of its own, so that Ctrl-C in the terminal reaches only the driver, and so that it
can be ended together with all that a trial has started. It ends by itself when its driver is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib.util
import io
import json
import os
import pickle
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from netwright.core.blocks import mapped_copy
from netwright.core.errors import NetwrightError
from netwright.core.executor import Job, Outcome
from netwright.core.room import keep_freed_memory
from netwright.core.space import Space
from netwright.executors.job import failure, perform
from netwright.executors.processes import channel
from netwright.executors.processes.limits import Memory
from netwright.executors.processes.logs import open_log
from netwright.executors.processes.parcels import Reader

BETWEEN_SIGNS = 0.05  # seconds between two signs of life that are passed on
_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)
_ADOPTS = 36  # PR_SET_CHILD_SUBREAPER


def main() -> None:
    """What the driver starts: the arguments are the socket's descriptor and the driver's process id."""
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with(parent)
    keep_freed_memory()
    adopt_orphans()
    _wrap_streams()
    faulthandler.enable()
    os.set_inheritable(descriptor, False)
    _Worker(socket.socket(fileno=descriptor)).run()


def die_with(parent: int) -> None:
    """Ask the kernel, where it can, to kill this process when the driver is gone."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def adopt_orphans() -> None:
    """Ask the kernel, where it can, to make this the parent of descendants that detach, however they do so."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_ADOPTS, 1, 0, 0, 0)


class _Worker:
    def __init__(self, end: socket.socket) -> None:
        self._end, self._pid = end, os.getpid()
        self._inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._sending = threading.Lock()
        self._spaces: dict[str, Space] = {}
        self._bodies: dict[str, bytes] = {}
        self._descriptors: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._blocks: dict[int, memoryview] = {}
        self._kit: tuple[tuple[Any, ...], tuple[Any, ...]] = (), ()
        self._problem: BaseException | None = None
        self._threads = 1
        self._memory = Memory(None)
        self._said = 0.0

    def run(self) -> None:
        threading.Thread(target=self._listen, name="driver", daemon=True).start()
        kinds: dict[bytes, Callable[[bytes], None]] = {
            b"S": self._settings,
            b"L": _print_to,
            b"N": self._forget,
            b"M": self._modules,
            b"P": self._space,
            b"F": self._map,
            b"K": self._load,
            b"J": self._job,
        }
        while True:
            message = self._inbox.get()
            kinds[message[:1]](message[1:])

    def _listen(self) -> None:
        """Take in what the driver sends; without a driver, end with all that was started here."""
        with contextlib.suppress(OSError, EOFError):
            while True:
                self._inbox.put(channel.read(self._end, self._descriptors.put))
        os.killpg(os.getpgrp(), signal.SIGKILL)

    def _send(self, kind: bytes, body: bytes = b"") -> None:
        with self._sending:
            channel.write(self._end, kind, body)

    # What the trials of a search share.

    def _settings(self, body: bytes) -> None:
        told = json.loads(body)
        sys.path[:] = told["path"]
        self._threads, self._memory = told["threads"], Memory(told["memory"])

    def _forget(self, _: bytes) -> None:
        """Drop what belonged to another search."""
        self._kit, self._problem = ((), ()), None
        self._spaces.clear()
        self._bodies.clear()
        self._blocks.clear()
        gc.collect()

    def _modules(self, body: bytes) -> None:
        """Load the modules that the user named by their files."""
        with self._noting_problems():
            for name, path in json.loads(body).items():
                if name not in sys.modules:
                    import_file(name, Path(path))

    def _space(self, body: bytes) -> None:
        self._bodies[body[:64].decode()] = body[64:]

    def _space_of(self, digest: str) -> Space:
        found = self._spaces.get(digest)
        if found is None:
            found = self._spaces[digest] = Reader(self._bodies[digest], self._space_of).load()
            del self._bodies[digest]
        return found

    def _map(self, body: bytes) -> None:
        """A block of memory of the driver's, with the data of a search."""
        number, size = json.loads(body)
        descriptor = self._descriptors.get()
        try:
            with self._noting_problems():
                self._blocks[number] = memoryview(mapped_copy(descriptor, size))
        finally:
            os.close(descriptor)

    def _load(self, body: bytes) -> None:
        """The stages and limits of a search."""
        placed, _, body = body.partition(b"\n")
        with self._noting_problems():
            arrays = [self._blocks[number][start : start + size] for number, start, size in json.loads(placed)]
            self._kit = Reader(body, self._space_of, arrays).load()
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_num_threads(self._threads)

    @contextlib.contextmanager
    def _noting_problems(self) -> Generator[None]:
        """What goes wrong inside is kept, as the end of every trial that needs it."""
        try:
            yield
        except BaseException as problem:
            self._problem = self._problem or problem

    # One trial.

    def _job(self, body: bytes) -> None:
        number, attempt = 0, 1
        try:
            header, _, packed = body.partition(b"\n")
            told = json.loads(header)
            number, attempt = told["number"], told["attempt"]
            self._send(b"B")
            if self._problem is None:
                proposal, seed, *rest = Reader(packed, self._space_of).load()
                outcome = self._run(Job(number, proposal, seed, *self._kit, attempt, *rest))
            else:
                outcome = failure(number, attempt, self._problem)
        except BaseException as problem:
            outcome = failure(number, attempt, problem)
        if os.getpid() != self._pid:
            os._exit(0)  # a process that the trial has forked came back from it
        self._deliver(outcome)

    def _run(self, job: Job) -> Outcome:
        memory = self._memory
        with memory.limited():
            outcome = perform(job, self._report)
        if outcome.state == "out_of_memory":
            outcome = replace(outcome, reason=memory.explained(outcome.reason))
        return replace(
            outcome,
            peak_memory=outcome.peak_memory or memory.peak(),
            threads=outcome.threads or self._threads,
        )

    def _report(self, entry: Mapping[str, float]) -> None:
        """Tell the driver that the trial is alive."""
        now = time.monotonic()
        if now - self._said >= BETWEEN_SIGNS and os.getpid() == self._pid:
            self._said = now
            self._send(b"R")

    def _deliver(self, outcome: Outcome) -> None:
        try:
            body = pickle.dumps(_plain(outcome), pickle.HIGHEST_PROTOCOL)
        except Exception as problem:  # a gradient of whatever type the estimator gave
            body = pickle.dumps(failure(outcome.number, outcome.attempt, problem))
        _flush()
        self._send(b"T" if _unfit(outcome) else b"D", body)


def _plain(outcome: Outcome) -> Outcome:
    """The outcome with its gradient, if any, where every process can read it."""
    gradient = outcome.measurement.gradient
    if gradient is None:
        return outcome
    there = {name: tensor.detach().cpu() for name, tensor in gradient.items()}
    return replace(outcome, measurement=replace(outcome.measurement, gradient=there))


def _unfit(outcome: Outcome) -> bool:
    """Whether the process may carry damage from this trial into the next: lack of memory, or an error beside CUDA."""
    if outcome.state != "error":
        return outcome.state == "out_of_memory"
    torch = sys.modules.get("torch")
    return torch is not None and torch.cuda.is_initialized()


def import_file(name: str, path: Path) -> None:
    """Load a module that the user named by its file, under the name that it has where it was loaded first."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise NetwrightError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


# What a trial prints.


class _Forgiving(io.FileIO):
    """A file on which a full disk loses what is printed, rather than the trial that prints it."""

    def write(self, b: Any, /) -> int:
        try:
            return super().write(b) or 0
        except OSError:
            return memoryview(b).nbytes


def _print_to(path: bytes) -> None:
    """Let everything that is printed from now on, also by C code and children, go to this file."""
    try:
        target = open_log(Path(os.fsdecode(path)))
    except OSError:
        target = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(target, stream)
    os.close(target)


def _wrap_streams() -> None:
    for name, stream in (("stdout", 1), ("stderr", 2)):
        buffer = io.BufferedWriter(_Forgiving(stream, "w", closefd=False))
        setattr(sys, name, io.TextIOWrapper(buffer, "utf-8", "backslashreplace", line_buffering=True))


def _flush() -> None:
    """Bring what Python and C still hold to the file."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).fflush(None)
