"""How much was acknowledged, in a small file beside the database: what tells when the log was cut or deleted.

SQLite takes a database without its log, or with a part of it, for one of an earlier moment, and says nothing. The
numbers here are written after each commit, so that they are never ahead of it: what is more than there is, is lost.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

from netwright.store.ledger import catalogue
from netwright.store.numbers import digest

NAME = "netwright.tally"
_LENGTH = 256  # bytes; written in one go, well below a sector of a disk


class Counts(NamedTuple):
    """How many runs and events there are, and what the run that was changed last has.

    only_of: the digest of its settings, which no other run has.
    """

    runs: int
    events: int
    run: int = 0
    only_of: str = ""
    trials: int = 0
    told: int = 0
    attempts: int = 0
    documents: int = 0


class Tally:
    """Writes the numbers of one project. The file is made when there is something to count."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME
        self._file: int | None = None
        self._last: Counts | None = None

    def note(self, counts: Counts) -> None:
        """Write the numbers down, after they were committed."""
        if counts == self._last or not counts.runs:
            return
        if self._file is None:
            self._file = _opened(self._path)
        os.pwrite(self._file, _text(counts), 0)
        self._last = counts

    def close(self) -> None:
        """Bring the numbers to the disk, so that they survive a loss of power too."""
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, flags, 0o600)


def _text(counts: Counts) -> bytes:
    fields = " ".join(map(str, counts))
    return f"{fields} {digest(tuple(counts))}".ljust(_LENGTH - 1).encode() + b"\n"


def read(directory: Path) -> Counts | None:
    """The numbers as they were written last; None where there are none, or they were changed."""
    try:
        fields = (directory / NAME).read_text().split()
        runs, events, run, trials, told, attempts, documents = (int(each) for each in (*fields[:3], *fields[4:8]))
        counts = Counts(runs, events, run, fields[3], trials, told, attempts, documents)
    except (OSError, ValueError, IndexError, TypeError):
        return None
    return counts if fields[8:] == [digest(tuple(counts))] else None


def current(connection: sqlite3.Connection, run: int) -> Counts | None:
    """The numbers that the database holds, of this run; of none where it has no such run. None where it is damaged."""
    totals = catalogue(connection)
    if totals is None:
        return None
    row = connection.execute(
        "SELECT id, digest, trials, told, attempts, documents FROM runs WHERE id = ?", (run,)
    ).fetchone()
    return Counts(*totals) if row is None else Counts(*totals, *row)


def missing(connection: sqlite3.Connection, directory: Path) -> str:
    """What was acknowledged and is not there any more, in one line; empty where all is.

    A backup that was put in the database's place has no log, and is the truth from then on. Not while the project is
    driven, because the numbers change then.
    """
    noted = read(directory)
    if noted is None or connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        return ""
    there = current(connection, noted.run)
    if there is None or (there.only_of and there.only_of != noted.only_of):
        return ""  # the numbers are those of another database
    names = ("runs", "events", "trials", "told", "attempts", "documents")
    fewer = {name: max(0, getattr(noted, name) - getattr(there, name)) for name in names}
    lost = [f"{count} {name}" for name, count in fewer.items() if count and name != "told"]
    ended = fewer["told"] - fewer["trials"]
    lost += [f"the ends of {ended} trials"] if ended > 0 else []
    if not lost:
        return ""
    row = connection.execute("SELECT name FROM runs WHERE id = ?", (noted.run,)).fetchone()
    of = f" (of run {row[0]!r})" if row else ""
    return f"its log was cut, deleted or replaced: {', '.join(lost)} that had been acknowledged are gone{of}"
