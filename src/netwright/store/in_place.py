"""Whether the files that a driver writes are still where they were: what was written must be found again."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

from netwright.core.errors import UserError
from netwright.store.directory import database
from netwright.store.lock import NAME as LOCK


class InPlace:
    """Knows the files of a project that is open to write, once its log was read and so is there."""

    def __init__(self, directory: Path, connection: sqlite3.Connection) -> None:
        self._path, self._connection = database(directory), connection
        log = Path(f"{self._path}-wal")
        written = (self._path, *([log] if log.exists() else []), directory / LOCK)
        self._inodes = {path: _inode(path) for path in written}

    def require(self) -> None:
        """UserError where a file is gone or another one, after saving what can be saved."""
        for path, inode in self._inodes.items():
            if _inode(path) != inode:
                raise UserError(f"{path} was moved, replaced or deleted while {self._left(path)}")

    def _left(self, path: Path) -> str:
        if path == self._path:
            return "it was written; the last trials are lost"
        if path.name == LOCK:
            return f"{path.parent} was driven; this process writes nothing more. Resume the run"
        found: Any = None
        with contextlib.suppress(sqlite3.Error):  # the open file is there for this process, without a name
            found = self._connection.execute("PRAGMA wal_checkpoint").fetchone()
        saved = found is not None and not found[0] and found[1] == found[2]
        left = f"all that was acknowledged is in {self._path.name} now" if saved else "the last trials may be lost"
        return f"it was written; {left}. Resume the run"


def _inode(path: Path) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None
