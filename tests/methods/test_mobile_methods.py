"""MnasNet, FBNet and FBNetV2 have the numbers of their papers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from netwright.core.combination import combination
from netwright.core.errors import ConfigurationError
from netwright.core.task import TaskShape
from netwright.estimators import Cost
from netwright.estimators.penalties import Absolute, LogProduct
from netwright.methods.mobile import fbnet, fbnetv2, mnasnet, tunas
from netwright.spaces import NasBench201
from netwright.strategies.reinforcement import Controller, Learning, PathController
from netwright.tasks import open_task

SPACE = NasBench201(channels=2, cells=1)


@pytest.fixture(scope="module")
def task():
    return open_task("digits", limit=160)


@pytest.mark.parametrize(
    ("options", "macs", "reward"),
    [
        ({}, 20e6, 0.7 * 20e6**-0.07),
        ({"target": "10M"}, 20e6, 0.7 * 2**-0.07),  # 5 % less for twice the cost
        ({"target": "10M", "hard": True}, 20e6, 0.35),
        ({"target": "10M", "hard": True}, 5e6, 0.7),
    ],
)
def test_the_reward_of_mnasnet(options, macs, reward):
    text = mnasnet(SPACE, **options).reward
    assert combination(text).value({"score": 0.7, "macs": macs}) == pytest.approx(reward)


def test_a_hard_reward_needs_a_target():
    with pytest.raises(ConfigurationError, match="expected a target"):
        mnasnet(SPACE, hard=True)


def test_the_temperature_of_fbnet_falls_as_in_the_paper(task):
    search = fbnet(SPACE, task, epochs=90, device="cpu")
    strategy, estimator = search.strategy, search.estimator
    cooled = strategy.relaxation.temperature  # pyright: ignore
    for epoch in (0, 30, 89):
        assert cooled.at(epoch / 90) == pytest.approx(5 * math.exp(-0.045 * epoch))
    assert strategy.warm_up == pytest.approx(10 / 90) and strategy.level == "two"  # pyright: ignore
    assert estimator.validation == 0.2 and estimator.settings.weight_decay == 1e-4  # pyright: ignore
    assert repr(estimator.terms) == repr((LogProduct("macs", 0.2, 0.6),))  # pyright: ignore
    assert not fbnet(SPACE, task, alpha=0, device="cpu").estimator.terms  # pyright: ignore
    assert not fbnetv2(SPACE, task, device="cpu").estimator.terms  # pyright: ignore


def test_batches_are_the_papers_or_fit_the_data(task):
    settings = fbnet(SPACE, task, device="cpu").estimator.settings  # pyright: ignore
    assert settings.batch_size == 16 and settings.learning_rate == pytest.approx(0.1 * 16 / 192)


def test_tunas_is_rewarded_with_accuracy_less_the_distance_from_the_target(task, monkeypatch):
    search = tunas(SPACE, task, target=40_000, weight=0.5, epochs=2, batch_size=48, device="cpu", alarms=False)
    learnt: list[tuple[float, float]] = []
    plain = Controller.learn

    def learn(controller, architectures, rewards, **more):
        macs = search.estimator.cost.figures(architectures[0])["macs"]  # pyright: ignore
        learnt.append((rewards[0], 0.5 * abs(macs / 40_000 - 1)))
        plain(controller, architectures, rewards, **more)

    monkeypatch.setattr(Controller, "learn", learn)
    run = search.run()
    assert run.best.completed and learnt
    for reward, penalty in learnt:  # what is left is an accuracy on 48 images or fewer
        accuracy = reward + penalty
        assert -1e-6 <= accuracy <= 1 + 1e-6
    assert len({round(reward + penalty, 6) for reward, penalty in learnt}) < 49


def test_a_controller_reaches_the_target_by_the_absolute_reward():
    """On the cost alone: networks of the target's size become likely, neither smaller nor larger ones."""
    strategy = PathController(SPACE, learning=Learning(None, 0.05, baseline=0.9), warm_up=0.0)
    cost, rng = Cost(SPACE, TaskShape((1, 8, 8), 10)), np.random.default_rng(0)
    sizes = sorted(cost.figures(SPACE.sample(rng))["macs"] for _ in range(200))
    target = sizes[150]
    term = Absolute("macs", target)
    for _ in range(1500):
        drawn = strategy.controller.draw(rng).architecture
        strategy.controller.learn(
            [drawn], [-10 * float(term.joined(torch.zeros(()), torch.tensor(term.of(drawn, cost))))]
        )
    found = cost.figures(strategy.result())["macs"]
    assert abs(found / target - 1) < 0.25 < max(abs(sizes[0] / target - 1), abs(sizes[-1] / target - 1))
