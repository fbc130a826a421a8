"""The matrix of all decisions' weights, and the update rule of the logits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright.core.errors import ConfigurationError
from netwright.spaces import Darts, NasBench201
from netwright.strategies.differentiable import Adam, Schedule
from netwright.strategies.differentiable.layout import Layout
from netwright.strategies.differentiable.optimiser import Horizon
from netwright.strategies.differentiable.parameters import Parameters, softmax


def test_rows_and_matrix_are_inverse() -> None:
    layout = Layout(Darts(), edge_weights=True)
    matrix = torch.randn(layout.exists.shape) * layout.exists
    rows = layout.rows(matrix)
    assert list(rows) == [each.name for each in Darts().decisions]
    assert {name: len(row) for name, row in rows.items()}["normal/node2/sources"] == 4
    assert len(rows["normal/node2/0"]) == 8  # the soft option, too
    assert torch.equal(layout.matrix(rows, matrix), matrix)


def test_decisions_that_were_not_told_of_have_no_gradient() -> None:
    layout = Layout(NasBench201())
    name = layout.names[2]
    matrix = layout.matrix({name: torch.arange(5.0)}, torch.zeros(1))
    assert torch.equal(matrix[2], torch.arange(5.0))
    assert float(matrix.abs().sum()) == 10.0


def test_sources_are_rows_only_where_their_weights_are_wanted() -> None:
    assert not any("sources" in name for name in Layout(Darts()).names)
    nodes = Layout(Darts()).nodes
    assert len(nodes) == 6
    assert {node.keep for node in nodes} == {2}


def test_options_out_of_play_weigh_nothing_and_the_others_sum_to_one() -> None:
    parameters = Parameters(Layout(NasBench201()))
    parameters.logits = torch.randn(parameters.logits.shape)
    parameters.restrict(0, (1, 3))
    parameters.restrict(1, ())
    parameters.restrict(2, (4,))
    weights = parameters.probabilities()
    expected = torch.zeros(5)
    expected[[1, 3]] = parameters.logits[0, [1, 3]].softmax(0)
    assert torch.allclose(weights[0], expected)
    assert torch.equal(weights[1], torch.zeros(5))
    assert torch.equal(weights[2], torch.eye(5)[4])
    names = parameters.layout.names
    assert parameters.active == {names[0]: (1, 3), names[1]: (), names[2]: (4,)}
    assert parameters.moving is not None
    assert parameters.moving.sum(1).tolist() == [2, 0, 0, 5, 5, 5]


def test_an_edge_that_is_gone_has_a_finite_gradient() -> None:
    logits = torch.randn(2, 3, requires_grad=True)
    alive = torch.tensor([[True, True, False], [False, False, False]])
    softmax(logits, alive).square().sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert torch.equal(logits.grad[1], torch.zeros(3))


@pytest.mark.parametrize("clip", [None, 0.5])
def test_adam_is_that_of_torch(clip: float | None) -> None:
    parameters = Parameters(Layout(NasBench201()))
    parameters.logits = torch.randn(parameters.logits.shape)
    reference = parameters.logits.clone().requires_grad_()
    theirs = torch.optim.Adam([reference], lr=0.01, betas=(0.5, 0.999), weight_decay=0.1)
    ours = Adam(0.01, weight_decay=0.1, clip=clip)
    memory = ours.start(parameters)
    for _ in range(20):
        gradient = torch.randn(reference.shape)
        reference.grad = gradient.clone()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_([reference], clip)
        theirs.step()
        ours.step(memory, parameters, gradient, None, Horizon(0, 0))
    assert torch.allclose(parameters.logits, reference, rtol=1e-5, atol=1e-6)


def test_adam_leaves_what_does_not_move_and_its_moments() -> None:
    parameters = Parameters(Layout(NasBench201()))
    parameters.logits = torch.randn(parameters.logits.shape)
    before = parameters.logits.clone()
    ours = Adam(0.1)
    memory = ours.start(parameters)
    moving = torch.rand(before.shape) < 0.5
    ours.step(memory, parameters, torch.randn(before.shape), moving, Horizon(0, 0))
    assert torch.equal(parameters.logits[~moving], before[~moving])
    assert (parameters.logits[moving] != before[moving]).all()
    assert not memory["first"][~moving].any()
    assert memory["second"][moving].all()


@pytest.mark.parametrize(
    "wrong", [{"learning_rate": 0.0}, {"betas": (0.5, 1.0)}, {"weight_decay": -1.0}, {"clip": 0.0}]
)
def test_adam_says_what_it_expected(wrong: dict) -> None:
    with pytest.raises(ConfigurationError, match="expected"):
        Adam(**wrong)


def test_schedules() -> None:
    assert [Schedule(10.0, 0.1).at(x) for x in (0.0, 0.5, 1.0)] == pytest.approx([10.0, 5.05, 0.1])
    assert [Schedule(4.0, 1.0, "exponential").at(x) for x in (0.0, 0.5, 1.0)] == pytest.approx([4.0, 2.0, 1.0])
    assert np.isclose(Schedule(3.0).at(0.7), 3.0)
    with pytest.raises(ConfigurationError, match="expected 'linear' or 'exponential'"):
        Schedule(1.0, 2.0, "cosine")
    with pytest.raises(ConfigurationError, match="expected positive numbers"):
        Schedule(1.0, 0.0)
