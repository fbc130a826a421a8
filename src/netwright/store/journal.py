"""What a process that was killed leaves of a database that had no write-ahead log yet, or never has: a journal."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from urllib.parse import quote


def roll_back(path: Path, timeout: float = 60.0) -> None:
    """Undo the transaction that a killed process had begun to write into the database at `path`, if there is one.

    SQLite does that by itself for a connection that may write, and refuses every other until it is done: a database is
    made, and becomes one with a log, by such transactions, and on a network file system all are. A journal that another
    process is using is left alone. Raises sqlite3.Error where nothing can be written there.
    """
    try:
        if not Path(f"{path}-journal").stat().st_size:
            return
    except FileNotFoundError:
        return
    address = f"file:{quote(str(path))}?mode=rw"
    with contextlib.closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=timeout)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
