"""Which directories may hold a project: a new one, an empty one, or one that already does."""

from __future__ import annotations

import os
from pathlib import Path

from netwright.core.errors import UserError
from netwright.core.inside import open_inside
from netwright.core.wording import listed
from netwright.store.lock import NAME as LOCK
from netwright.store.problems import corrupt
from netwright.store.tally import NAME as TALLY

DATABASE = "netwright.db"
UNFINISHED = "netwright.db.new"
BACKUPS = "backups"
DECODED = "decoded"
"""The folder of examples that were decoded once; it may be there before there is a project."""
_MAGIC = b"SQLite format 3\0"


def database(directory: Path) -> Path:
    return directory / DATABASE


def prepare(directory: Path) -> None:
    """Make the directory unless it is there; UserError for a file, or a directory with other things in it."""
    if directory.is_dir():
        _refuse_others(directory)
        return
    if directory.exists() or directory.is_symlink():
        raise UserError(f"{directory} is a file; expected a directory, new or empty, to keep the project in")
    directory.mkdir(mode=0o700, parents=True)


def require(directory: Path) -> None:
    """UserError unless a project is kept here."""
    if not directory.exists():
        raise UserError(f"there is no project in {directory}: the directory does not exist")
    if not directory.is_dir():
        raise UserError(f"{directory} is a file; expected the directory of a project")
    if not database(directory).exists():
        raise UserError(f"there is no project in {directory}: it holds no {DATABASE}")


def _refuse_others(directory: Path) -> None:
    names = sorted(os.listdir(directory))
    if DATABASE in names:
        return
    if BACKUPS in names and LOCK in names:
        raise corrupt(database(directory), f"{DATABASE} is missing")
    others = [name for name in names if name not in (LOCK, TALLY, DECODED) and not name.startswith(UNFINISHED)]
    if others:
        raise UserError(
            f"{directory} holds other files ({listed(others, 3)}) and no project; choose a new or empty directory, "
            f"for example {directory / 'netwright'}"
        )


def check_header(path: Path) -> None:
    """CorruptStore unless the file begins as a SQLite database does; it is not opened for that."""
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        raise corrupt(path, "the file is empty")
    if start != _MAGIC:
        raise corrupt(path, f"it is not a database, it begins with {start!r}")


def restrict(path: Path) -> None:
    """Make an empty file that only its owner may read and write."""
    file = open_inside(path, os.O_RDWR | os.O_CREAT)
    os.fchmod(file, 0o600)
    os.close(file)


def synchronise(directory: Path) -> None:
    """Make a rename in this directory survive a power loss."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
