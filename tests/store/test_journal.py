"""A process that was killed within a transaction without a write-ahead log: at the making of the database, for one."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from store_parts import filled

from netwright.benchmarks.record import FILE, Record
from netwright.store import Store
from netwright.store.checking import check

KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = DELETE")
connection.execute("PRAGMA cache_size = 1")  # so that changed pages are in the file before the end
connection.execute("BEGIN IMMEDIATE")
for table in ("runs", "trials", "catalogue", "facts"):
    if connection.execute("SELECT count(*) FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]:
        connection.execute(f"DELETE FROM {table}")
connection.execute("CREATE TABLE garbage (x)")
connection.executemany("INSERT INTO garbage VALUES (?)", [("y" * 3000,) for _ in range(50)])
os._exit(9)
"""


def kill_within_a_transaction(database: Path) -> None:
    """Leave a journal that whoever opens the database has to roll back, as nobody may who can only read."""
    ended = subprocess.run([sys.executable, "-c", KILLED, str(database)], check=False)
    assert ended.returncode == 9 and Path(f"{database}-journal").stat().st_size
    address = f"file:{database}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute("SELECT count(*) FROM sqlite_master")


def by_reading(directory: Path) -> int:
    with Store.open_readonly(directory) as store:
        return len(store.read_run("r").trials)


def by_driving(directory: Path) -> int:
    with Store(directory) as store:
        return len(store.read_run("r").trials)


def by_checking(directory: Path) -> int:
    report = check(directory)
    assert not report.problems, report.problems
    return report.trials


@pytest.mark.parametrize("opened", [by_reading, by_driving, by_checking])
def test_what_was_begun_is_undone_by_whoever_comes_next(tmp_path: Path, opened: Callable[[Path], int]) -> None:
    database = filled(tmp_path / "p")
    kill_within_a_transaction(database)
    assert opened(tmp_path / "p") == 20
    assert check(tmp_path / "p").problems == []


def test_a_comparison_too(tmp_path: Path) -> None:
    with Record(tmp_path) as record:
        record.keep("notes", {"a": 1})
    kill_within_a_transaction(tmp_path / FILE)
    with Record(tmp_path, writable=False) as record:
        assert record.fact("notes") == {"a": 1}
