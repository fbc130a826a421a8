"""Copies of the database, made by SQLite's own backup so that they are whole whatever is going on."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from netwright.store.directory import BACKUPS, restrict, synchronise

KEPT = 3


def back_up(connection: sqlite3.Connection, directory: Path) -> Path:
    """Write `backups/<time>.db` and keep the newest three. Returns the path of the new one."""
    folder = directory / BACKUPS
    folder.mkdir(mode=0o700, exist_ok=True)
    for stale in folder.glob("*.tmp*"):
        stale.unlink()
    target = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.db"
    unfinished = target.with_suffix(".tmp")
    restrict(unfinished)
    with closing(sqlite3.connect(unfinished)) as copy:
        connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file that needs no other beside it
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(unfinished, target)
    synchronise(folder)
    for old in sorted(folder.glob("*.db"))[:-KEPT]:
        old.unlink()
    return target
