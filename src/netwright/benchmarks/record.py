"""The file of a comparison: its plan and, a row each, the searches that are done. SQLite; nothing in it can run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np

from netwright.benchmarks.cells import COLUMNS, Cell, Place
from netwright.core.errors import CorruptStore, UserError
from netwright.core.inside import refuse_link
from netwright.store.journal import roll_back
from netwright.store.lock import DriverLock

FILE = "comparison.db"
_APPLICATION = 0x6E776370  # "nwcp"
_VERSION = 2  # of what is in the file; 1 did not know what each evaluation counts as
_SCHEMA = """
create table if not exists facts (key text primary key, value text not null) without rowid;
create table if not exists cells (
    strategy text not null, problem text not null, repeat integer not null,
    numbers blob not null, architectures blob not null,
    stopped text not null, reason text not null, seconds real not null,
    primary key (strategy, problem, repeat)
);
"""


class Record:
    """What a comparison has found so far. A search that was added is on disk when `add` returns.

    folder: None keeps it in memory.

    Raises Busy where another process writes to it, UserError where there is nothing to read, and CorruptStore for a
    file that is damaged or another program's.
    """

    def __init__(self, folder: Path | None, *, writable: bool = True) -> None:
        self.folder = folder
        self._lock: DriverLock | None = None
        if folder is not None and writable:
            folder.mkdir(parents=True, exist_ok=True)
            for ending in ("", "-journal", "-wal", "-shm"):
                refuse_link(folder / f"{FILE}{ending}")
            self._lock = DriverLock(folder)
        elif folder is not None and not (folder / FILE).is_file():
            raise UserError(f"there is no comparison in {folder}: {FILE} is missing")
        try:
            self._connection = self._opened(writable)
        except BaseException:
            self._release()
            raise

    def _opened(self, writable: bool) -> sqlite3.Connection:
        path = None if self.folder is None else self.folder / FILE
        if path is None:
            connection = sqlite3.connect(":memory:", isolation_level=None)
        elif writable:
            connection = sqlite3.connect(path, isolation_level=None)
        else:
            roll_back(path)
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            if writable:
                _prepare(connection)
            if connection.execute("pragma application_id").fetchone()[0] != _APPLICATION:
                raise CorruptStore(f"{path} is not the file of a comparison")
            version = connection.execute("pragma user_version").fetchone()[0] or 1
            if version != _VERSION:
                raise CorruptStore(
                    f"{path} is a comparison of version {version}; expected version {_VERSION}. "
                    "Compare again, in another folder"
                )
        except sqlite3.DatabaseError as problem:
            connection.close()
            raise CorruptStore(f"{path} cannot be read as a comparison: {problem}") from problem
        except BaseException:
            connection.close()
            raise
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    # Facts: the plan and what else belongs to the whole.

    def fact(self, key: str) -> Any:
        """JSON that was kept; None where nothing was."""
        found = self._connection.execute("select value from facts where key = ?", (key,)).fetchone()
        return None if found is None else json.loads(found[0])

    def keep(self, key: str, value: Any) -> None:
        self._connection.execute("insert or replace into facts values (?, ?)", (key, json.dumps(value)))

    # Cells.

    def add(self, cells: Iterable[Cell]) -> None:
        """Write searches down, in one transaction; one that failed earlier is replaced."""
        rows = [
            (
                *(*_key(each.place), each.numbers.astype("<f8").tobytes(), each.packed),
                *(each.stopped, each.reason, each.seconds),
            )
            for each in cells
        ]
        with self._connection:  # commits, or rolls back where something is raised
            self._connection.execute("begin immediate")
            self._connection.executemany("insert or replace into cells values (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def done(self) -> set[Place]:
        """The searches that need not be run again: all but the failed ones."""
        query = "select strategy, problem, repeat from cells where reason = ''"
        return {Place(*row) for row in self._connection.execute(query)}

    def cells(self, objectives: int = 0) -> Iterator[Cell]:
        """Every search that ended, failed ones too. objectives: how many each has a value of; 0 for a single one."""
        columns = "strategy, problem, repeat, numbers, architectures, stopped, reason, seconds"
        for row in self._connection.execute(f"select {columns} from cells order by repeat"):  # noqa: S608
            yield Cell(Place(*row[:3]), _numbers(row[3], objectives), *row[4:])


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables in a new file; leave any other program's file alone."""
    empty = not connection.execute("select count(*) from sqlite_master").fetchone()[0]
    if empty:
        connection.execute(f"pragma application_id = {_APPLICATION}")
        connection.execute(f"pragma user_version = {_VERSION}")
    if connection.execute("pragma application_id").fetchone()[0] == _APPLICATION:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.executescript(_SCHEMA)


def _key(place: Place) -> tuple[str, str, int]:
    return place.strategy, place.problem, place.repeat


def _numbers(blob: bytes, objectives: int) -> np.ndarray:
    return np.frombuffer(blob, dtype="<f8").reshape(-1, len(COLUMNS) + objectives)
