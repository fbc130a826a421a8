"""kill -9 at random moments, a moved directory, a reader in the way, and a clock that jumps."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

import pytest
from store_parts import SPACE, filled, record, write

from netwright.store import Store
from netwright.store.checking import check

HERE = str(Path(__file__).parent)
WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from store_parts import SPACE, attempt, record
from netwright.store import Store
with Store(sys.argv[2], min_free_disk=0) as store:
    if "r" not in store.names():
        store.create_run("r", SPACE.id, {}, "0")
    first = len(store.read_run("r").trials)
    print("ready", flush=True)
    writer = store.writer("r", lambda: 1.0)
    for number in range(first, 100_000):
        for each in (record(number).question, attempt(number), record(number)):
            writer.add(each)
        writer.wait()
        print(number, flush=True)
"""


def forked(directory: Path) -> tuple[int, TextIO]:
    """A process of its own that runs WRITER, and what it prints."""
    readable, writable = os.pipe()
    process = os.fork()
    if process:
        os.close(writable)
        return process, os.fdopen(readable)
    try:
        sys.argv = ["", HERE, str(directory)]
        sys.stdout = os.fdopen(writable, "w")
        exec(WRITER, {})
    finally:
        os._exit(1)


def test_no_acknowledged_row_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    """R1 and R2. Each round starts where the last one was killed."""
    dice, acknowledged, kills = random.Random(0), -1, 0
    for _ in range(20):
        process, output = forked(tmp_path / "p")  # no time goes into imports
        with output:
            assert output.readline() == "ready\n"
            lines = [output.readline() for _ in range(dice.randrange(5))]
            time.sleep(dice.uniform(0, 0.01))
            os.kill(process, signal.SIGKILL)
            lines += [line for line in output.read().splitlines(keepends=True) if line.endswith("\n")]
        kills += os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
        numbers = [int(line) for line in lines]
        assert numbers == sorted(set(numbers)) and (not numbers or numbers[0] > acknowledged)
        acknowledged = max([acknowledged, *numbers])
        with Store.open_readonly(tmp_path / "p") as store:
            trials, attempts = store.read_run("r").trials, store.attempts("r")
        assert [trial.number for trial in trials] == list(range(len(trials))) and len(trials) > acknowledged
        assert len(attempts) == len({each.trial for each in attempts}) >= acknowledged + 1
        assert all(trial.told == trial.number for trial in trials[: acknowledged + 1])
    assert kills == 20 and acknowledged > 20
    assert not check(tmp_path / "p").problems


def test_a_moved_project_opens_where_it_is_now(tmp_path: Path) -> None:
    filled(tmp_path / "p")
    command = [sys.executable, "-c", WRITER, HERE, str(tmp_path / "p")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(5):
            process.stdout.readline()
        process.kill()
    (tmp_path / "deep").mkdir()
    shutil.move(tmp_path / "p", tmp_path / "deep" / "q")
    with Store(tmp_path / "deep" / "q", min_free_disk=0) as store:
        count = len(store.read_run("r").trials)
        assert count >= 24
        writer = store.writer("r", lambda: 1.0)
        writer.add(record(count))
        writer.close()
        writer.wait()
        assert len(store.read_run("r").trials) == count + 1
    assert not (tmp_path / "p").exists() and not check(tmp_path / "deep" / "q").problems


def test_a_reader_that_reads_for_long_does_not_stop_the_driver(tmp_path: Path) -> None:
    with Store(tmp_path / "p", min_free_disk=0) as store:
        store.create_run("r", SPACE.id, {}, "0")
        write(store, "r", 10)
        with Store.open_readonly(tmp_path / "p") as reader, reader._reading() as open_view:
            assert len(list(open_view.trials(1))) == 10
            start = time.monotonic()
            for number in range(10, 110):
                writer = store.writer("r", lambda: 1.0)
                writer.add(record(number))
                writer.close()
                writer.wait()
            assert time.monotonic() - start < 20
            assert len(list(open_view.trials(1))) == 10  # one view of the whole
        assert len(store.read_run("r").trials) == 110


JUMPING = """
import sys, time
true, day = time.time, 86400.0
jumps = iter([0, day, -day, 3 * day, 0] * 100_000)
time.time = lambda: true() + next(jumps)
sys.path.insert(0, sys.argv[1])
from search_parts import Cell, Climbing, Noisy
from netwright.engine import Search
search = Search(Climbing(Cell()), Noisy(0.3), seed=5)
first = search.run(trials=60, store=sys.argv[2], name="r", time=600)
again = search.run(trials=90, store=sys.argv[2], name="r", resume=True, time=600)
print(len(first.trials), len(again.trials), max(again.seconds, first.seconds) < 600)
print(again.table())
"""


def test_a_clock_that_jumps_by_days_changes_nothing(tmp_path: Path) -> None:
    still = JUMPING.replace("[0, day, -day, 3 * day, 0]", "[0]")
    assert still != JUMPING
    printed = []
    for number, code in enumerate((JUMPING, still)):
        command = [sys.executable, "-c", code, str(Path(HERE).parent / "engine"), str(tmp_path / str(number))]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        printed.append(done.stdout)
    assert printed[0].startswith("60 90 True\n") and printed[0] == printed[1]
    with Store.open_readonly(tmp_path / "0") as store:
        times = [trial.started for trial in store.read_run("r").trials]
        assert times != sorted(times)  # the clock did jump
    assert not check(tmp_path / "0").problems


@pytest.mark.parametrize("text", ["", "no", "1"])
def test_a_project_may_be_reached_by_any_path(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path / f"a b?%#'{text}", 3)
    monkeypatch.chdir(tmp_path)
    with Store.open_readonly(f"a b?%#'{text}") as store:
        assert len(store.read_run("r").trials) == 3
