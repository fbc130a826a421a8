"""A transaction that a kill cut short is left out of the log; what was changed in completed ones is found."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from store_parts import SPACE, filled, write

from netwright.store import Store
from netwright.store.checking import check
from netwright.store.log import inspect
from netwright.store.recovering import recover

FRAME = 4096 + 24


@contextmanager
def large_transaction(directory: Path) -> Iterator[tuple[sqlite3.Connection, Path]]:
    """A connection in the middle of a transaction that its small cache has written early, some pages twice."""
    path = directory / "netwright.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 10")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("BEGIN IMMEDIATE")
        for turn in range(3):
            connection.execute("DELETE FROM trials WHERE number >= 1000")
            connection.execute(
                "INSERT INTO trials SELECT run, number + 1000, asked, NULL, attempt, state, purpose, fidelity, parent, "
                "architecture, mixture, metrics, curve, gradient, scores, seconds, device, ?, ?, started, ended, "
                "digest FROM trials WHERE number < 1000",
                (f"turn {turn}", "x" * 3000),
            )
        yield connection, Path(f"{path}-wal")


def driven(directory: Path, trials: int = 600) -> None:
    """A project whose driver was killed: all is in the log."""
    filled(directory.with_name("whole"), 1)
    with Store(directory.with_name("whole"), min_free_disk=0) as store:
        with store._lock:
            store._connection.execute("PRAGMA wal_autocheckpoint = 0")
        store.create_run("s", SPACE.id, {}, "0")
        write(store, "s", trials)
        directory.mkdir()
        for name in ("netwright.db", "netwright.db-wal"):
            shutil.copyfile(store.directory / name, directory / name)


def require_sound(directory: Path, trials: int) -> None:
    """All that was completed is there, nothing is called damaged, and what is recovered is the same."""
    report = check(directory)
    assert not report.problems and any("is not whole" in note for note in report.notes)
    with Store.open_readonly(directory) as store:
        assert len(store.read_run("s").trials) == trials
    found = recover(directory, directory.with_name("recovered"))
    assert (found.trials, found.lost) == (trials + 1, [])
    with pytest.warns(UserWarning, match="is not whole"), Store(directory, min_free_disk=0) as store:
        assert len(store.read_run("s").trials) == trials


def test_pages_written_over_in_place_before_the_end_are_torn_and_no_damage(tmp_path: Path) -> None:
    directory = tmp_path / "p"
    driven(directory)
    shutil.copytree(directory, tmp_path / "killed")
    with large_transaction(directory) as (_, log):
        content = log.read_bytes()
    before = (directory.with_name("killed") / "netwright.db-wal").stat().st_size
    assert len(content) > before + 100 * FRAME
    (tmp_path / "killed" / "netwright.db-wal").write_bytes(content)
    assert fitting(content) < (len(content) - 32) // FRAME - 1  # pages after it fit
    require_sound(tmp_path / "killed", 600)


def fitting(content: bytes) -> int:
    """How many frames fit, counted one by one as SQLite does."""
    order = "little" if content[:4] == b"\x37\x7f\x06\x82" else "big"
    s, t = (int.from_bytes(content[k : k + 4], "big") for k in (24, 28))
    for k in range((len(content) - 32) // FRAME):
        frame = content[32 + k * FRAME : 32 + (k + 1) * FRAME]
        covered = frame[:8] + frame[24:]
        for at in range(0, len(covered), 8):
            s = (s + int.from_bytes(covered[at : at + 4], order) + t) & 0xFFFFFFFF
            t = (t + int.from_bytes(covered[at + 4 : at + 8], order) + s) & 0xFFFFFFFF
        if frame[16:24] != s.to_bytes(4, "big") + t.to_bytes(4, "big"):
            return k
    return (len(content) - 32) // FRAME


def test_checksums_that_were_being_put_right_are_torn_and_no_damage(tmp_path: Path) -> None:
    """Killed after the mark of completion was written, before the checksums of the pages before it were."""
    directory = tmp_path / "p"
    driven(directory)
    shutil.copytree(directory, tmp_path / "killed")
    with large_transaction(directory) as (connection, log):
        before = log.read_bytes()
        first = fitting(before)
        connection.execute("COMMIT")
        after = log.read_bytes()
    content = bytearray(after)
    for k in range(first + 5, (len(before) - 32) // FRAME):  # five of them were put right
        at = 32 + k * FRAME
        content[at : at + 24] = before[at : at + 24]
    assert fitting(bytes(content)) == first + 5
    (tmp_path / "killed" / "netwright.db-wal").write_bytes(content)
    require_sound(tmp_path / "killed", 600)


def test_a_page_changed_in_a_completed_transaction_is_damage_wherever_it_lies(tmp_path: Path) -> None:
    driven(tmp_path / "p", 60)
    log = tmp_path / "p" / "netwright.db-wal"
    whole = log.read_bytes()
    assert not inspect(log).damage and not inspect(log).torn
    ends = [k for k in range((len(whole) - 32) // FRAME) if any(whole[36 + k * FRAME : 40 + k * FRAME])]
    for frame in range(ends[-1]):  # a change to the very last page looks like one that was not written in full
        content = bytearray(whole)
        content[32 + frame * FRAME + 500] ^= 1
        log.write_bytes(content)
        assert f"page {frame + 1} of" in inspect(log).damage


def test_the_driver_writes_a_transaction_once_when_it_is_complete(tmp_path: Path) -> None:
    with Store(tmp_path, min_free_disk=0) as store:
        store.create_run("r", SPACE.id, {}, "0")
        log = tmp_path / "netwright.db-wal"
        before = log.stat().st_size
        with store.transaction() as connection:
            for number in range(3000):
                row = ("a" * 4000, f"{number}")
                connection.execute("INSERT INTO documents VALUES (1, ?, ?, '')", row[::-1])
            assert log.stat().st_size == before
        assert log.stat().st_size > before + 3000 * 4096
