"""`netwright search DATA --time T` without further words: a race by the clock, stored, shown and taken home."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from netwright.cli.app import app
from netwright.cli.asked import SearchOptions
from netwright.cli.planning import plan_of_search
from netwright.results.documents import PLANNED
from netwright.store import Store


def netwright(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(240, 3))
    kinds = np.where(numbers[:, 0] + numbers[:, 1] > 0, "yes", "no")
    rows = [",".join([*(f"{each:.4f}" for each in row), kind]) for row, kind in zip(numbers, kinds, strict=True)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["a,b,c,bought", *rows]), encoding="utf-8")
    return path


def test_a_few_seconds_give_a_network_that_is_taken_home(table: Path) -> None:
    said = netwright("search", table, "--target-column", "bought", "--time", "10s", "--name", "r")
    for word in ("contestants: ", "training: ", "race: ", "time: ", "found network"):
        assert word in said
    report = json.loads(netwright("show", "r", "--json"))["report"]["figures"]
    assert report["winner"]["values"][0] > 0.7, "two numbers decide"
    assert json.loads(netwright("runs", "--json"))[0]["best"]["trial"] == report["search"]["best trial"]
    netwright("export", "r", "--to", "best")
    assert (table.parent / "best" / "model.py").exists()


def test_a_limit_of_a_machine_brings_no_warnings_of_the_clock(table: Path) -> None:
    said = netwright("search", table, "--target-column", "bought", "--time", "10s", "--limit", "latency_ms <= 500")
    assert "of its last epoch only" not in said and "latency_ms <= 500" in said


def test_the_list_of_runs_names_what_was_handed_over(table: Path) -> None:
    asked = ("--target-column", "bought", "--strategy", "random", "--trials", 3, "--epochs", 1, "--final-epochs", 0)
    netwright("search", table, *asked, "--name", "r")

    def named() -> int:
        return json.loads(netwright("runs", "--json"))[0]["best"]["trial"]

    highest = named()
    with Store("netwright-runs") as store:
        store.keep("r", PLANNED, [(highest + 1) % 3, 0, 0])
    assert named() == (highest + 1) % 3


@pytest.mark.parametrize(
    ("options", "strategy"),
    [
        ({"time": "5m"}, "auto"),
        ({}, "auto"),
        ({"time": "5m", "trials": 30}, "auto"),
        ({"trials": 30}, "evolution"),
        ({"time": "5m", "epochs": 3}, "evolution"),
        ({"time": "5m", "repeats": 2}, "evolution"),
        ({"time": "5m", "objective": ("val_accuracy", "params:minimize")}, "evolution"),
        ({"time": "5m", "strategy": "random"}, "random"),
    ],
)
def test_what_the_person_decides_on_chooses_the_search(options: dict[str, Any], strategy: str) -> None:
    assert plan_of_search(SearchOptions("digits", **options)).strategy == strategy


@pytest.mark.parametrize(
    ("options", "workers", "decides"),
    [
        ({"time": "5m"}, 1, True),
        ({"time": "5m", "workers": 1}, 1, False),
        ({"time": "5m", "workers": 3}, 3, False),
        ({"time": "5m", "memory": "4g"}, 1, False),
        ({"time": "5m", "strategy": "evolution"}, 1, False),
    ],
)
def test_how_many_trainings_run_at_once_is_decided_where_nobody_says(options, workers, decides) -> None:
    plan = plan_of_search(SearchOptions("digits", **options))
    assert (plan.workers, plan.decides_workers) == (workers, decides)
