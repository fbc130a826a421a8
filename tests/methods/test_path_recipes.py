"""Each recipe runs to its end on shared weights, names an architecture, and goes on alike after an interruption."""

from __future__ import annotations

import pytest
from torch import nn

from netwright.core.decision_space import DecisionSpace
from netwright.engine import Search
from netwright.estimators import SharedWeights
from netwright.methods.distributions import asng, mdenas
from netwright.methods.single_path import fairnas, one_shot, random_weight_sharing, single_path_one_shot
from netwright.strategies import RegularizedEvolution
from netwright.strategies.paths import NaturalGradient, TopEvolution, UniformPaths
from netwright.tasks import open_task


class Nested(DecisionSpace):
    """A convolution with or without a second one inside, then one of three operations: six networks."""

    def network(self, choose, shape):
        def convolution(size):
            return nn.Sequential(nn.Conv2d(4, 4, size, padding=size // 2, bias=False), nn.BatchNorm2d(4), nn.ReLU())

        def deep():
            second = {"same": lambda: convolution(3), "point": lambda: convolution(1)}
            return nn.Sequential(convolution(3), choose.one("second", second))

        last = {"conv": lambda: convolution(3), "pool": lambda: nn.AvgPool2d(3, 1, 1), "skip": nn.Identity}
        return nn.Sequential(
            nn.Conv2d(shape.channels, 4, 3, padding=1),
            choose.one("first", {"flat": lambda: convolution(1), "deep": deep}),
            choose.one("last", last),
            *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, shape.classes)),
        )


SPACE = Nested()
SMALL = {"epochs": 2, "batch_size": 20, "device": "cpu"}
RECIPES = {
    "single-path-one-shot": lambda task: single_path_one_shot(
        SPACE, task, population=3, generations=2, top=2, recalibrate=2, **SMALL
    ),
    "fairnas": lambda task: fairnas(SPACE, task, population=3, generations=2, **SMALL),
    "one-shot": lambda task: one_shot(SPACE, task, evaluations=4, **SMALL),
    "random-weight-sharing": lambda task: random_weight_sharing(SPACE, task, candidates=5, batches=2, best=2, **SMALL),
    "asng": lambda task: asng(SPACE, task, **SMALL),
    "mdenas": lambda task: mdenas(SPACE, task, **SMALL),
}


@pytest.fixture(scope="module")
def task():
    return open_task("digits", limit=200)


@pytest.fixture(scope="module")
def whole(task):
    """Each recipe run once, uninterrupted."""
    return {name: make(task).run() for name, make in RECIPES.items()}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains_evaluates_and_names_an_architecture(whole, name):
    run = whole[name]
    epochs = [each for each in run.trials if each.proposal.purpose == "train"]
    scored = [each for each in run.trials if each.proposal.purpose == "evaluate"]
    assert [each.metrics["epoch"] for each in epochs] == [1.0, 2.0]
    assert scored and len(scored) + 2 == len(run.trials)
    SPACE.validate(run.best.architecture)
    assert run.best in scored
    assert 0 <= run.best.metrics["val_accuracy"] <= 1


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_recipe_interrupted_and_resumed_gives_the_same(whole, task, tmp_path, name, after):
    """After the first epoch, after the second, and between evaluations."""
    ended = []

    def stop(trial):
        ended.append(trial)
        if len(ended) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        RECIPES[name](task).run(store=tmp_path, name="r", on_trial=stop)
    resumed = RECIPES[name](task).run(store=tmp_path, name="r", resume=True)
    assert [_plain(row) for row in resumed.table()] == [_plain(row) for row in whole[name].table()]
    assert resumed.best.architecture == whole[name].best.architecture


def _plain(row):
    """A row without what is measured on the machine."""
    return {**row, "metrics": {key: value for key, value in row["metrics"].items() if key != "peak_memory"}}


def test_evolution_runs_on_the_trained_weights_of_another_run(task, tmp_path):
    estimator = SharedWeights(SPACE, task, **SMALL)
    Search(UniformPaths(SPACE), estimator).run(store=tmp_path, name="trained")
    trained = estimator.replace(trained=str(tmp_path / "shared" / "trained"))
    plain = Search(RegularizedEvolution(SPACE, population=3, tournament=2), trained).run(trials=8)
    assert len(plain.trials) == 8 and all(each.completed for each in plain.trials)
    top = Search(TopEvolution(SPACE, population=3, generations=2, top=2), trained).run()
    assert all(each.proposal.purpose == "evaluate" for each in top.trials)


def test_asngs_settings_are_those_of_the_mean_gradient(task):
    found = asng(SPACE, task, samples=4, learning_rate=0.1, weight_decay=0.01, gradient_clip=None, device="cpu")
    settings = found.estimator.settings
    assert (settings.learning_rate, settings.weight_decay, settings.gradient_clip) == (0.025, 0.04, None)
    assert isinstance(found.strategy, NaturalGradient) and found.strategy.samples == 4
