"""What a graph network says of many graphs with one set of units left out after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from netwright.predictors.neural.neural_predictor import GraphNetwork


@torch.no_grad()
def scores_with(
    network: GraphNetwork, adjacency: Tensor, features: Tensor, there: Tensor, masks: Sequence[Sequence[Tensor]]
) -> Tensor:
    """`network(adjacency, features, there, each)` for each of these masks; (masks, n).

    The first convolution is the same for all. Masks weigh the next layer's weights instead of its input, and halves do
    likewise, since weights are fewer.
    """
    flow = network.directions(adjacency, there)
    share = 1 / there.sum(1, keepdim=True).clamp_min(1)
    states = _convolved(_gathered(flow, features), network, 0, None)
    first = _gathered(flow, states) if len(network.widths) > 2 else states[None]
    found: list[Tensor] = []
    for mask in masks:
        given, read = states, first
        for place in range(1, len(network.widths) - 1):
            given = _convolved(read, network, place, mask[place - 1])
            if place < len(network.widths) - 2:
                read = _gathered(flow, given)
        pooled = given.sum(1).mul_(share).mul_(mask[-2] / 2)
        units = torch.relu_(network.first(pooled)).mul_(mask[-1])
        found.append(network.last(units)[:, 0])
    return torch.stack(found)


def _gathered(flow: Tensor, states: Tensor) -> Tensor:
    """A V and A^T V; (2, n, nodes, width)."""
    return torch.stack([torch.bmm(each, states) for each in flow])


def _convolved(read: Tensor, network: GraphNetwork, place: int, mask: Tensor | None) -> Tensor:
    """Twice the states of a layer that reads what was gathered, of twice the states before unless that is the input."""
    layer = network.layers[place]
    scale = None if mask is None else mask / 2
    ways = [each.weight if scale is None else each.weight * scale for each in (layer.forwards, layer.backwards)]
    forwards, backwards = (torch.relu_(given @ each.T) for given, each in zip(read, ways, strict=True))
    return forwards.add_(backwards)
