"""A run outlives its cluster: what was acknowledged lies in the driver's store, not in Ray's."""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from search_parts import Cell, Climbing, Noisy

import netwright as nw
from netwright.core.trial import Trial

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="the extra `ray` is not installed"),
]

DRIVER = """
import sys
sys.path.insert(0, sys.argv[1])
from search_parts import Cell, Climbing, Noisy
import netwright as nw
from netwright.executors.ray import Ray
search = nw.Search(Climbing(Cell()), Noisy(0.3, 0.02), seed=5)
search.run(trials=2000, executor=Ray(1), store=sys.argv[2], name="r",
           on_trial=lambda trial: print(trial.number, flush=True))
"""


def head_of(driver: int) -> list[int]:
    """The processes that keep the cluster of this driver together: the head's store and its raylet."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,comm="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    return [int(pid) for pid, parent, name in rows if int(parent) == driver and name in ("gcs_server", "raylet")]


def test_a_run_whose_ray_head_was_killed_is_resumed_here(tmp_path: Path) -> None:
    engine = str(Path(__file__).parents[1] / "engine")
    environment = {**os.environ, "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_gcs_rpc_server_reconnect_timeout_s": "2"}
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, engine, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(10)]
        head = head_of(process.pid)
        assert len(head) == 2, "the head of the cluster was not found"
        for each in head:
            os.kill(each, signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout]
        assert process.wait(120) != 0, "the driver did not notice"
    search = nw.Search(Climbing(Cell()), Noisy(0.3, 0.02), seed=5)
    again: list[int] = []

    def note(trial: Trial) -> None:
        again.append(trial.number)

    count = len(acknowledged) + 5
    run = search.run(trials=count, store=tmp_path, name="r", resume=True, on_trial=note)
    assert not set(again) & set(acknowledged), "an acknowledged trial was run again"
    assert run.table() == search.run(trials=count).table()
