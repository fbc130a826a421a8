"""How many rows the tables must hold: sealed numbers find a row that is missing, as digests find a changed one."""

from __future__ import annotations

import sqlite3
from typing import Any

from netwright.store.numbers import digest

CHANGING = ("ended", "state", "stopped", "seconds", "trials", "told", "attempts", "documents")
_SELECT = f"SELECT id, name, {', '.join(CHANGING)} FROM runs WHERE id = ?"  # noqa: S608 - constants
_UPDATE = f"UPDATE runs SET {', '.join(f'{name} = ?' for name in CHANGING)}, seal = ? WHERE id = ?"  # noqa: S608


def seal(run: int, name: str, values: tuple[Any, ...]) -> str:
    """The digest of what changes of a run; `values` are in the order of CHANGING."""
    return digest((run, name, *values))


def change(connection: sqlite3.Connection, run: int, **changes: Any) -> None:
    """Set what changes of a run, inside a transaction. `added_...` adds to a number, `least_...` never lowers one."""
    number, name, *before = connection.execute(_SELECT, (run,)).fetchone()
    values: dict[str, Any] = dict(zip(CHANGING, before, strict=True))
    for key, value in changes.items():
        kind, _, column = key.partition("_")
        if kind == "added":
            values[column] += value
        elif kind == "least":
            values[column] = max(values[column], value)
        else:
            values[key] = value
    row = tuple(values.values())
    connection.execute(_UPDATE, (*row, seal(number, name, row), number))


def catalogue(connection: sqlite3.Connection) -> tuple[int, int] | None:
    """How many runs and events there must be; None where that was changed or is missing."""
    found = connection.execute("SELECT runs, events, digest FROM catalogue WHERE one = 1").fetchone()
    if found is None or digest(found[:2]) != found[2]:
        return None
    return found[:2]


def count(connection: sqlite3.Connection, runs: int, events: int) -> None:
    """Set how many runs and events there must be."""
    values = (runs, events)
    connection.execute("INSERT OR REPLACE INTO catalogue VALUES (1, ?, ?, ?)", (*values, digest(values)))
