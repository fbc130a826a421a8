"""Opens the database of a project: for the one driver, or for readers."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from netwright.core.warning import warn
from netwright.store import directory as places
from netwright.store import schema, tally
from netwright.store.backup import back_up, copy
from netwright.store.filesystem import on_network
from netwright.store.journal import roll_back
from netwright.store.lock import driver
from netwright.store.log import inspect
from netwright.store.problems import corrupt, translated

BUSY_SECONDS = 60.0


def open_to_write(folder: Path) -> sqlite3.Connection:
    """The driver's connection; makes the database where the directory is new. The caller holds the driver's lock."""
    path = places.database(folder)
    if not path.exists():
        _create(folder)
    places.check_header(path)
    roll_back(path)
    torn = check_log(folder)
    if torn:
        warn(torn)
    version = _examine(folder, path)
    connection = _connect(f"file:{quote(str(path))}?mode=rw")
    try:
        _set_up(connection, folder)
        if version < schema.VERSION:
            back_up(connection, folder)
            schema.migrate(connection, version)
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _examine(folder: Path, path: Path) -> int:
    """The version of the tables; CorruptStore where something is wrong, and nothing was written then.

    A connection that may write brings the log into the file when it is closed, so this takes one that may not.
    """
    with contextlib.closing(_connect(f"file:{quote(str(path))}?mode=ro")) as connection:
        version = schema.check(connection, path)
        _check_pages(connection, path)
        gone = tally.missing(connection, folder) if version == schema.VERSION else ""
    if gone:
        raise corrupt(path, gone)
    return version


def missing(connection: sqlite3.Connection, folder: Path) -> str:
    """What is gone of what was acknowledged, in one line, as far as that can be told; empty where nothing is."""
    return tally.missing(connection, folder) if driver(folder) is None else ""


def check_log(folder: Path) -> str:
    """Look at the log that a process left behind: CorruptStore where it was changed, a sentence where it is not whole.

    Not while the project is driven, because the log is being written then.
    """
    path = places.database(folder)
    log = inspect(Path(f"{path}-wal"))
    if log.damage:
        raise corrupt(path, log.damage)
    if log.torn:
        return f"the last transaction in the log of {path} is not whole and does not count, as after a loss of power"
    return ""


def open_to_read(folder: Path) -> sqlite3.Connection:
    """A connection that cannot write; one to a copy in memory, brought to this version, where the tables are older."""
    connection, version = _opened(folder)
    try:
        return connection if version == schema.VERSION else _copied(connection, version)
    except BaseException:
        connection.close()
        raise


def open_as_it_is(folder: Path) -> sqlite3.Connection:
    """A connection that cannot write, to tables of whatever version."""
    return _opened(folder)[0]


def copy_to(folder: Path, target: Path) -> Path:
    """Copy the database of a project to a file, whoever writes meanwhile. Returns its path."""
    with translated(target), contextlib.closing(open_as_it_is(folder)) as connection:
        copy(connection, target.absolute())
    return target


def _opened(folder: Path) -> tuple[sqlite3.Connection, int]:
    places.require(folder)
    path = places.database(folder)
    places.check_header(path)
    if driver(folder) is None:
        roll_back(path)
        check_log(folder)
    mode = "mode=ro" if _shares_memory(folder, path) else "mode=ro&immutable=1"
    connection = _connect(f"file:{quote(str(path))}?{mode}")
    try:
        return connection, schema.check(connection, path)
    except BaseException:
        connection.close()
        raise


def _copied(connection: sqlite3.Connection, version: int) -> sqlite3.Connection:
    newer = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        connection.backup(newer)
        schema.migrate(newer, version)
        newer.execute("PRAGMA query_only = ON")
    except BaseException:
        newer.close()
        raise
    connection.close()
    return newer


def _connect(address: str) -> sqlite3.Connection:
    return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS)


def _set_up(connection: sqlite3.Connection, folder: Path) -> None:
    journal = "WAL"
    if on_network(folder):
        warn(f"{folder} is on a network file system: slower, and safe for one machine only")
        journal = "TRUNCATE"
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_spill = OFF")  # a transaction is written once, when it is complete: see `log`


def _create(folder: Path) -> None:
    """Make the database under another name first, so that one named netwright.db is always whole."""
    unfinished = folder / places.UNFINISHED
    (folder / places.TALLY).unlink(missing_ok=True)  # of a database that was deleted
    for name in ("", "-journal", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{unfinished}{name}").unlink()
    places.restrict(unfinished)
    with contextlib.closing(_connect(f"file:{quote(str(unfinished))}?mode=rw")) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        schema.create(connection)
    os.replace(unfinished, places.database(folder))
    places.synchronise(folder)


def _check_pages(connection: sqlite3.Connection, path: Path) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise corrupt(path, str(found))


def _shares_memory(folder: Path, path: Path) -> bool:
    """Whether a reader can use the write-ahead log: it is there, or may be made."""
    return Path(f"{path}-wal").exists() or os.access(folder, os.W_OK)
