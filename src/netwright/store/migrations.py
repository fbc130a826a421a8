"""How the tables of an older version become those of the next; each step is one transaction, after a backup.

A step writes the tables of its own time, so its statements stay as they are when the tables change again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from netwright.store.ledger import count, seal
from netwright.store.numbers import digest


def _to_2(connection: sqlite3.Connection) -> None:
    """Attempts, a digest for events, and sealed numbers of rows. Two tables that were never written to go."""
    from netwright.store.schema import ATTEMPTS, CATALOGUE, EVENTS, RUNS, statements

    runs = connection.execute(
        "SELECT id, name, created, ended, state, stopped, seconds, version, space, configuration, digest FROM runs"
    ).fetchall()
    events = connection.execute("SELECT seq, run, time, type, data FROM events ORDER BY seq").fetchall()
    for table in ("runs", "events", "checkpoints", "strategy_state"):
        connection.execute(f"DROP TABLE {table}")
    for statement in statements(RUNS + CATALOGUE + ATTEMPTS + EVENTS):
        connection.execute(statement)
    numbers = {table: _counted(connection, table) for table in ("trials", "documents")}
    told = dict(connection.execute("SELECT run, count(*) FROM trials WHERE told IS NOT NULL GROUP BY run"))
    for run, name, created, *changing, version, space, configuration, found in runs:
        row = (*changing, numbers["trials"].get(run, 0), told.get(run, 0), 0, numbers["documents"].get(run, 0))
        connection.execute(
            f"INSERT INTO runs VALUES ({', '.join('?' * 16)})",  # noqa: S608 - a constant
            (run, name, created, *row, version, space, configuration, found, seal(run, name, row)),
        )
    for seq, event in enumerate(events, start=1):
        values = (seq, *event[1:])
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", (*values, digest(values)))
    count(connection, len(runs), len(events))


def _counted(connection: sqlite3.Connection, table: str) -> dict[int, int]:
    return dict(connection.execute(f"SELECT run, count(*) FROM {table} GROUP BY run"))  # noqa: S608 - constants


MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {1: _to_2}
"""From which version: what brings the file to the next one."""
