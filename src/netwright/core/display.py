"""What Python shows by itself: tables of escaped text in a notebook, and one line that changes while work goes on."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from html import escape
from typing import Any, Protocol, TextIO

from netwright.core.wording import printable

EVERY_TERMINAL = 0.1  # seconds between two states of a line
EVERY_NOTEBOOK = 0.25
EVERY_LINE = 10.0  # where lines stay
TESTING = "PYTEST_CURRENT_TEST"  # is set while a test runs
DRAWS = "drawings.notebook"  # the module of this package that draws what a notebook shows
TICK = 1.0  # seconds after which a line is said anew although nothing was told


def html_table(facts: Iterable[tuple[object, object]]) -> str:
    """Names and values, one row each, as HTML."""
    rows = "".join(f"<tr><th>{escape(str(name))}</th><td>{escape(str(value))}</td></tr>" for name, value in facts)
    return f"<table>{rows}</table>"


def html_columns(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A table with a head as HTML."""
    first = "".join(f"<th>{escape(str(each))}</th>" for each in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(each))}</td>" for each in row) + "</tr>" for row in rows)
    return f"<table><tr>{first}</tr>{body}</table>"


def html_lines(lines: Iterable[str]) -> str:
    """Plain lines as HTML, with their spaces."""
    return f"<pre>{escape(chr(10).join(map(printable, lines)))}</pre>"


def drawn(architecture: object) -> str:
    """An architecture as a drawing in HTML; empty where there is none of it.

    What draws is looked up by its name when somebody looks, so that nothing here knows it (decision 0050). A notebook
    shows the table beside it whatever happens here.
    """
    try:
        return importlib.import_module(f"{__name__.partition('.')[0]}.{DRAWS}").architecture(architecture)
    except Exception:
        return ""


class Place(Protocol):
    """Somewhere that a line can be shown.

    every: seconds that it should stay at least.
    """

    every: float

    def show(self, line: str) -> None:
        """Show this line in place of the last one."""
        ...

    def end(self, lines: Sequence[str]) -> None:
        """Leave the last line as it is, and say further ones below it."""
        ...


def place_of_progress(wanted: bool | None = None) -> Place | None:
    """Where progress is shown: in a notebook, or on the terminal of standard error.

    wanted: None shows it there alone, and not in worker processes or tests; True shows it wherever this is, with lines
        that stay where none can change; False shows nothing.
    """
    if wanted is False or (wanted is None and _unwatched()):
        return None
    shell = notebook()
    if shell is not None:
        return Notebook()
    if sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return Terminal(sys.stderr)
    return Lines(sys.stderr) if wanted and sys.stderr is not None else None


def _unwatched() -> bool:
    return multiprocessing.parent_process() is not None or TESTING in os.environ


def notebook() -> Any:
    """The shell of the notebook that this runs in; None elsewhere. Nothing is imported for it."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell if getattr(shell, "kernel", None) is not None else None


class Terminal:
    """The line that the cursor is in. A line is cut where the terminal ends."""

    every = EVERY_TERMINAL

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = 0

    def show(self, line: str) -> None:
        line = printable(line)[: self._columns() - 1]
        self._write(f"\r{line}{' ' * (self._shown - len(line))}")
        self._shown = len(line)

    def end(self, lines: Sequence[str]) -> None:
        self._write("".join(f"\n{printable(line)}" for line in lines) + "\n")

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


class Lines:
    """A stream in which no line can change."""

    every = EVERY_LINE

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, line: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        print(printable(line).encode(encoding, "replace").decode(encoding), file=self._stream, flush=True)

    def end(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.show(line)


class Notebook:
    """An output of the cell that runs."""

    every = EVERY_NOTEBOOK

    def __init__(self) -> None:
        self._display: Any = importlib.import_module("IPython.display").display  # loaded already where this is used
        self._shown: Any = None

    def show(self, line: str) -> None:
        if self._shown is None:
            self._shown = self._display({"text/plain": line}, raw=True, display_id=True)
        else:
            self._shown.update({"text/plain": line}, raw=True)

    def end(self, lines: Sequence[str]) -> None:
        if lines:
            self._display({"text/plain": "\n".join(lines)}, raw=True)


class ChangingLine:
    """One line about work that goes on. As a context, it is said anew each second, too.

    line: says how far the work is; empty before there is anything to say.
    """

    def __init__(self, place: Place, line: Callable[[], str]) -> None:
        self._place, self._line = place, line
        self._said = ""
        self._moment = -place.every
        self._last: list[str] = []
        self._turn = threading.Lock()
        self._ended = threading.Event()
        self._ticking = threading.Thread(target=self._tick, name="netwright-progress", daemon=True)

    def __enter__(self) -> ChangingLine:
        self._ticking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._ticking.join()
        self.show(now=True)
        if self._said or self._last:
            with suppress(Exception):
                self._place.end(self._last)

    def show(self, *, now: bool = False) -> None:
        """Say how far the work is, unless that was said a moment ago."""
        with self._turn:
            moment = time.monotonic()
            if not now and moment - self._moment < self._place.every:
                return
            line = self._line()
            if line and line != self._said:
                self._said, self._moment = line, moment
                with suppress(Exception):  # whoever watched has gone; the work goes on
                    self._place.show(line)

    def add(self, *lines: str) -> None:
        """Lines to say at the end."""
        self._last += lines

    def _tick(self) -> None:
        while not self._ended.wait(TICK):
            self.show()
