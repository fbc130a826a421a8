"""A full disk pauses a search: nothing acknowledged is lost, nothing is half written, and it goes on by itself."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from store_parts import SPACE, record

from netwright.core.errors import UserError
from netwright.store import Store
from netwright.store.checking import check
from netwright.store.room import Room
from netwright.store.writer import TrialWriter


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def fill(disk: Path, leave: int = 0) -> Path:
    """Take all room but `leave` bytes."""
    path = disk / "ballast"
    with path.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 4096)
    if leave:
        os.truncate(path, path.stat().st_size - leave)
    return path


def add_until_paused(writer: TrialWriter, number: int = 0) -> int:
    while not writer.paused and number < 20_000:
        writer.add(record(number))
        number += 1
        if number % 20 == 0:
            time.sleep(0.001)
    until(lambda: writer.paused)
    return number


@pytest.mark.filterwarnings("ignore:only ")
def test_a_search_pauses_on_a_full_disk_and_goes_on_when_there_is_room(small_disk: Path) -> None:
    with Store(small_disk / "p", min_free_disk=0) as store:
        store.create_run("r", SPACE.id, {}, "0")
        writer = store.writer("r", lambda: 1.0)
        writer.add(record(0))
        writer.wait()
        ballast = fill(small_disk, leave=60_000)
        with pytest.warns(UserWarning, match=rf"no room left to write in {small_disk}/p \(0\.\d MB free\)") as said:
            count = add_until_paused(writer, 1)
            time.sleep(1.2)  # it tries again and again, and says nothing more
        assert len(said) == 1
        acknowledged = writer.committed
        assert 0 < acknowledged < count
        with Store.open_readonly(small_disk / "p") as reader:
            assert len(reader.read_run("r").trials) >= acknowledged
        ballast.unlink()
        writer.wait()
        assert writer.committed == count and not writer.paused
        writer.close()
    assert not check(small_disk / "p").problems
    with Store.open_readonly(small_disk / "p") as store:
        assert len(store.read_run("r").trials) == count


def test_where_no_disk_can_be_mounted_a_full_file_pauses_too(tmp_path: Path) -> None:
    with Store(tmp_path / "p", min_free_disk=0) as store:
        store.create_run("r", SPACE.id, {}, "0")
        with store._lock:
            store._connection.execute("PRAGMA max_page_count = 60")
        writer = store.writer("r", lambda: 1.0)
        with pytest.warns(UserWarning, match="the search is paused"):
            count = add_until_paused(writer)
        with store._lock:
            store._connection.execute("PRAGMA max_page_count = 1000000")
        writer.wait()
        assert writer.committed == count
        writer.close()


@pytest.mark.filterwarnings("ignore:the search is paused")
def test_closing_ends_a_pause_and_what_was_acknowledged_is_there(tmp_path: Path) -> None:
    with Store(tmp_path / "p", min_free_disk=0) as store:
        store.create_run("r", SPACE.id, {}, "0")
        with store._lock:
            store._connection.execute("PRAGMA max_page_count = 60")
        writer = store.writer("r", lambda: 1.0)
        add_until_paused(writer)
        start = time.monotonic()
        writer.close()
        assert time.monotonic() - start < 5
        with pytest.raises(UserError, match=r"no room left to write .* resume"):
            writer.wait()
        acknowledged = writer.committed
    with Store.open_readonly(tmp_path / "p") as store:
        numbers = [trial.number for trial in store.read_run("r").trials]
        assert numbers[:acknowledged] == list(range(acknowledged)) and acknowledged > 20


@pytest.mark.filterwarnings("ignore:the search is paused")
def test_below_the_reserve_results_are_kept_and_nothing_new_is_begun(tmp_path: Path) -> None:
    with Store(tmp_path / "p", min_free_disk=0) as store:
        store.create_run("r", SPACE.id, {}, "0")
        store.room.least = 10**18
        writer = store.writer("r", lambda: 1.0)
        writer.add(record(0))
        until(lambda: writer.paused)
        assert "kept in reserve" in writer.paused and writer.committed == 0
        assert len(store.read_run("r").trials) == 1  # it is on the disk already
        store.room.least = 0
        writer.wait()
        assert writer.committed == 1
        writer.close()


def test_who_waits_can_be_interrupted(tmp_path: Path) -> None:
    with Store(tmp_path / "p", min_free_disk=0) as store:
        store.create_run("r", SPACE.id, {}, "0")
        store.room.least = 10**18
        writer = store.writer("r", lambda: 1.0)
        stop = threading.Event()

        def interrupt() -> None:
            if stop.is_set():
                raise KeyboardInterrupt

        writer.interrupt = interrupt
        with pytest.warns(UserWarning, match="the search is paused"):
            writer.add(record(0))
            threading.Timer(0.3, stop.set).start()
            with pytest.raises(KeyboardInterrupt):
                writer.wait()
        writer.close()
        writer.wait()
        assert writer.committed == 1  # nothing hindered it but the reserve


def test_a_small_disk_is_searched_on_after_a_word(small_disk: Path) -> None:
    with pytest.warns(UserWarning, match=r"only \d\.\d MB free .* pauses when less than \d\.\d MB are left"):
        room = Room(small_disk)
    free = shutil.disk_usage(small_disk).free
    assert 0.4 * free < room.least < 0.6 * free and not room.shortage()
    assert Room(small_disk, 0).shortage() == ""
    assert "reserve" in Room(small_disk, free * 2).shortage()


SEARCH = """
import sys
sys.path.insert(0, sys.argv[1])
from search_parts import Cell, Climbing, Noisy
from netwright.engine import Search
from netwright.store import Store
with Store(sys.argv[2], min_free_disk=0) as store:
    Search(Climbing(Cell()), Noisy(0.1, 0.002), seed=3).run(
        trials=int(sys.argv[3]), store=store, name="r", resume="r" in store.names(),
        on_trial=lambda trial: print(trial.number, flush=True))
"""


@pytest.mark.filterwarnings("ignore:only ")
def test_a_signal_ends_a_paused_search_interrupted_and_it_can_be_resumed(small_disk: Path) -> None:
    search = [sys.executable, "-c", SEARCH, str(Path(__file__).parents[1] / "engine"), str(small_disk / "p")]
    with subprocess.Popen([*search, "100000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        for _ in range(3):
            process.stdout.readline()
        try:
            ballast = fill(small_disk)
        except BaseException:
            process.kill()
            raise
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()))
        reader.start()
        said = process.stderr.readline()
        assert "no room left to write" in said, said
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(30) not in (0, -signal.SIGKILL), rest
        reader.join()
        assert "Interrupted" in rest and "resume=True" in rest, rest
    ballast.unlink()
    with Store.open_readonly(small_disk / "p") as store:
        found = store.read_run("r")
        assert found.summary.state == "interrupted"
    acknowledged = [int(line) for line in lines]
    assert not acknowledged or max(acknowledged) < len(found.trials)
    trials = len(found.trials) + 5
    done = subprocess.run([*search, str(trials)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with Store.open_readonly(small_disk / "p") as store:
        again = store.read_run("r")
        assert len(again.trials) == trials and again.summary.state == "finished"
        for before, after in zip(found.trials, again.trials, strict=False):
            assert before.architecture == after.architecture
