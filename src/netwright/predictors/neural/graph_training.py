"""Training of a graph network with its gradient written out: many small steps, for which autograd would cost most."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from netwright.predictors.neural.adam import Adam, cosine

if TYPE_CHECKING:
    from netwright.predictors.neural.neural_predictor import GraphNetwork

_LEVELS = 1 << 16  # of the random numbers that say which units are dropped


def train(
    network: GraphNetwork,
    graphs: Sequence[Tensor],
    scores: np.ndarray,
    *,
    epochs: int,
    batch: int,
    rate: float,
    decay: float,
    rng: np.random.Generator,
) -> None:
    """Adam with a cosine schedule on the mean squared error of minibatches in random order.

    graphs: adjacency, features, and which nodes are there, as the network takes them.
    scores: float32 (n,).
    """
    error = SquaredError(network, *graphs)
    optimiser = Adam(error.weights, error.gradient, decay)
    for epoch in range(epochs):
        order = rng.permutation(len(scores))
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            error.differentiate(chosen, scores[chosen], error.kept(len(chosen), rng))
            optimiser.step(cosine(rate, epoch, epochs))
    error.give_back()


class SquaredError:
    """A graph network's mean squared error and its gradient, over any of the graphs that it is made with.

    weights, gradient: those of all layers in one row. The order of products is another than in the network: neighbours
    are added up before the weights are applied, and those of the features once for all steps.
    """

    def __init__(self, network: GraphNetwork, adjacency: Tensor, features: Tensor, there: Tensor) -> None:
        self._network = network
        flow = network.directions(adjacency, there)
        self._flow = flow.numpy()  # (2, n, nodes, nodes): along and against the edges
        self._features = (flow @ features).numpy()
        self._share = (1 / there.sum(1, keepdim=True).clamp_min(1)).numpy()  # of a node in the mean
        own = [each.detach().numpy() for each in _head(network)]
        parts = [*starmap(_stacked, _convolutions(network)), *own]
        self.weights = np.concatenate([each.ravel() for each in parts])
        self.gradient = np.zeros_like(self.weights)
        self._parts, self.gradients = _views(self.weights, parts), _views(self.gradient, parts)

    def kept(self, graphs: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Which of each layer's units dropout keeps: 1, or 0."""
        *layers, head = self._network.widths
        shapes = [*[(graphs, self._flow.shape[2], width) for width in layers], (graphs, head)]
        if not self._network.dropout:
            return [np.ones(1, np.float32)] * len(shapes)
        ends = np.cumsum([int(np.prod(each)) for each in shapes])
        numbers = rng.bit_generator.random_raw(int(ends[-1]) // 4 + 1).view(np.uint16)[: ends[-1]]
        row = np.empty(len(numbers), np.float32)
        np.greater_equal(numbers, round(self._network.dropout * _LEVELS), out=row, casting="unsafe")
        return [part.reshape(shape) for part, shape in zip(np.split(row, ends[:-1]), shapes, strict=True)]

    def differentiate(self, chosen: np.ndarray, scores: np.ndarray, kept: Sequence[np.ndarray]) -> float:
        """The mean squared error of these graphs; its gradient takes the place of the one before."""
        first, shift, last, level = self._parts[-4:]
        first_to, shift_to, last_to, level_to = self.gradients[-4:]
        flow, share = self._flow[:, chosen], self._share[chosen]
        more = 1 / (1 - self._network.dropout)  # what is kept weighs more
        halves = [each * np.float32(more / 2) for each in kept[:-1]]  # of the sum over both directions
        states, layers = self._states(flow, self._features[:, chosen], halves)
        pooled = states.sum(axis=1) * share
        units = np.maximum(pooled @ first.T + shift, 0)
        dropped = units * (last_kept := kept[-1] * np.float32(more))
        error = (dropped @ last.T + level)[:, 0] - scores
        outward = (error * np.float32(2 / len(chosen)))[:, None]
        np.matmul(outward.T, dropped, out=last_to)
        outward.sum(axis=0, out=level_to)
        inward = (outward @ last) * last_kept * (units > 0)
        np.matmul(inward.T, pooled, out=first_to)
        inward.sum(axis=0, out=shift_to)
        back = ((inward @ first) * share)[:, None]  # to every node alike
        for place in range(len(layers) - 1, -1, -1):
            back = self._back(place, back * halves[place], flow, *layers[place])
        return float(np.square(error).mean())

    def _states(
        self, flow: np.ndarray, gathered: np.ndarray, halves: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
        """The last layer's states; of each layer what it read, (2, rows, inputs), and gave, (2, rows, outputs)."""
        found: list[tuple[np.ndarray, np.ndarray]] = []
        states = gathered
        for place, weights in enumerate(self._parts[:-4]):
            if place:
                gathered = np.matmul(flow, states)
            read = gathered.reshape(2, gathered.shape[1] * gathered.shape[2], gathered.shape[3])
            given = read @ weights
            np.maximum(given, 0, out=given)
            states = (given[0] + given[1]).reshape(*gathered.shape[1:3], given.shape[2])
            states *= halves[place]
            found.append((read, given))
        return states, found

    def _back(self, place: int, back: np.ndarray, flow: np.ndarray, read: np.ndarray, given: np.ndarray) -> np.ndarray:
        """The gradient of one convolution's weights, and of the states that it read; (n, nodes, inputs)."""
        n, nodes = flow.shape[1:3]
        back = np.broadcast_to(back, (n, nodes, back.shape[2])).reshape(n * nodes, back.shape[2])
        passed = np.greater(given, 0, out=given, casting="unsafe")  # 0 or 1
        passed *= back
        np.matmul(read.transpose(0, 2, 1), passed, out=self.gradients[place])
        if not place:
            return back
        gathered = (passed @ self._parts[place].transpose(0, 2, 1)).reshape(2, n, nodes, read.shape[2])
        both = flow.transpose(0, 1, 3, 2) @ gathered
        return both[0] + both[1]

    @torch.no_grad()
    def give_back(self) -> None:
        """Write the weights into the network."""
        *layers, first, shift, last, level = self._parts
        for (forwards, backwards), both in zip(_convolutions(self._network), layers, strict=True):
            forwards.copy_(torch.from_numpy(both[0].T))
            backwards.copy_(torch.from_numpy(both[1].T))
        for own, found in zip(_head(self._network), (first, shift, last, level), strict=True):
            own.copy_(torch.from_numpy(found))


def _convolutions(network: GraphNetwork) -> list[tuple[Tensor, Tensor]]:
    return [(each.forwards.weight, each.backwards.weight) for each in network.layers]


def _head(network: GraphNetwork) -> tuple[Tensor, ...]:
    return network.first.weight, network.first.bias, network.last.weight, network.last.bias


def _stacked(forwards: Tensor, backwards: Tensor) -> np.ndarray:
    return np.stack([forwards.detach().numpy().T, backwards.detach().numpy().T])


def _views(row: np.ndarray, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The row's pieces, in the shapes of these parts."""
    pieces = np.split(row, np.cumsum([part.size for part in parts])[:-1])
    return [piece.reshape(part.shape) for piece, part in zip(pieces, parts, strict=True)]
