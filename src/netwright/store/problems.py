"""What SQLite and the file system complain about, as errors that say what to do."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from netwright.core.errors import Busy, CorruptStore, NetwrightError, UserError


class NoRoom(UserError):
    """The disk is full. exit_code: 2."""


@contextmanager
def translated(path: Path) -> Generator[None]:
    """Raise sqlite3's and the system's errors about the database at `path` as netwright's own."""
    try:
        yield
    except UnicodeError as problem:
        raise corrupt(path, str(problem)) from None
    except (sqlite3.Error, OSError) as problem:
        raise explain(problem, path) from problem


def explain(problem: Exception, path: Path) -> NetwrightError:
    """The error to raise instead of this one."""
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    if isinstance(problem, OSError):
        return _from_system(problem, path)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _full(path)):
        return NoRoom(
            f"no room left to write {path} ({_free(path)} free there); nothing that was reported is lost. "
            "Free some space and resume the run."
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(f"{path} is locked by another program; close what has it open (a database browser?) and try again")
    if code == sqlite3.SQLITE_READONLY:
        return UserError(f"{path} cannot be written; check its permissions and those of its directory")
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR):
        return UserError(
            f"{path} cannot be reached any more ({problem}); was its directory moved, deleted or unmounted?"
        )
    return corrupt(path, str(problem))


def corrupt(path: Path, found: str) -> CorruptStore:
    """The error for a damaged database, with the ways out."""
    directory = path.parent
    backups = sorted((directory / "backups").glob("*.db")) if (directory / "backups").is_dir() else []
    restore = f", or restore the newest backup: cp '{backups[-1]}' '{path}'" if backups else ""
    return CorruptStore(
        f"{path} is damaged: {found}. Nothing was written to it.\n"
        f"See what is wrong: netwright db check --dir '{directory}'\n"
        f"Save what is whole in a new directory: netwright db recover --dir '{directory}'{restore}"
    )


def _from_system(problem: OSError, path: Path) -> NetwrightError:
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoRoom(f"no room left in {path.parent} ({_free(path)} free there); free some space and try again")
    if isinstance(problem, PermissionError):
        return UserError(f"no permission to use {problem.filename or path}; choose a directory that you can write to")
    return UserError(f"{problem.filename or path} cannot be used: {problem.strerror or problem}")


def _full(path: Path) -> bool:
    """Whether so little is free that SQLite cannot even make the files that it shares between processes."""
    try:
        return shutil.disk_usage(path.parent).free < 100_000
    except OSError:
        return False


def _free(path: Path) -> str:
    try:
        return f"{shutil.disk_usage(path.parent).free / 1e6:,.1f} MB"
    except OSError:
        return "an unknown amount"
