"""The process that drives a search: its signals, and its garbage collector."""

from __future__ import annotations

import errno
import gc
import math
import os
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from netwright.engine.run import Run

KEPT = "search.run(..., store='netwright-runs')"


class Interrupted(KeyboardInterrupt):
    """The search was interrupted. What had finished is in `run`, and in its store, from which it can be resumed.

    exit_code: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP. again: whether a second signal came while trials were
    being ended.
    """

    def __init__(self, run: Run, signal_number: int, *, again: bool = False) -> None:
        kept = f"go on with: {run.further}" if run.further else f"it had no store to be resumed from; give one: {KEPT}"
        super().__init__(f"the search was interrupted after {len(run.trials)} trials; {kept}")
        self.run = run
        self.exit_code = 128 + signal_number
        self.again = again


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP, inside `interruptible`. exit_code: 143, or 129 where the terminal hung up."""

    def __init__(self, reason: str = "terminated", number: int = signal.SIGTERM) -> None:
        super().__init__(reason)
        self.exit_code = 128 + number


def signal_of(stop: BaseException) -> int:
    """The signal that this KeyboardInterrupt stands for."""
    return int(getattr(stop, "exit_code", 128 + signal.SIGINT)) - 128


def interruption(problem: BaseException) -> KeyboardInterrupt | None:
    """The KeyboardInterrupt that was raised where this problem comes from; None where it has another reason.

    One that is raised while a class is being made, as an import may do at any moment, is passed on as a RuntimeError.
    """
    found: BaseException | None = problem
    while found is not None and not isinstance(found, KeyboardInterrupt):
        found = found.__cause__ or found.__context__
    return found


AGAIN = 0.02
"""Seconds after which a signal is raised again that came where nothing can be raised."""


def _terminate(number: int, frame: FrameType | None) -> None:
    _leave_terminal()
    if _is_swallowed(frame):
        threading.Timer(AGAIN, os.kill, (os.getpid(), number)).start()
        return
    raise Terminated("terminated" if number == signal.SIGTERM else "the terminal hung up", number)


def _is_swallowed(frame: FrameType | None) -> bool:
    """Whether Python would only print what is raised here: in a finaliser, or as a weak reference is removed."""
    while frame is not None:
        if frame.f_code.co_name in ("__del__", "_remove"):
            return True
        frame = frame.f_back
    return False


def _leave_terminal() -> None:
    """Let what is still printed go nowhere where the terminal is gone, rather than raise errors on the way out."""
    for stream in (1, 2):
        try:
            os.write(stream, b"")
        except OSError as problem:
            if problem.errno == errno.EIO:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream)
                os.close(nowhere)


_ENDINGS = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


@contextmanager
def interruptible() -> Generator[None]:
    """Inside, SIGTERM and SIGHUP raise `Terminated`, as Ctrl-C raises KeyboardInterrupt; searches raise `Interrupted`.

    Only the main thread can be interrupted, and a handler that the user has set is left alone, as is what `nohup` does.
    """
    here = threading.current_thread() is threading.main_thread()
    free = [number for number in _ENDINGS if here and signal.getsignal(number) is signal.SIG_DFL]
    before = {number: signal.signal(number, _terminate) for number in free}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_USUAL = (
    (signal.SIGINT, (signal.default_int_handler,)),
    *((number, (signal.SIG_DFL, _terminate)) for number in _ENDINGS),
)


class Signals:
    """While entered, the first signal raises KeyboardInterrupt where `waiting` is true, or is kept in `pending`.

    A second signal acts as it would without us. Only the main thread can be interrupted, and handlers that the user
    has set are left alone.
    """

    def __init__(self) -> None:
        self.waiting = False
        self.pending = 0
        self.received = 0
        self.alarmed = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number, usual in _USUAL:
                if signal.getsignal(number) in usual:
                    self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self.received = number
        _leave_terminal()
        self.__exit__()
        if self.waiting:
            raise KeyboardInterrupt
        self.pending = number

    def alarm(self) -> None:
        """From another thread: interrupt what the main thread does, as a first Ctrl-C would. `alarmed` tells of it."""
        main = threading.main_thread().ident
        if main is not None and signal.SIGINT in self._before:
            self.alarmed = True
            signal.pthread_kill(main, signal.SIGINT)

    def check(self) -> None:
        """Raise the KeyboardInterrupt that was kept."""
        if self.pending:
            self.pending = 0
            raise KeyboardInterrupt


SHARE = 0.01  # of the time, for full collections
_FIRST = 10.0  # seconds before the first
_NEVER = 1_000_000  # collections of the middle generation before a full one
_QUICK = 0.1  # seconds from one look to the next, at most
_OFTEN = 20  # quick trials in a row, after which they wait

_lock = threading.Lock()
_searches = 0  # that let full collections wait
_before = (0, 0, 0)


class FullCollections:
    """While trials are quick, full collections happen in `look` only; those of young objects go on as ever.

    Several searches may be in it at once, in threads or one inside another. Where the user has turned the collector
    off, it stays off.
    """

    def __init__(self) -> None:
        self._due = time.perf_counter() + _FIRST
        self._looked, self._quick = -math.inf, 0
        self._waiting = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._go_on()

    def look(self) -> None:
        """Collect if it is time to; to be called between trials."""
        began = time.perf_counter()
        if began - self._looked > _QUICK:
            self._quick = 0
            self._go_on()
        elif not self._waiting:
            self._quick += 1
            if self._quick >= _OFTEN:
                self._wait()
        self._looked = began
        if began >= self._due and gc.isenabled() and gc.get_threshold()[0]:  # 0 turns it off too
            gc.collect()
            ended = self._looked = time.perf_counter()
            self._due = ended + (ended - began) / SHARE

    def _wait(self) -> None:
        """Python's own full collections wait while any search wants them to."""
        global _searches, _before
        with _lock:
            if not _searches:
                _before = gc.get_threshold()
                gc.set_threshold(*_before[:2], _NEVER)
            _searches += 1
            self._waiting = True

    def _go_on(self) -> None:
        global _searches
        if not self._waiting:
            return
        with _lock:
            self._waiting = False
            _searches -= 1
            if not _searches:
                gc.set_threshold(*_before)
