"""The tables, in one place, and how an older file becomes a newer one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from netwright.core.errors import CorruptStore, UserError

APPLICATION = 0x6E657477  # "netw" in ASCII
VERSION = 1

TABLES = """
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created TEXT NOT NULL,                          -- UTC, ISO 8601; every time below too
  ended TEXT,
  state TEXT NOT NULL DEFAULT 'running',          -- running, finished, interrupted, failed
  stopped TEXT NOT NULL DEFAULT '',               -- why, in one line
  seconds REAL NOT NULL DEFAULT 0,                -- driven so far, over all sessions
  version TEXT NOT NULL,                          -- of netwright, when it was made
  space TEXT NOT NULL,
  configuration TEXT NOT NULL,                    -- JSON
  digest TEXT NOT NULL                            -- SHA-256 of what never changes
) STRICT;

CREATE TABLE architectures (
  digest TEXT PRIMARY KEY,                        -- SHA-256 of json
  space TEXT NOT NULL,
  json TEXT NOT NULL,
  text TEXT NOT NULL,                             -- as people read it
  seal TEXT NOT NULL                              -- SHA-256 of the columns before it
) STRICT, WITHOUT ROWID;

-- A run is a log: trial n was asked after `asked` trials had been told, and was itself told as number `told`.
CREATE TABLE trials (
  run INTEGER NOT NULL REFERENCES runs(id),
  number INTEGER NOT NULL,
  asked INTEGER NOT NULL,
  told INTEGER,                                   -- NULL while it runs
  attempt INTEGER NOT NULL,
  state TEXT NOT NULL,                            -- running, or one of the ends of a trial
  purpose TEXT NOT NULL,
  fidelity REAL,
  parent INTEGER,
  architecture TEXT REFERENCES architectures(digest),
  mixture TEXT,                                   -- JSON, where the candidate is no architecture
  metrics TEXT NOT NULL,                          -- JSON object
  curve TEXT NOT NULL,                            -- JSON array of objects
  gradient TEXT,                                  -- JSON
  scores TEXT NOT NULL,                           -- JSON array, oriented so that larger is better
  seconds REAL NOT NULL,
  device TEXT NOT NULL,
  reason TEXT NOT NULL,
  traceback TEXT NOT NULL,
  started TEXT NOT NULL,
  ended TEXT,
  digest TEXT NOT NULL,                           -- SHA-256 of the columns before it
  PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX trials_in_order_told ON trials(run, told) WHERE told IS NOT NULL;

CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  run INTEGER REFERENCES runs(id),
  time TEXT NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL                              -- JSON
) STRICT;
CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_never_go BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;

CREATE TABLE documents (
  run INTEGER NOT NULL REFERENCES runs(id),
  key TEXT NOT NULL,
  json TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs(id),
  trial INTEGER NOT NULL,
  step INTEGER NOT NULL,
  path TEXT NOT NULL UNIQUE,                      -- relative to the project's directory
  state TEXT NOT NULL CHECK (state IN ('writing', 'ready', 'deleted')),
  bytes INTEGER,
  sha256 TEXT
) STRICT;

CREATE TABLE strategy_state (
  run INTEGER PRIMARY KEY REFERENCES runs(id),
  version INTEGER NOT NULL,
  told INTEGER NOT NULL,                          -- the state after so many trials had been told
  json TEXT NOT NULL,
  digest TEXT NOT NULL
) STRICT;
"""

MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {}
"""From which version: what brings the file to the next one. Each runs in one transaction, after a backup."""


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database."""
    connection.executescript(
        f"BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
    )


def check(connection: sqlite3.Connection, path: object) -> int:
    """The file's version of the tables; CorruptStore for another program's file, UserError for a newer one."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        raise CorruptStore(
            f"{path} is a database of another program (application id {application:#x}, expected {APPLICATION:#x}); "
            "choose another directory"
        )
    if version > VERSION:
        raise UserError(
            f"{path} was written by a newer netwright (tables version {version}; this one reads up to {VERSION}); "
            "upgrade with: pip install --upgrade netwright"
        )
    return int(version)


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring older tables to this version, one step at a time."""
    for step in range(version, VERSION):
        connection.execute("BEGIN IMMEDIATE")
        try:
            MIGRATIONS[step](connection)
            connection.execute(f"PRAGMA user_version = {step + 1}")
        except BaseException:
            connection.rollback()
            raise
        connection.commit()
