"""R1 and R3: a driver that is killed at any moment loses nothing, whatever the strategy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from every_search import cases, every_strategy, strategies_in

HERE = Path(__file__).parent
SAMPLE = ["RegularizedEvolution", "LocalSearch", "recipe asng", "recipe darts"]  # benchmarks/soak.py takes all
SEEDS = 2

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 and fork")


@pytest.fixture(scope="module")
def ended() -> list[dict[str, Any]]:
    """What became of the sample, in a process of its own, since this one has threads and may not fork."""
    command = [
        sys.executable,
        str(HERE / "driver_kills.py"),
        "--cases",
        ",".join(SAMPLE),
        "--seeds",
        str(SEEDS),
        "--kills",
        "2",
    ]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=200, check=False)
    return [json.loads(line) for line in found.stdout.splitlines()]


@pytest.mark.parametrize("name", SAMPLE)
def test_killed_and_resumed_it_ends_as_the_uninterrupted_one(name: str, ended: list[dict[str, Any]]) -> None:
    own = [each for each in ended if each["case"] == name]
    assert [each["trouble"] for each in own] == [""] * SEEDS
    assert all(each["equal"] for each in own), own
    assert not any(each["twice"] for each in own), "a trial was acknowledged, lost, and run again"
    assert not any(each["leftovers"] for each in own)
    killed = sum(each["codes"].count(-9) for each in own)
    assert killed >= 2, f"only {killed} kills found the driver alive"


def test_limits_that_were_changed_meanwhile_are_changed_at_the_same_place_in_the_log() -> None:
    command = [sys.executable, str(HERE / "driver_kills.py"), "--cases", "limited RegularizedEvolution"]
    found = subprocess.run([*command, "--kills", "2", "--steered"], stdout=subprocess.PIPE, text=True, timeout=200)
    ended = [json.loads(line) for line in found.stdout.splitlines()]
    assert len(ended) == 1 and all(each["good"] for each in ended), ended
    assert all(each["kills"] == 2 for each in ended)


def test_a_search_at_full_speed_is_killed_again_and_again_and_its_store_stays_sound() -> None:
    """The short form of the storm in benchmarks/soak.py; after each kill everything in the store is checked."""
    command = [sys.executable, str(HERE / "driver_kills.py"), "--cases", "fast evolution", "--kills", "10"]
    found = subprocess.run([*command, "--seeds", "3"], stdout=subprocess.PIPE, text=True, timeout=400, check=False)
    ended = [json.loads(line) for line in found.stdout.splitlines()]
    assert len(ended) == 3 and all(each["good"] for each in ended), ended
    assert sum(each["kills"] for each in ended) >= 5 and {each["trials"] for each in ended} == {3000}


def test_every_strategy_has_its_case() -> None:
    known = cases()
    covered = set().union(*(strategies_in(case.make(0)) for case in known.values()))
    assert covered >= set(every_strategy())
    assert set(SAMPLE) <= known.keys()
