"""Reads a run's trials as rows of plain columns, as few as are asked for: for pictures of very many trials.

Digests are not checked here, because that takes the whole of each row, with curves and tracebacks; `Store.read_run` and
`netwright db` do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from netwright.store.rows import ATTEMPT_COLUMNS, COLUMNS

_AT_ONCE = 500  # places in one statement
_RATHER_ALL = 5000  # architectures, from which one pass over the table is quicker than a search for each
_ARCHITECTURE = ("digest", "json", "text")


def trials(connection: sqlite3.Connection, run: int, names: Sequence[str], told: int, number: int) -> list[Any]:
    """These columns of the trials told as number `told` or later, and of those from `number` on."""
    chosen = ", ".join(_known(names, COLUMNS))
    return connection.execute(
        f"SELECT {chosen} FROM trials WHERE run = ?1 AND number >= ?2 "  # noqa: S608 - known names
        f"UNION ALL SELECT {chosen} FROM trials WHERE run = ?1 AND told >= ?3 AND +number < ?2",
        (run, number, told),
    ).fetchall()


def of_trials(connection: sqlite3.Connection, run: int, names: Sequence[str], numbers: Iterable[int]) -> list[Any]:
    """These columns of the trials of these numbers, by number."""
    chosen, wanted = ", ".join(_known(names, COLUMNS)), sorted(set(numbers))
    found: list[Any] = []
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        found += connection.execute(
            f"SELECT {chosen} FROM trials WHERE run = ? AND number IN ({_places(some)}) ORDER BY number",  # noqa: S608
            (run, *some),
        ).fetchall()
    return found


def attempts(connection: sqlite3.Connection, run: int, names: Sequence[str]) -> list[Any]:
    """These columns of all attempts that have ended, by trial and attempt."""
    chosen = ", ".join(_known(names, ATTEMPT_COLUMNS))
    statement = f"SELECT {chosen} FROM attempts WHERE run = ? ORDER BY trial, attempt"  # noqa: S608 - known names
    return connection.execute(statement, (run,)).fetchall()


def architectures(connection: sqlite3.Connection, digests: Iterable[str]) -> list[Any]:
    """Digest, JSON and text of the architectures of these digests."""
    wanted = list(digests)
    found: list[Any] = []
    if len(wanted) > _RATHER_ALL:
        asked = set(wanted)
        rows = connection.execute(f"SELECT {', '.join(_ARCHITECTURE)} FROM architectures")  # noqa: S608 - constants
        return [row for row in rows if row[0] in asked]
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        statement = f"SELECT {', '.join(_ARCHITECTURE)} FROM architectures WHERE digest IN ({_places(some)})"  # noqa: S608
        found += connection.execute(statement, some).fetchall()
    return found


def _known(names: Sequence[str], columns: Sequence[str]) -> Sequence[str]:
    assert set(names) <= set(columns), names
    return names


def _places(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
