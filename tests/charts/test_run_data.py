"""A run as columns says what the store says, and is brought up to date by what is new."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
from run_parts import Given, add, told, write

from netwright.charts import RunData
from netwright.core.errors import UserError
from netwright.store import Store

TRIALS = [
    Given(0.5, 100, fidelity=0.5, point=(1, 2), seconds=2.0, curve=({"loss": 1.5}, {"loss": math.nan})),
    Given(None, 900, "infeasible", reason="params 900 breaks the limit", start=2.0),
    Given(0.75, 300, parent=0, start=3.0, place="worker 1"),
    Given(0.7, 200, start=4.0),
]


def test_columns_are_those_of_the_stored_trials(tmp_path: Path) -> None:
    write(tmp_path, TRIALS, limits=("params <= 800",), documents={"notes": {"seed": 3}})
    with Store.open_readonly(tmp_path) as store:
        stored, data = store.read_run("r").trials, RunData.read(store, "r")
        assert data.numbers.tolist() == [0, 1, 2, 3] == [each.number for each in stored]
        assert list(data.states) == [each.state for each in stored]
        assert data.fidelities.tolist() == [each.share for each in stored]
        assert data.texts == [each.text for each in stored]
        assert data.reasons[1] == stored[1].reason
        for place, each in enumerate(stored):
            measured = {name: values[place] for name, values in data.metrics.items() if not np.isnan(values[place])}
            assert measured == dict(each.metrics)
        assert data.curve(0)[0] == stored[0].curve[0] and math.isnan(data.curve(0)[1]["loss"])
        assert data.documents == {"notes": {"seed": 3}}
        assert [str(each) for each in data.limits] == ["params <= 800"]


def test_scores_times_choices_and_places(tmp_path: Path) -> None:
    write(tmp_path, TRIALS)
    with Store.open_readonly(tmp_path) as store:
        data = RunData.read(store, "r")
        np.testing.assert_equal(data.scores[:, 0], [0.5, np.nan, 0.75, 0.7])
        np.testing.assert_allclose(data.started, [0, 2, 3, 4], atol=1e-3)
        np.testing.assert_allclose(data.ended, [2, 3, 4, 5], atol=1e-3)
        np.testing.assert_equal(data.parents, [np.nan, np.nan, 0, np.nan])
        assert data.choices == {"a": ["y", "x", "x", "x"], "b": [3, 1, 1, 1]}
        assert data.places == ["worker 0", "worker 0", "worker 1", "worker 0"]
        assert data.compared.tolist() == [False, False, True, True]  # the first was trained for half the time
        assert data.best == 2


def test_an_update_reads_what_was_told_since(tmp_path: Path) -> None:
    write(tmp_path, [*TRIALS[:2], Given(None, state="running")])
    with Store(tmp_path) as store:
        data = RunData.read(store, "r")
        assert data.states == ("completed", "infeasible", "running") and not data.update()
        writer = store.writer("r", lambda: 1.0)
        writer.add(told(2, 2, Given(0.9), ("val_accuracy",)))
        writer.wait()
        writer.close()
        assert data.update() and data.states[2] == "completed" and data.scores[2, 0] == 0.9
        add(store, [Given(0.95, point=(1, 1))], 3)
        assert data.update() and data.numbers.tolist() == [0, 1, 2, 3]
        assert data.choices["a"][3] == "y" and data.best == 3
        fresh = RunData.read(store, "r")
        assert fresh.states == data.states and fresh.texts == data.texts


def test_a_run_without_trials(tmp_path: Path) -> None:
    write(tmp_path, [])
    with Store.open_readonly(tmp_path) as store:
        data = RunData.read(store, "r")
        assert len(data) == 0 and data.best is None and data.metrics == {} and data.scores.shape == (0, 1)
        assert data.choices == {} and data.places == []


def test_an_unknown_run_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, [], name="digits")
    with Store.open_readonly(tmp_path) as store, pytest.raises(UserError, match="did you mean 'digits'"):
        RunData.read(store, "digit")


def test_reading_does_not_touch_curves(tmp_path: Path) -> None:
    long = tuple({"loss": 1.0, "epoch": float(epoch)} for epoch in range(400))
    write(tmp_path, [Given(0.5, curve=long, point=(number % 2, number % 3)) for number in range(300)])
    with Store.open_readonly(tmp_path) as store:
        begun = time.process_time()
        data = RunData.read(store, "r")
        assert data.metrics and data.scores.shape == (300, 1)
        columns = time.process_time() - begun
        begun = time.process_time()
        assert len(store.read_run("r").trials) == 300
        assert columns < (time.process_time() - begun) / 3
