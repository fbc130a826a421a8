"""The tables, in one place, and how an older file becomes a newer one."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from netwright.core.errors import CorruptStore, UserError
from netwright.store.ledger import count
from netwright.store.migrations import MIGRATIONS
from netwright.store.problems import corrupt

APPLICATION = 0x6E657477  # "netw" in ASCII
VERSION = 2

RUNS = """
CREATE TABLE runs (
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
) STRICT;
"""

CATALOGUE = """
CREATE TABLE catalogue (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  runs INTEGER NOT NULL,                          -- how many rows the table of runs must hold
  events INTEGER NOT NULL,                        -- and that of events
  digest TEXT NOT NULL
) STRICT;
"""

EVENTS = """
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,          -- 1, 2, 3, ... without gaps
  run INTEGER REFERENCES runs(id),
  time TEXT NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL,                             -- JSON
  digest TEXT NOT NULL
) STRICT;
CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_never_go BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
"""

ATTEMPTS = """
CREATE TABLE attempts (
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
) STRICT, WITHOUT ROWID;
"""

TRIALS = """
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
"""

DOCUMENTS = """
CREATE TABLE documents (
  run INTEGER NOT NULL REFERENCES runs(id),
  key TEXT NOT NULL,
  json TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;
"""

TABLES = RUNS + CATALOGUE + TRIALS + ATTEMPTS + EVENTS + DOCUMENTS

EARLIER = {1: "d5c3429140bd6481e53051413963cddd8c88b5bd695ed32346b42b6128374dbb"}
"""SHA-256 of what `objects` finds in a file of an earlier version."""


def statements(script: str) -> list[str]:
    """The statements of a script, one each, as SQLite keeps them."""
    found: list[str] = []
    text = ""
    for line in script.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            found.append(text.strip().rstrip(";"))
            text = ""
    return found


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in statements(TABLES):
        connection.execute(statement)
    count(connection, 0, 0)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def check(connection: sqlite3.Connection, path: Path) -> int:
    """The file's version of the tables; CorruptStore for another program's or a changed file, UserError for a newer."""
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
            "open it with that version or a later one"
        )
    if _fingerprint(objects(connection)) != (_expected() if version == VERSION else EARLIER.get(version)):
        raise corrupt(path, f"its tables are not those of version {version}")
    return int(version)


def objects(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Kind, name and statement of every table, index and trigger that is ours, by name."""
    found = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return sorted(each for each in found if each[1] in _NAMES)


_NAMES = {
    *re.findall(r"^CREATE (?:UNIQUE )?(?:TABLE|INDEX|TRIGGER) (\w+)", TABLES, re.MULTILINE),
    *("checkpoints", "strategy_state"),
}  # of all versions; what others added is left alone


def _fingerprint(found: list[tuple[str, str, str]]) -> str:
    return hashlib.sha256(repr(found).encode()).hexdigest()


@cache
def _expected() -> str:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        create(connection)
        return _fingerprint(objects(connection))


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring older tables to this version, one step at a time."""
    for step in range(version, VERSION):
        connection.execute("BEGIN IMMEDIATE")
        try:
            MIGRATIONS[step](connection)
            connection.execute(f"PRAGMA user_version = {step + 1}")
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise
