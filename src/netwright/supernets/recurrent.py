"""Recurrent cells of all architectures at once: for a mixture every state is normalised by its batch.

As the authors' code of DARTS (Liu et al. 2019) has it; for an architecture the cell is what it is alone. The options of
a node share their weights, so that a mixture needs one product of matrices a node, not one for each option and state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from netwright.networks.recurrent import Highway, RecurrentCell
from netwright.supernets.joined import OpenStates
from netwright.supernets.mixed import MixedEdges, MixedOperation


class MixedRecurrentCell(RecurrentCell):
    """A recurrent cell whose nodes mix all earlier states and activations."""

    norm: nn.BatchNorm1d

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        nodes = cast("list[MixedEdges]", list(self.nodes))
        if nodes[0].selection.chosen is not None:
            return super().forward(x, before)
        states = [self.norm(self.entered(x, before))]
        for node in nodes:
            states.append(self.norm(_mixed(node, states)))
        return self._mean(states)

    def _mean(self, states: Sequence[Tensor]) -> Tensor:
        """Of the output's states; of open ones each as far as it is unread."""
        output: Any = self.output
        if not isinstance(output, OpenStates):
            return torch.stack([states[i] for i in output]).mean(0)
        one = states[0].new_ones(())
        shares = torch.stack([one if share is None else share.to(one.dtype) for share in output.shares()])
        terms = torch.stack([states[i] for i in output])
        return (terms * shares[:, None, None]).sum(0) / shares.sum().clamp(min=1e-6)


def open_recurrent_cells(network: nn.Module) -> None:
    """Give each recurrent cell whose nodes are open its form in a network of all architectures."""
    for module in network.modules():
        if type(module) is RecurrentCell and all(isinstance(each, MixedEdges) for each in module.nodes):
            module.__class__ = MixedRecurrentCell
            channels = module.entrance.in_features // 2
            module.norm = nn.BatchNorm1d(channels, affine=False, device=module.entrance.weight.device)


def _mixed(node: MixedEdges, states: Sequence[Tensor]) -> Tensor:
    """A node's sum over all states and activations, each weighted."""
    shares, options = list(_shares(node)), _options(node)
    there, zero = torch.stack(list(states)), states[0].new_zeros(())
    step = next(iter(options.values()))  # its weights are those of all others
    gate, new = step.linear(torch.stack([step.dropout(each) for each in states])).chunk(2, -1)
    mixed, total = torch.zeros_like(there), there.new_zeros(len(states), 1, 1)
    for label, option in options.items():
        if any(label in share for share in shares):
            weight = torch.stack([share.get(label, zero).to(there) for share in shares])[:, None, None]
            mixed, total = mixed + option.activation(new) * weight, total + weight
    kept = there * total
    return (kept + gate.sigmoid() * (mixed - kept)).sum(0)


def _shares(node: MixedEdges) -> Iterator[dict[str, Tensor]]:
    """For each state that a node may take, the weight of every activation that is computed there."""
    selection = node.selection
    of_edges = selection.weights.get(f"{node.name}/sources")
    for i, each in enumerate(node.operations):
        operation = cast("MixedOperation", each)
        weights = None if operation.decision is None else selection.weights[operation.decision]
        share: dict[str, Tensor] = {}
        for place in operation.computed():
            weight = torch.ones(()) if weights is None else weights[place]
            share[operation.labels[place]] = weight if of_edges is None else weight * of_edges[i]
        yield share


def _options(node: MixedEdges) -> dict[str, Highway]:
    """The steps that a node may take from a state, by their activation."""
    operation = cast("MixedOperation", node.operations[0])
    options = zip(operation.labels, operation.options, strict=True)
    return {label: each for label, each in options if isinstance(each, Highway)}
