"""MnasNet, FBNet and FBNetV2 have the numbers of their papers."""

from __future__ import annotations

import math

import pytest

from netwright.core.combination import combination
from netwright.core.errors import ConfigurationError
from netwright.estimators.terms import ExpectedCost
from netwright.methods.mobile import fbnet, fbnetv2, mnasnet
from netwright.spaces import NasBench201
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
    assert [type(each) for each in estimator.terms] == [ExpectedCost]  # pyright: ignore
    assert not fbnet(SPACE, task, cost=0, device="cpu").estimator.terms  # pyright: ignore
    assert not fbnetv2(SPACE, task, device="cpu").estimator.terms  # pyright: ignore


def test_batches_are_the_papers_or_fit_the_data(task):
    settings = fbnet(SPACE, task, device="cpu").estimator.settings  # pyright: ignore
    assert settings.batch_size == 16 and settings.learning_rate == pytest.approx(0.1 * 16 / 192)
