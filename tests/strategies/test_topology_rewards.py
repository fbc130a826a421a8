"""Rewards that know how a network is connected."""

from __future__ import annotations

import math

import numpy as np
import pytest

import netwright as nw
from netwright.core.errors import UserError
from netwright.core.graph import Edge, Graph, Node
from netwright.core.packing import packed, unpacked
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.strategies.reinforcement import QLearning
from netwright.strategies.reinforcement.reward import RewardOf
from netwright.strategies.reinforcement.topology import EXPERTS, Likeness, density, features

SPACE = nw.spaces.NasBench201(channels=4, cells=1)
RESIDUAL = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
PARALLEL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"


def test_density_counts_what_carries_something():
    assert density(EXPERTS["resnext"]) == 1.0
    assert density(SPACE.graph(SPACE.parse(RESIDUAL))) == 1.0
    assert density(SPACE.graph(SPACE.parse(PARALLEL))) == 5 / 4
    assert density(Graph((Node("a"), Node("b")), (Edge("a", "b", "none"),))) == 1e-3


def test_features_by_hand():
    """Two of three nodes of the residual block read one; one reads what is three steps before; one is read twice."""
    expected = [2 / 3, 1 / 3, 0, 2 / 3, 0, 1 / 3, 0, 2 / 3, 1 / 3, 0]
    assert features(EXPERTS["resnext"]) == pytest.approx(expected)
    assert features(SPACE.graph(SPACE.parse(RESIDUAL))) == pytest.approx(expected)
    assert not features(Graph((Node("a"),), ())).any()


def test_the_expert_is_ahead_of_all_that_was_seen_by_the_largest_margin():
    likeness, rng = Likeness("resnext", SPACE), np.random.default_rng(0)
    expert = features(EXPERTS["resnext"])
    drawn = {each: features(SPACE.graph(each)) for each in (SPACE.sample(rng) for _ in range(10))}
    seen = {each: own for each, own in drawn.items() if not np.array_equal(own, expert)}
    for each in [*seen] * 3:
        likeness.see(each)
    every = np.array([*seen.values()])
    margin = (likeness.weights @ expert - every @ likeness.weights).min()
    assert margin > 0.1 and np.linalg.norm(likeness.weights) == pytest.approx(1)
    others = rng.standard_normal((2000, 10))
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    assert margin >= (others @ expert - (others @ every.T).max(axis=1)).max() - 1e-3
    values = [likeness.see(each) for each in seen]
    assert likeness.see(SPACE.parse(RESIDUAL)) >= max(values) - 1e-9


def test_an_expert_may_be_an_architecture_of_the_space():
    likeness = Likeness(PARALLEL, SPACE)
    assert likeness.see(SPACE.parse(RESIDUAL)) < likeness.see(SPACE.parse(PARALLEL)) + 1e-9
    with pytest.raises(UserError, match=r"expert is 'resnxt'.*did you mean 'resnext'"):
        QLearning(SPACE, reward="scaled + likeness", expert="resnxt")


def test_block_qnn_corrects_accuracy_by_cost_and_density():
    from netwright.methods import blockqnn

    rewards = RewardOf(SPACE, blockqnn(SPACE).reward)
    trial = Trial(0, Proposal(SPACE.parse(PARALLEL)), "completed", Measurement({"macs": 1e6}), (0.9,))
    facts = rewards.see(trial)
    assert rewards.of(trial, facts) == pytest.approx(0.9 - 0.01 * math.log(1e6) - 0.08 * math.log(5 / 4))


def test_scaled_scores_follow_what_is_seen_later():
    rewards = RewardOf(SPACE, "2 * scaled")
    trials = [Trial(k, Proposal(SPACE.at(k)), "completed", Measurement({}), (float(k),)) for k in range(3)]
    facts = [rewards.see(each) for each in trials]
    assert [rewards.of(each, known) for each, known in zip(trials, facts, strict=True)] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("reward", ["scaled + 0.1 * likeness", "score - 0.08 * log(density)"])
def test_what_a_reward_knows_is_remembered(reward):
    rewards, trials = RewardOf(SPACE, reward), [Proposal(SPACE.at(k)) for k in (3, 700, 1500)]
    told = [Trial(k, each, "completed", Measurement({}), (float(k),)) for k, each in enumerate(trials)]
    rewards.see(told[0])
    other = RewardOf(SPACE, reward)
    other.remember(unpacked(*packed(rewards.memory())))
    facts = [each.see(trial) for each in (rewards, other) for trial in told[1:]]
    assert facts[:2] == facts[2:]
    assert rewards.of(told[1], facts[0]) == other.of(told[1], facts[0])
