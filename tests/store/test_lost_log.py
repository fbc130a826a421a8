"""A log that was cut, deleted or taken from under a driver, and a lock file that was: found, counted, said."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from store_parts import SPACE, write

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from search_parts import Cell, Climbing, Noisy, Shuffled

from netwright.core.errors import Busy, CorruptStore, UserError
from netwright.engine import Search
from netwright.executors import Inline
from netwright.store import Store
from netwright.store.checking import check
from netwright.store.recovering import recover

HERE = Path(__file__).parent
FRAME = 4096 + 24
KILLED = """
import os, sys
sys.path.insert(0, sys.argv[1])
from store_parts import SPACE, record
from netwright.store import Store
store = Store(sys.argv[2], min_free_disk=0)
store.create_run("r", SPACE.id, {"seed": 0}, "0.1.0")
store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
writer = store.writer("r", lambda: 1.0)
for number in range(30):
    writer.add(record(number))
    writer.wait()
os._exit(9)
"""


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A project with a run of 30 trials, all of them in the log."""
    folder = tmp_path / "p"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(HERE), str(folder)], check=False)
    assert ended.returncode == 9
    assert not check(folder).problems
    return folder


def ends(log: bytes) -> list[int]:
    """Where each transaction of the log ends."""
    frames = range(32, len(log), FRAME)
    return [at + FRAME for at in frames if any(log[at + 4 : at + 8])]


def require_gone(folder: Path, trials: int) -> None:
    """It is said how many trials are gone; what is there can be read, and nothing is written."""
    said = rf"{trials} trials that had been acknowledged are gone \(of run 'r'\)"
    report = check(folder)
    assert len(report.problems) == 1 and f" {trials} trials that had been" in report.problems[0]
    with pytest.warns(UserWarning, match=said), Store.open_readonly(folder) as store:
        assert len(store.read_run("r").trials) == 30 - trials
    with pytest.raises(CorruptStore, match=rf"(?s){said}.*db recover"):
        Store(folder, min_free_disk=0)


def test_a_deleted_log_is_missed(killed: Path) -> None:
    log = killed / "netwright.db-wal"
    kept = log.read_bytes()
    log.unlink()
    require_gone(killed, 30)
    found = recover(killed, killed.with_name("new"))
    assert found.trials == 0 and found.lost == ["run 'r': trials 0-29"]
    log.write_bytes(kept)  # whoever moved it may put it back
    assert not check(killed).problems
    with Store(killed, min_free_disk=0) as store:
        assert len(store.read_run("r").trials) == 30


@pytest.mark.parametrize("inside", [0, 1, 500])
def test_a_log_that_was_cut_anywhere_is_missed(killed: Path, inside: int) -> None:
    log = killed / "netwright.db-wal"
    whole = log.read_bytes()
    places = ends(whole)
    assert len(places) == 30
    for lost in (1, 2, 17, 29):
        log.write_bytes(whole[: places[-1 - lost] + inside])
        require_gone(killed, lost)


def test_what_replaces_the_database_on_purpose_is_taken(killed: Path, tmp_path: Path) -> None:
    with Store(killed, min_free_disk=0) as store:
        write(store, "r", 10)
        backup = store.back_up()
        store.create_run("s", SPACE.id, {}, "0")
        write(store, "s", 20)
    assert backup is not None
    shutil.copy(backup, killed / "netwright.db")
    with Store(killed, min_free_disk=0) as store:  # documented as the way back
        assert store.names() == ["r"]
        write(store, "r", 5)
    assert not check(killed).problems
    with Store(tmp_path / "other", min_free_disk=0) as store:
        store.create_run("r", SPACE.id, {"seed": 1}, "0")
    shutil.copy(tmp_path / "other" / "netwright.db", killed / "netwright.db")
    Store(killed, min_free_disk=0).close()


def test_a_tally_that_was_damaged_or_is_of_before_hinders_nobody(killed: Path) -> None:
    tally = killed / "netwright.tally"
    for content in (b"", b"\0" * 256, tally.read_bytes().replace(b"30", b"40", 1)):
        tally.write_bytes(content)
        assert not check(killed).problems
    tally.unlink()
    Store(killed, min_free_disk=0).close()
    (killed / "netwright.db").unlink()
    with Store(killed, min_free_disk=0) as store:
        assert store.names() == []


def test_a_database_that_was_copied_alone_says_that_there_was_more_to_come(tmp_path: Path) -> None:
    with Store(tmp_path / "p", min_free_disk=0) as store:
        store.create_run("r", SPACE.id, {}, "0")
        store.set_state("r", "running")
        write(store, "r", 10)
        (tmp_path / "q").mkdir()
        shutil.copy(store.path, tmp_path / "q")
        backup = store.back_up()
    report = check(tmp_path / "q")
    assert not report.problems and report.trials == 0
    assert "run 'r' was under way, and there is no netwright.db-wal" in report.notes[0]
    (tmp_path / "b").mkdir()
    shutil.copy(str(backup), tmp_path / "b" / "netwright.db")
    assert not check(tmp_path / "b").notes and check(tmp_path / "b").trials == 10


# Under a driver.

DRIVER = """
import sys, time
sys.path[:0] = sys.argv[1:3]
from search_parts import Cell, Climbing, Noisy
from netwright.engine import Search

class Long(Noisy):
    def estimate(self, proposal, seed):
        seen.append(seed)
        if len(seen) > 10:
            print("busy", flush=True)
            time.sleep(600)
        return super().estimate(proposal, seed)

seen = []
Search(Climbing(Cell()), Long(0.0), seed=3).run(trials=99, store=sys.argv[3], name="r")
"""


@contextmanager
def driver(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """A search in its eleventh trial, which lasts ten minutes."""
    command = [sys.executable, "-c", DRIVER, str(HERE), str(HERE.parent / "engine"), str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "busy\n"
            yield process
        finally:
            process.kill()


def stored(folder: Path) -> int:
    """How many trials have ended, as a reader sees them."""
    with Store.open_readonly(folder) as store:
        return sum(trial.told is not None for trial in store.read_run("r").trials)


@pytest.mark.parametrize("name", ["netwright.db-wal", "netwright.lock", "netwright.db"])
def test_a_driver_misses_its_files_in_the_middle_of_a_trial(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "p"
    with driver(folder) as process:
        end = time.monotonic() + 60
        while stored(folder) < 10:
            assert time.monotonic() < end
            time.sleep(0.05)
        (folder / name).unlink()
        start = time.monotonic()
        _, said = process.communicate(timeout=60)
        assert process.returncode not in (0, -9) and time.monotonic() - start < 30
    assert f"{name} was moved, replaced or deleted while" in said.splitlines()[-1], said
    if name == "netwright.db":
        return
    assert not check(folder).problems
    with Store.open_readonly(folder) as store:
        found = store.read_run("r")
        assert len(found.trials) >= 10 and found.summary.state == "interrupted"
    Store(folder, min_free_disk=0).close()


@pytest.mark.parametrize("names", [["netwright.lock"], ["netwright.lock", "netwright.db-wal", "netwright.db-shm"]])
def test_a_deleted_lock_file_lets_no_second_driver_in(tmp_path: Path, names: list[str]) -> None:
    with Store(tmp_path, min_free_disk=0) as store:
        store.create_run("r", SPACE.id, {}, "0")
        for name in names:
            (tmp_path / name).unlink()
        code = "import sys; from netwright.store import Store; Store(sys.argv[1])"
        ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
        assert ended.returncode and "Busy" in ended.stderr, ended.stderr
        with pytest.raises(Busy, match="is driven by"):
            Store(tmp_path)
        with pytest.raises(UserError, match=r"was moved, replaced or deleted"):
            store.add_event("r", "note")
    with Store(tmp_path, min_free_disk=0) as store:
        assert store.names() == ["r"]


# What is recovered.


@pytest.mark.parametrize("seed", range(6))
def test_what_is_recovered_can_always_be_resumed(tmp_path: Path, seed: int) -> None:
    dice, folder = random.Random(seed), tmp_path / "p"
    search = Search(Climbing(Cell()), Noisy(0.2), seed=seed)
    executor = Shuffled(4, seed) if seed % 2 else Inline()
    search.run(trials=40, store=folder, name="r", executor=executor)
    for path in (folder / "backups").glob("*"):
        path.unlink()
    with closing(sqlite3.connect(folder / "netwright.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        for number in dice.sample(range(40), dice.randrange(1, 4)):
            if dice.random() < 0.5:
                connection.execute("DELETE FROM trials WHERE number = ?", (number,))
            else:  # its end was not written
                connection.execute("UPDATE trials SET digest = 'changed' WHERE number = ?", (number,))
        connection.execute("VACUUM")
    found = recover(folder, tmp_path / "q")
    assert any("done again when it is resumed" in each or "trials" in each for each in found.lost)
    with Store.open_readonly(tmp_path / "q") as store:
        kept = store.read_run("r").trials
    again = search.run(trials=40, store=tmp_path / "q", name="r", resume=True, executor=executor)
    assert len(again.trials) == 40 and len(kept) < 40
    assert not check(tmp_path / "q").problems
    for before, after in zip(kept, again.trials, strict=False):
        assert before.architecture_digest == after.architecture.digest
        assert before.told is None or repr(before.metrics) == repr(dict(after.metrics))
