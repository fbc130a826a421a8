"""Writes trials behind the search's back: as many as have come in share one commit, none counts before it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from netwright.store.rows import COLUMNS, Asked, Row, Rows, Told

if TYPE_CHECKING:
    import sqlite3

    from netwright.store.store import Store

LONGEST_QUEUE = 20_000
_CHUNK = 256  # rows in one statement; SQLite takes 32,766 values


class TrialWriter:
    """The only way trials get into the store. `committed` counts the records, in order, that are on disk.

    A thread of its own takes what has come in and commits it together. After a failure nothing more is written, and
    every call raises that failure.
    """

    def __init__(self, store: Store, run: int, clock: Callable[[], float]) -> None:
        self.committed = 0
        self.added = 0
        self._store = store
        self._run = run
        self._rows = Rows(run)
        self._clock = clock
        self._queue: deque[Asked | Told] = deque()
        self._wake = threading.Event()
        self._done = threading.Condition()
        self._closing = False
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="netwright-writer", daemon=True)
        self._thread.start()

    def add(self, record: Asked | Told) -> int:
        """Hand over a record; the number that `committed` must reach before it counts."""
        if self._problem is not None:
            raise self._problem
        self._queue.append(record)
        self.added += 1
        if not self._wake.is_set():
            self._wake.set()
        if self.added - self.committed > LONGEST_QUEUE:
            self.wait(self.added - LONGEST_QUEUE // 2)
        return self.added

    def wait(self, count: int | None = None) -> None:
        """Return when the first `count` records, or all, are on disk."""
        wanted = self.added if count is None else count
        with self._done:
            while self.committed < wanted and self._problem is None:
                self._done.wait()
        if self._problem is not None:
            raise self._problem

    def close(self) -> None:
        """Write what is left and end the thread. Raises nothing: `wait` says whether all was written."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            while not (self._closing and not self._queue):
                self._wake.wait()
                self._wake.clear()
                records = [self._queue.popleft() for _ in range(len(self._queue))]
                if records:
                    self._commit(records)
        except BaseException as problem:  # handed to the thread that searches
            with self._done:
                self._problem = problem
                self._done.notify_all()

    def _commit(self, records: Sequence[Asked | Told]) -> None:
        last = {_number(record): record for record in records}  # a trial asked and told at once is one row
        rows = [self._rows.row(record) for record in last.values()]
        architectures, self._rows.new = self._rows.new, []
        seconds = self._clock()
        with self._store.transaction() as connection:
            _insert(connection, _architectures, architectures)
            _insert(connection, _trials, rows)
            connection.execute("UPDATE runs SET seconds = ? WHERE id = ?", (seconds, self._run))
        with self._done:
            self.committed += len(records)
            self._done.notify_all()


def _number(record: Asked | Told) -> int:
    return record.question.number if isinstance(record, Told) else record.number


def _insert(connection: sqlite3.Connection, statement: Callable[[int], str], rows: Sequence[Row]) -> None:
    """Insert the rows with few statements: between two the interpreter may go to another thread for milliseconds."""
    start = 0
    while start < len(rows):
        size = min(_CHUNK, 1 << ((len(rows) - start).bit_length() - 1))
        values = [value for row in rows[start : start + size] for value in row]
        connection.execute(statement(size), values)
        start += size


@cache
def _architectures(count: int) -> str:
    return f"INSERT OR IGNORE INTO architectures VALUES {_places(5, count)}"  # noqa: S608 - constants


@cache
def _trials(count: int) -> str:
    names = (*COLUMNS, "digest")
    changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in ("run", "number"))
    return (
        f"INSERT INTO trials ({', '.join(names)}) VALUES {_places(len(names), count)} "  # noqa: S608 - constants
        f"ON CONFLICT (run, number) DO UPDATE SET {changed} WHERE trials.told IS NULL"
    )


def _places(columns: int, count: int) -> str:
    return ", ".join([f"({', '.join('?' * columns)})"] * count)
