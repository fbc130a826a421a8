"""The data of a search is held once, however many workers train on it."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from data_parts import Reads

from netwright import tasks
from netwright.core import blocks
from netwright.core.executor import Job, Outcome
from netwright.core.task import TaskShape
from netwright.core.trial import Proposal
from netwright.estimators import Cost
from netwright.executors import Processes
from netwright.executors.processes import family
from netwright.executors.processes.parcels import Packer
from netwright.spaces import Mlp
from netwright.spaces.with_training import WithTraining

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what processes share")
HERE = Path(__file__).parent


def task_of(megabytes: float, seed: int = 0) -> tasks.Task:
    images = blocks.empty((int(megabytes * 1e6) // 3072, 3, 32, 32), np.uint8)
    images[:] = np.random.default_rng(seed).integers(0, 256, (1, 3, 32, 32), dtype=np.uint8)
    images += np.arange(len(images), dtype=np.uint8)[:, None, None, None]
    return tasks.arrays(images, np.arange(len(images)) % 10)


def measured(executor: Processes, *stages: Reads, look: Callable[[], int] = int) -> tuple[list[Outcome], int]:
    """How trials ended that all waited for each other, and what `look` saw while they waited."""
    folder = Path(stages[0].folder)
    for number, stage in enumerate(stages):
        executor.submit(Job(number, Proposal(None), number, (stage,)))
    end = time.monotonic() + 30
    while len(list(folder.iterdir())) < len(stages) and time.monotonic() < end:
        time.sleep(0.01)
    seen, found = look(), list[Outcome]()
    (folder / "go").touch()
    while len(found) < len(stages):
        found += executor.wait(30)
    assert all(each.state == "completed" for each in found), found
    return sorted(found, key=lambda each: each.number), seen


def share() -> int:
    """Bytes of this process and its children, with what they share counted once."""
    total = 0
    for each in family.everybody():
        if os.getpid() in (each.pid, each.parent):
            lines = Path(f"/proc/{each.pid}/smaps_rollup").read_text().splitlines()
            total += next(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def test_two_workers_add_less_than_a_tenth_of_the_data_each(tmp_path):
    task, small, executor = task_of(200), task_of(0.2), Processes(2, threads=1)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    try:
        _, before = measured(executor, *[Reads(small, str(tmp_path / "first"))] * 2, look=share)
        found, after = measured(executor, *[Reads(task, str(tmp_path / "second"))] * 2, look=share)
    finally:
        executor.close()
    assert after - before < 0.2 * task.train.stored.nbytes, (before, after)
    expected = sum(int(each.inputs.sum()) for each in (task.search_data(0).train, task.search_data(0).held_out))
    assert [each.measurement.metrics["sum"] for each in found] == [expected, expected]


def test_a_limit_of_memory_below_the_size_of_the_data_ends_no_trial(tmp_path):
    executor = Processes(2, threads=1, memory=700_000_000)
    try:
        found, _ = measured(executor, *[Reads(task_of(900), str(tmp_path))] * 2)
    finally:
        executor.close()
    assert max(each.peak_memory or 0 for each in found) < 700_000_000


def test_what_a_trial_writes_to_the_data_reaches_nobody_else(tmp_path):
    task = task_of(2)
    before = task.train.stored.clone()
    executor = Processes(2, threads=1)
    try:
        stages = [Reads(task, str(tmp_path), writes=each) for each in (True, False)]
        (first, second), _ = measured(executor, *stages)
    finally:
        executor.close()
    assert first.measurement.metrics["first"] == second.measurement.metrics["first"] == int(before[0, 0, 0, 0])
    assert torch.equal(task.train.stored, before)


def test_what_is_packed_is_small_and_what_is_small_is_packed(tmp_path):
    few = tasks.arrays(np.zeros((12, 3, 8, 8), np.uint8), np.arange(12) % 2)
    stages = (Reads(task_of(3), str(tmp_path)),), (Reads(few, str(tmp_path)),)
    large, small = (Packer().pack(Job(0, Proposal(None), 0, each)).kit for each in stages)
    assert len(large.body) < 30_000 and len(large.blocks) == 1 and not small.places


def test_ordinary_arrays_are_moved_once_and_other_data_is_another_kit(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (200, 3, 32, 32), dtype=np.uint8)
    packer, task = Packer(), tasks.arrays(images, np.arange(200) % 2)
    one, two = (packer.pack(Job(0, Proposal(None), 0, (Reads(task, str(tmp_path), each),))) for each in (False, True))
    assert one.kit.blocks.keys() == two.kit.blocks.keys() and len(one.kit.blocks) == 1
    other = packer.pack(Job(0, Proposal(None), 0, (Reads(tasks.arrays(images, np.arange(200) % 2), str(tmp_path)),)))
    assert other.kit.blocks.keys() != one.kit.blocks.keys() and other.kit.digest != one.kit.digest
    assert pickle.loads(pickle.dumps(task)).fingerprint == task.fingerprint


def test_nothing_is_left_after_the_driver_was_killed(tmp_path):
    code = f"""
        import sys
        sys.path.insert(0, {str(HERE)!r})
        from test_shared_data import *
        executor = Processes(1, threads=1)
        executor.submit(Job(0, Proposal(None), 0, (Reads(task_of(5), {str(tmp_path)!r}),)))
        executor.wait()
    """
    driver = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)])
    end = time.monotonic() + 30
    while not (tmp_path / "0").exists() and time.monotonic() < end:
        time.sleep(0.02)
    others = family.family(driver.pid, family.everybody())
    assert len(others) > 1 and (tmp_path / "0").exists()
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    while {each.pid for each in others} & {each.pid for each in family.everybody()} and time.monotonic() < end:
        time.sleep(0.02)
    assert not {each.pid for each in others} & {each.pid for each in family.everybody()}
    assert not [each for each in os.listdir("/dev/shm") if blocks.NAME in each]


def test_a_space_that_lies_in_another_is_sent_with_it():
    inner = Mlp()
    outer = WithTraining(inner, {"learning_rate": (0.1, 0.01)})
    architecture = outer.sample(np.random.default_rng(0))
    parcel = Packer().pack(Job(0, Proposal(architecture), 0, (Cost(outer, TaskShape((4,), 2)),)))
    assert {parcel.kit.digest_of(each) for each in (inner, outer)} <= parcel.spaces <= set(parcel.kit.spaces)
