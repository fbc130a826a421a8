"""Writes trials behind the search's back: as many as have come in share one commit, none counts before it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from netwright.core.warning import warn
from netwright.store import room
from netwright.store.problems import NoRoom
from netwright.store.room import POLL
from netwright.store.rows import ATTEMPT_COLUMNS, COLUMNS, AttemptEnded, Record, Row, Rows, Told

if TYPE_CHECKING:
    import sqlite3

    from netwright.store.rows import Asked
    from netwright.store.store import Store

LONGEST_QUEUE = 20_000
_CHUNK = 256  # rows in one statement; SQLite takes 32,766 values


class TrialWriter:
    """The only way trials get into the store. `committed` counts the records, in order, that are on disk.

    store: that is open for writing.
    run: its number in the database.
    clock: tells the seconds of the epoch.

    A thread of its own takes what has come in and commits it together. After a failure nothing more is written, and
    every call raises that failure.

    On a disk that is full, or nearly so, it pauses: nothing is acknowledged until there is room again, and after ten
    minutes it fails with NoRoom. `wait` then calls `interrupt` again and again, which may raise to end the waiting;
    `paused` says why it pauses. Where there is a `make_room`, which frees what can be spared, it is called there too,
    and the pause is only spoken of where that was not enough. written: how many records are on disk, whether they are
    acknowledged or not. full: whether it pauses because it cannot write at all, not because of the reserve.

    The thread also looks whether the files are still in their places. Where they are not, or writing failed, it calls
    `alarm` once, so that a search that is busy with a long trial hears of it too. problem: what it was.
    """

    def __init__(self, store: Store, run: int, clock: Callable[[], float]) -> None:
        self.committed = 0
        self.written = 0
        self.added = 0
        self.paused = ""
        self.full = False
        self.interrupt: Callable[[], object] = _nothing
        self.make_room: Callable[[], object] | None = None
        self.alarm: Callable[[], object] = _nothing
        self.problem: BaseException | None = None
        self._store = store
        self._run = run
        self._rows = Rows(run)
        self._clock = clock
        self._queue: deque[Record] = deque()
        self._paused_at, self._said, self._tried = 0.0, False, False
        self._wake = threading.Event()
        self._done = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="netwright-writer", daemon=True)
        self._thread.start()

    def add(self, record: Record) -> int:
        """Hand over a record; the number that `committed` must reach before it counts."""
        if self.problem is not None:
            raise self.problem
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
            while self.committed < wanted and self.problem is None:
                self._done.wait(POLL if self.paused else None)
                if self.paused:
                    self.interrupt()
                    if self.make_room is not None:
                        whole = self.written == self.added  # otherwise there may be more to remove in a moment
                        self.make_room()
                        self._tried = self.full or (self.short and whole)
        if self.problem is not None:
            raise self.problem

    def close(self) -> None:
        """Write what is left and end the thread. Raises nothing: `wait` says whether all was written.

        A pause ends too: what there is no room for is not written.
        """
        self._closing.set()
        self._wake.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            while not (self._closing.is_set() and not self._queue):
                if not self._wake.wait(POLL):
                    self._store.require_in_place()
                    continue
                self._wake.clear()
                if self._queue:
                    self._commit()
        except BaseException as problem:  # handed to the thread that searches
            with self._done:
                self.problem = problem
                self._done.notify_all()
            self.alarm()

    def _commit(self) -> None:
        """Write what has come in; while it pauses because of the reserve also what comes in then."""
        self._put()
        while self._pauses(self._store.room.shortage()):
            self._put()
        with self._done:
            self.paused = ""
            self.committed = self.written
            self._done.notify_all()

    def _put(self) -> None:
        records = [self._queue.popleft() for _ in range(len(self._queue))]
        if not records:
            return
        batch = self._batch(records)
        while not self._written(batch):
            pass
        self.written += len(records)

    def _written(self, batch: Batch) -> bool:
        """Write a batch, or pause once where there is no room for it; NoRoom where it must not pause any longer."""
        try:
            self._write(batch)
        except NoRoom:
            self.full = True
            if not self._pauses(self._store.room.full()):
                raise
            return False
        self.full = False
        return True

    @property
    def short(self) -> bool:
        """Whether less is free than is kept in reserve."""
        return bool(self._store.room.shortage())

    def _pauses(self, reason: str) -> bool:
        """Wait for a moment, if there is a reason, unless the writer is being closed; whether it has waited.

        NoRoom where it has waited for long enough.
        """
        if not reason:
            return False
        if not self.paused:
            self._paused_at, self._said, self._tried = time.monotonic(), False, False
            with self._done:
                self.paused = reason
                self._done.notify_all()
        if not self._said and (self._tried or self.make_room is None):
            self._said = True
            warn(reason)
        if time.monotonic() - self._paused_at > room.PATIENCE:
            raise NoRoom(self._store.room.ended(room.PATIENCE))
        self._store.require_in_place()
        return not self._closing.wait(POLL)

    def _batch(self, records: Sequence[Record]) -> Batch:
        attempts = [self._rows.attempt(each) for each in records if isinstance(each, AttemptEnded)]
        last = {_number(each): each for each in records if not isinstance(each, AttemptEnded)}
        rows = [self._rows.row(each) for each in last.values()]  # a trial asked and told at once is one row
        architectures, self._rows.new = self._rows.new, []
        told = max((each.told + 1 for each in last.values() if isinstance(each, Told)), default=0)
        return Batch(architectures, rows, attempts, max(last, default=-1) + 1, told)

    def _write(self, batch: Batch) -> None:
        seconds = float(self._clock())
        with self._store.transaction() as connection:
            _insert(connection, _architectures, batch.architectures)
            _insert(connection, _trials, batch.trials)
            new = _insert(connection, _attempts, batch.attempts)
            self._store.change(
                *(connection, self._run),
                seconds=seconds,
                least_trials=batch.number,
                least_told=batch.told,
                added_attempts=new,
            )


class Batch(NamedTuple):
    """The rows of one commit.

    number, told: how many trials the run has then at least, and has been told of.
    """

    architectures: Sequence[Row]
    trials: Sequence[Row]
    attempts: Sequence[Row]
    number: int
    told: int


def _nothing() -> None:
    pass


def _number(record: Asked | Told) -> int:
    return record.question.number if isinstance(record, Told) else record.number


def _insert(connection: sqlite3.Connection, statement: Callable[[int], str], rows: Sequence[Row]) -> int:
    """Insert the rows with few statements: between two the interpreter may go to another thread for milliseconds.

    How many rows that changed.
    """
    start = changed = 0
    while start < len(rows):
        size = min(_CHUNK, 1 << ((len(rows) - start).bit_length() - 1))
        values = [value for row in rows[start : start + size] for value in row]
        changed += connection.execute(statement(size), values).rowcount
        start += size
    return changed


@cache
def _architectures(count: int) -> str:
    return f"INSERT OR IGNORE INTO architectures VALUES {_places(5, count)}"  # noqa: S608 - constants


@cache
def _attempts(count: int) -> str:
    return f"INSERT OR IGNORE INTO attempts VALUES {_places(len(ATTEMPT_COLUMNS) + 1, count)}"  # noqa: S608 - constants


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
