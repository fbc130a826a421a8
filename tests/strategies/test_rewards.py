from __future__ import annotations

import math

import pytest
from free_search import Cell, trial_of

from netwright.core.trial import Proposal
from netwright.strategies.rewards import Rewards

SPACE = Cell(3)


def told(*scores, state="completed"):
    return [
        trial_of(k, Proposal(SPACE.at(k)), lambda _, score=score: score, lambda _: state)
        for k, score in enumerate(scores)
    ]


def rewards_of(trials):
    rewards = Rewards()
    for trial in trials:
        rewards.see(trial)
    return rewards.each(trials)


def test_scores_are_scaled_to_the_range_seen_so_far():
    assert rewards_of(told((3.0,), (1.0,), (2.0,))) == [1.0, 0.0, 0.5]
    assert rewards_of(told((7.0,))) == [0.5]


def test_several_objectives_count_alike():
    assert rewards_of(told((0.0, 10.0), (1.0, 0.0), (0.5, 10.0))) == [0.5, 0.5, 0.75]


def test_networks_that_learnt_nothing_do_not_press_the_others_together():
    rewards = rewards_of(told(*[(score,) for score in (10, 10, 80, 81, 82, 83, 84, 85, 86, 87, 88, 90.0)]))
    assert rewards[0] == rewards[2] == 0.0 and rewards[-1] == 1.0 and rewards[3] == pytest.approx(0.1)


def test_failures_and_infinite_scores_are_the_worst():
    (failed,) = told((1.0,), state="error")
    lost, low, high = told((-math.inf,), (1.0,), (2.0,))
    assert rewards_of([low, high, lost, failed]) == [0.0, 1.0, 0.0, 0.0]


def test_whether_the_scale_has_changed():
    rewards = Rewards()
    assert [rewards.see(each) for each in told((1.0,), (3.0,), (2.0,))] == [True, True, False]
