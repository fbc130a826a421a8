"""Copies of the database, made by SQLite's own backup so that they are whole whatever is going on."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from netwright.core.inside import inside
from netwright.store.directory import BACKUPS, restrict, synchronise

KEPT = 3
SMALL = 8_000_000  # bytes; copying so many is not noticed
GROWTH = 1.25


def copy(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the database to a file that is whole or not there, whoever writes meanwhile."""
    unfinished = target.with_name(f"{target.name}.tmp")
    try:
        restrict(unfinished)
        with closing(sqlite3.connect(unfinished)) as written:
            connection.backup(written)
            written.execute("PRAGMA journal_mode = DELETE")  # one file that needs no other beside it
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    synchronise(target.parent)


def due(path: Path, *, ended: bool) -> bool:
    """Whether the database at `path` should be copied now that a run is begun, or has `ended`."""
    size = path.stat().st_size
    if size <= SMALL or not ended:
        return size <= SMALL and not ended
    kept = sorted((path.parent / BACKUPS).glob("*.db"))
    return not kept or size >= GROWTH * kept[-1].stat().st_size


def back_up(connection: sqlite3.Connection, directory: Path) -> Path:
    """Write `backups/<time>.db` and keep the newest three. Returns the path of the new one."""
    folder = inside(directory, BACKUPS)
    folder.mkdir(mode=0o700, exist_ok=True)
    for stale in folder.glob("*.tmp*"):
        stale.unlink()
    target = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.db"
    copy(connection, target)
    for old in sorted(folder.glob("*.db"))[:-KEPT]:
        old.unlink()
    return target
