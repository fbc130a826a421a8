"""I-DARTS: one softmax over all edges into a node."""

from __future__ import annotations

import numpy as np
import torch

import netwright as nw
from netwright.spaces.recurrent import Recurrent
from netwright.strategies.differentiable import Differentiable, NodeSoftmax
from netwright.strategies.differentiable.layout import Layout
from netwright.strategies.differentiable.node_softmax import softmax_of_nodes
from netwright.testing import check_round_strategy

CELL = nw.spaces.Darts(cells=2, channels=2, nodes=3)


def test_the_weights_of_a_node_are_the_softmax_of_all_its_logits_together() -> None:
    layout = Layout(CELL)
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=tuple(layout.exists.shape)))
    alive = layout.exists.clone()
    alive[3, 1] = alive[4, :] = False
    found = softmax_of_nodes(layout, logits, alive)
    grouped = 0
    for node in layout.nodes:
        rows = [row for row in node.rows if row is not None]
        grouped += len(rows)
        powers = (logits[rows].exp() * alive[rows]).numpy()
        assert np.allclose(found[rows].numpy(), powers / powers.sum()), "none of an edge included"
    alone = [row for row in range(len(layout.names)) if all(row not in node.rows for node in layout.nodes)]
    assert len(alone) == 4 and grouped + len(alone) == len(layout.names), "two edges of the first node of each cell"
    assert torch.allclose(found[alone], logits[alone].masked_fill(~alive[alone], -1e9).softmax(-1))


def test_its_gradient_is_that_of_finite_differences() -> None:
    layout = Layout(Recurrent(nodes=3, channels=2))
    logits = torch.from_numpy(np.random.default_rng(1).normal(size=tuple(layout.exists.shape))).requires_grad_()
    assert torch.autograd.gradcheck(lambda each: softmax_of_nodes(layout, each, layout.exists), logits)


def test_large_logits_are_weighed_too() -> None:
    layout = Layout(CELL)
    found = softmax_of_nodes(
        layout, 500.0 * torch.arange(layout.exists.numel()).view(layout.exists.shape), layout.exists
    )
    assert torch.isfinite(found).all() and float(found.sum()) == len(layout.nodes) + 4


def test_what_stands_for_it_is_the_strongest_edge_with_its_strongest_operation() -> None:
    space = Recurrent(nodes=3, channels=2)
    strategy = Differentiable(space, NodeSoftmax())
    parameters = strategy._parameters
    parameters.logits[parameters.layout.places["node2/1"], 2] = 3.0
    found = strategy.result().decisions
    assert found["node2/sources"] == (1,) and found["node2/1"] == space.activations[2]


def test_the_contract_of_rounds() -> None:
    check_round_strategy(lambda space: Differentiable(space, NodeSoftmax()), CELL)
