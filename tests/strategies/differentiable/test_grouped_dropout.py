"""Operations left out at random, by group."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bilevel import Bilevel, drive

from netwright.core.architecture import Mixture
from netwright.core.errors import ConfigurationError
from netwright.spaces import Chain, Darts
from netwright.strategies.differentiable import Adam, Differentiable, GroupedDropout
from netwright.strategies.differentiable.layout import Layout
from netwright.strategies.differentiable.parameters import Parameters


def test_the_groups_of_darts_have_four_operations_each() -> None:
    layout = Layout(Darts())
    learning, free = GroupedDropout().groups(layout)
    assert learning.sum(-1).unique().tolist() == [4]
    assert free.sum(-1).unique().tolist() == [4]
    assert not (learning & free).any()


def test_each_is_left_out_by_its_groups_rate_and_some_of_each_group_stay() -> None:
    layout = Layout(Darts(nodes=2))
    parameters = Parameters(layout)
    dropout = GroupedDropout(0.0625)  # 0.5 ** 4
    groups = dropout.groups(layout)
    rng = np.random.default_rng(0)
    total = torch.zeros(layout.exists.shape)
    count = 500
    for _ in range(count):
        alive, active = dropout.draw(groups, parameters, rng)
        assert all((alive & group).any(-1).all() for group in groups)
        assert active == {name: tuple(alive[i].nonzero().flatten().tolist()) for i, name in enumerate(layout.names)}
        total += alive
    kept = total[layout.exists] / count
    # Given that not all four are out: (0.5 - 0.0625) / (1 - 0.0625) are left out.
    assert float(kept.mean()) == pytest.approx(1 - 0.4375 / 0.9375, abs=0.01)


def test_only_operations_are_left_out() -> None:
    layout = Layout(Chain())
    dropout = GroupedDropout(0.5)
    alive, _ = dropout.draw(dropout.groups(layout), Parameters(layout), np.random.default_rng(0))
    others = torch.tensor([[each.kind != "one"] for each in layout.decisions])
    assert torch.equal(alive & others, layout.exists & others)
    assert (alive != layout.exists).any()


def test_what_is_left_out_keeps_its_logit_and_its_probability() -> None:
    space = Darts(nodes=2)
    strategy = Differentiable(space, optimiser=Adam(0.1), level="one", dropout=GroupedDropout(0.1))
    problem = Bilevel(space, epochs=1, steps=4)
    moved = 0
    for step in range(1, 4):
        before = strategy._parameters.logits.clone()
        problem.epochs, problem.steps = 4, step  # run one more training step
        drive(strategy, problem, epochs=1, start=step)
        after = strategy._parameters.logits
        if step == 1:
            continue
        mixture = problem.asked[-1].candidate
        assert isinstance(mixture, Mixture)
        for i, name in enumerate(strategy._layout.names):
            out = [k for k in range(8) if k not in mixture.active[name]]
            assert torch.equal(after[i, out], before[i, out])
            assert torch.allclose(after[i].softmax(0)[out], before[i].softmax(0)[out], atol=1e-6)
            assert not mixture.weights[name].detach()[out].any()
            moved += bool((after[i] != before[i]).any())
    assert moved


def test_a_rate_is_a_probability_below_one() -> None:
    with pytest.raises(ConfigurationError, match="rate is 1"):
        GroupedDropout(1)
    with pytest.raises(ConfigurationError, match="rate is -1"):
        GroupedDropout(-1)
