"""A time limit holds for the training of shared weights: it ends early, and what it led to is evaluated."""

from __future__ import annotations

from pathlib import Path

import pytest

import netwright as nw
from netwright.core.objective import Objective
from netwright.engine.stops import Stopper, Stops
from netwright.strategies.differentiable import Differentiable
from netwright.strategies.rounds import Script, train

SPACE = nw.spaces.NasBench201(channels=2, cells=1)
EPOCHS = 1000  # which would take hours
OBJECTIVES = (Objective("val_accuracy", "maximize"),)


class Twice(nw.Rounds):
    """Two steps of the weights in a turn."""

    def __init__(self, space: nw.DecisionSpace) -> None:
        self.space = space

    def script(self, rng: object) -> Script:
        yield train(self.space.at(1))
        yield train(self.space.at(2))

    def result(self) -> nw.Architecture:
        return self.space.at(1)


def short(task: nw.tasks.Task) -> nw.estimators.SharedWeights:
    return nw.estimators.SharedWeights(SPACE, task, epochs=EPOCHS, batch_size=16)


@pytest.mark.parametrize(
    "method", ["darts", "gdas", "proxylessnas", "single-path-one-shot", "random-weight-sharing", "snas"]
)
def test_a_recipe_ends_in_time_with_a_result(method: str) -> None:
    task = nw.tasks.digits(limit=200)
    few = {"candidates": 20} if method == "random-weight-sharing" else {}  # they are scored when the time is up
    search = getattr(nw.methods, method.replace("-", "_"))(SPACE, task, epochs=EPOCHS, **few)
    run = search.run(time=1.0)
    assert run.best.completed
    assert max(each.metrics["epoch"] for each in run.trials if each.proposal.is_round) < EPOCHS


def test_why_it_stopped_is_said_and_the_part_of_an_epoch_is_recorded() -> None:
    run = nw.Search(Differentiable(SPACE), short(nw.tasks.digits(limit=200))).run(time=0.5)
    assert run.stopped == "time is up: 0.5s; the training of the shared weights ended early for it"
    assert run.trials[-2].proposal.is_round
    assert run.trials[-1].completed


def test_a_turn_with_two_steps_is_cut_after_either() -> None:
    run = nw.Search(Twice(SPACE), short(nw.tasks.digits(limit=200))).run(time=0.3)
    assert run.best.architecture == SPACE.at(1)


def test_a_turn_with_two_steps_ends_after_an_odd_number_of_them() -> None:
    estimator = nw.estimators.SharedWeights(SPACE, nw.tasks.digits(limit=60), epochs=3, batch_size=30, split=0.5)
    run = nw.Search(Twice(SPACE), estimator).run()
    assert max(each.metrics["epoch"] for each in run.trials if each.proposal.is_round) == 3
    assert run.best.architecture == SPACE.at(1)


def test_it_resumes_as_finished(tmp_path: Path) -> None:
    search = nw.Search(Differentiable(SPACE), short(nw.tasks.digits(limit=200)))
    run = search.run(time=0.5, store=tmp_path / "p", name="r")
    again = search.run(time=0.5, store=tmp_path / "p", name="r", resume=True)
    assert [str(each) for each in again.trials] == [str(each) for each in run.trials]


def test_when() -> None:
    stopper = Stopper(Stops(seconds=100.0), OBJECTIVES, patient=True)
    assert not stopper.weights_end(lambda: 109.0)
    assert stopper.weights_end(lambda: 111.0)
    assert Stopper(Stops(seconds=100.0), OBJECTIVES, lambda trial: 1.0, patient=True).weights_end(lambda: 61.0)
    assert not Stopper(Stops(), OBJECTIVES, patient=True).weights_end(lambda: 1e9)
    assert not Stopper(Stops(seconds=1.0), OBJECTIVES).weights_end(lambda: 1e9)
