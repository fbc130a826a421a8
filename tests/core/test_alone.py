"""The exclusive slot: a measurement and a step of a training never overlap, whichever process they belong to."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from netwright.core import alone as slot
from netwright.core.alone import alone, at_work

WORKER = """
import sys, time
from netwright.core.alone import at_work
print("ready", flush=True)
end = time.monotonic() + 1.5
while time.monotonic() < end:
    with at_work():
        began = time.monotonic()
        time.sleep(0.004)
        print("step", began, time.monotonic(), flush=True)
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(slot.tempfile, "tempdir", None)
    slot._files.clear()


@pytest.mark.skipif(slot.fcntl is None, reason="the system has no such locks")
def test_no_step_of_another_process_falls_into_a_measurement():
    worker = subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    worker.stdout.readline()
    measured = []
    for _ in range(4):
        time.sleep(0.1)
        with alone() as had:
            began = time.monotonic()
            time.sleep(0.05)
            measured.append((began, time.monotonic()))
            assert had
    steps = [tuple(map(float, line.split()[1:])) for line in worker.communicate()[0].splitlines()]
    assert len(steps) > 50
    overlaps = [(a, b) for a, b in measured for began, ended in steps if began < b and ended > a]
    assert overlaps == []
    between = [one for one in steps if one[0] > measured[0][1] and one[1] < measured[-1][0]]
    assert between, "steps go on between two measurements"


def test_a_thread_that_trains_waits_for_one_that_measures():
    order: list[str] = []

    def train() -> None:
        with at_work():
            order.append("step")

    with alone() as had:
        thread = threading.Thread(target=train)
        thread.start()
        time.sleep(0.1)
        order.append("measured")
    thread.join()
    assert order == (["measured", "step"] if had else ["step", "measured"])


def test_steps_may_lie_within_each_other_and_cost_little():
    with at_work(), at_work():
        pass
    began = time.perf_counter()
    for _ in range(200):
        with at_work():
            pass
    assert (time.perf_counter() - began) / 200 < 0.002


def test_where_the_folder_belongs_to_somebody_else_nothing_waits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(slot.os, "getuid", lambda: 123_456_789)
    slot._files.clear()
    with alone() as had:
        assert not had
    with at_work():
        pass


def test_what_is_stopped_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(slot, "LONGEST_STEP", 0.05)
    ended = threading.Event()

    def train() -> None:
        with at_work():
            ended.wait(5)

    thread = threading.Thread(target=train)
    thread.start()
    time.sleep(0.05)
    with alone() as had:
        assert not had or slot.fcntl is None
    ended.set()
    thread.join()
