"""The networks of the best trials outlive the search that trained them."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

import netwright as nw
from netwright.engine.folders import Folders
from netwright.training import evaluate
from netwright.training.progress import load_trained


@pytest.fixture(scope="module")
def task():
    return nw.tasks.digits(limit=200)


def search(task, **options) -> nw.Search:
    space = nw.spaces.Chain(width=4, stages=1, most=1)
    estimator = nw.estimators.Training(space, task, epochs=1, batch_size=64, device="cpu")
    return nw.Search(nw.strategies.RandomSearch(space), estimator, seed=3, **options)


def accuracy(run: nw.Run, trial, task) -> float:
    kept = run.weights(trial)
    assert kept is not None
    network = run.search.space.build(trial.architecture, task.shape)
    assert load_trained(network, kept) == 1
    data = task.search_data(0)
    return evaluate(network, data.held_out, data)["accuracy"]


@pytest.mark.parametrize("stored", [True, False])
def test_the_best_network_is_there_afterwards_and_no_other(task, stored: bool, tmp_path: Path) -> None:
    run = search(task).run(trials=5, store=tmp_path if stored else None)
    assert accuracy(run, run.best, task) == run.best.metrics["val_accuracy"]
    others = [trial for trial in run.trials if trial.number != run.best.number]
    assert all(run.weights(trial) is None for trial in others)
    if stored:
        again = search(task).load(tmp_path)
        assert accuracy(again, again.best, task) == run.best.metrics["val_accuracy"]
        assert len(list((tmp_path / "trials" / run.name).iterdir())) == 1
    else:
        folder = run.weights(run.best)
        del run
        gc.collect()
        assert folder is not None and not folder.exists()


def test_with_two_objectives_those_of_the_front_are_there(task, tmp_path: Path) -> None:
    run = search(task, objective=("val_accuracy", "params")).run(trials=6, store=tmp_path)
    assert {trial.number for trial in run.trials if run.weights(trial)} == {trial.number for trial in run.front}


def test_a_resumed_search_still_has_the_best_network_of_the_first_session(task, tmp_path: Path) -> None:
    first = search(task).run(trials=4, store=tmp_path)
    run = search(task).run(trials=6, store=tmp_path, resume=True)
    assert first.trials == run.trials[:4]
    assert accuracy(run, run.best, task) == run.best.metrics["val_accuracy"]


def test_an_estimator_that_keeps_nothing_costs_nothing(tmp_path: Path) -> None:
    folders = Folders(tmp_path, nw.strategies.RandomSearch(nw.spaces.Chain()))
    folders.note(None)  # type: ignore[arg-type]  # not even looked at
