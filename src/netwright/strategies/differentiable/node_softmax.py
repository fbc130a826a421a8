"""One softmax over all edges of a node (Jiang et al. 2019, "Improved Differentiable Architecture Search", I-DARTS)."""

from __future__ import annotations

import torch
from torch import Tensor

from netwright.strategies.differentiable.layout import Layout
from netwright.strategies.differentiable.parameters import FAR, Parameters
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Relaxation, Situation


class NodeSoftmax(Relaxation):
    """Every operation on every edge into a node, weighted by the softmax of all of the node's logits.

    So edges compete as operations do, and a node may lean on one edge or on several. Decisions that are no edges into a
    node that chooses among sources have a softmax of their own.
    """

    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        weights = softmax_of_nodes(situation.layout, situation.logits, situation.alive)
        return Draw(weights, situation.active, situation.logits)

    def stands_for(self, parameters: Parameters) -> Tensor:
        return softmax_of_nodes(parameters.layout, parameters.logits, parameters.alive)


def softmax_of_nodes(layout: Layout, logits: Tensor, alive: Tensor) -> Tensor:
    """The softmax over the options in play of all rows of a node; 0 for other options, (decisions, options)."""
    groups = groups_of(layout).to(logits.device)
    masked = logits.masked_fill(~alive, FAR)
    most = masked.detach().amax(-1)
    top = torch.full_like(most, FAR).scatter_reduce(0, groups, most, "amax")
    powers = (masked - top[groups, None]).exp() * alive
    sums = torch.zeros_like(most).index_add(0, groups, powers.sum(-1))
    return powers / sums[groups, None].clamp(min=torch.finfo(logits.dtype).tiny)


def groups_of(layout: Layout) -> Tensor:
    """For each row the first row of its node; itself where it is no edge into a node that chooses, (decisions,)."""
    found = list(range(len(layout.names)))
    for node in layout.nodes:
        rows = [row for row in node.rows if row is not None]
        for row in rows:
            found[row] = rows[0]
    return torch.tensor(found, dtype=torch.int64)
