"""How the tables of an older version become those of the next; each step is one transaction, after a backup.

A step writes the tables of its own time: its statements are its own, and stay as they are when the tables change again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from netwright.store.numbers import digest

_VERSION_2 = (
    """CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created TEXT NOT NULL,                          -- UTC, ISO 8601; every time below too
  ended TEXT,
  state TEXT NOT NULL,                            -- running, finished, interrupted, failed
  stopped TEXT NOT NULL,                          -- why, in one line
  seconds REAL NOT NULL,                          -- driven so far, over all sessions
  trials INTEGER NOT NULL,                        -- how many rows of this run the table of trials must hold,
  told INTEGER NOT NULL,                          -- how many of them have ended,
  attempts INTEGER NOT NULL,                      -- and how many rows the tables of attempts
  documents INTEGER NOT NULL,                     -- and documents must hold
  version TEXT NOT NULL,                          -- of netwright, when it was made
  space TEXT NOT NULL,
  configuration TEXT NOT NULL,                    -- JSON
  digest TEXT NOT NULL,                           -- SHA-256 of what never changes
  seal TEXT NOT NULL                              -- SHA-256 of what does
) STRICT""",
    """CREATE TABLE catalogue (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  runs INTEGER NOT NULL,                          -- how many rows the table of runs must hold
  events INTEGER NOT NULL,                        -- and that of events
  digest TEXT NOT NULL
) STRICT""",
    """CREATE TABLE attempts (
  run INTEGER NOT NULL REFERENCES runs(id),
  trial INTEGER NOT NULL,
  attempt INTEGER NOT NULL,                       -- 1, 2, ...: a trial that a worker lost is begun again
  state TEXT NOT NULL,                            -- how it ended, as in trials
  place TEXT NOT NULL,                            -- the worker or node on which it ran
  reason TEXT NOT NULL,
  log TEXT NOT NULL,                              -- the end of what it printed
  seconds REAL NOT NULL,
  threads INTEGER,
  peak_memory INTEGER,                            -- bytes
  started TEXT NOT NULL,
  ended TEXT NOT NULL,
  digest TEXT NOT NULL,                           -- SHA-256 of the columns before it
  PRIMARY KEY (run, trial, attempt)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,          -- 1, 2, 3, ... without gaps
  run INTEGER REFERENCES runs(id),
  time TEXT NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL,                             -- JSON
  digest TEXT NOT NULL
) STRICT""",
    "CREATE TRIGGER events_never_change BEFORE UPDATE ON events "
    "BEGIN SELECT RAISE(ABORT, 'events are never changed'); END",
    "CREATE TRIGGER events_never_go BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END",
)


def _to_2(connection: sqlite3.Connection) -> None:
    """Attempts, a digest for events, and sealed numbers of rows. Two tables that were never written to go."""
    runs = connection.execute(
        "SELECT id, name, created, ended, state, stopped, seconds, version, space, configuration, digest FROM runs"
    ).fetchall()
    events = connection.execute("SELECT seq, run, time, type, data FROM events ORDER BY seq").fetchall()
    for table in ("runs", "events", "checkpoints", "strategy_state"):
        connection.execute(f"DROP TABLE {table}")
    for statement in _VERSION_2:
        connection.execute(statement)
    numbers = {table: _counted(connection, table) for table in ("trials", "documents")}
    told = dict(connection.execute("SELECT run, count(*) FROM trials WHERE told IS NOT NULL GROUP BY run"))
    for run, name, created, *changing, version, space, configuration, found in runs:
        row = (*changing, numbers["trials"].get(run, 0), told.get(run, 0), 0, numbers["documents"].get(run, 0))
        connection.execute(
            f"INSERT INTO runs VALUES ({', '.join('?' * 16)})",  # noqa: S608 - a constant
            (run, name, created, *row, version, space, configuration, found, digest((run, name, *row))),
        )
    for seq, event in enumerate(events, start=1):
        values = (seq, *event[1:])
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", (*values, digest(values)))
    values = (len(runs), len(events))
    connection.execute("INSERT INTO catalogue VALUES (1, ?, ?, ?)", (*values, digest(values)))


def _counted(connection: sqlite3.Connection, table: str) -> dict[int, int]:
    return dict(connection.execute(f"SELECT run, count(*) FROM {table} GROUP BY run"))  # noqa: S608 - constants


MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {1: _to_2}
"""From which version: what brings the file to the next one."""
