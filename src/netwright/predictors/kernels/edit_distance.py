"""The kernel of Auto-Keras (Jin et al. 2019, "Auto-Keras: An Efficient Neural Architecture Search System")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.errors import ConfigurationError
from netwright.predictors.kernels.kernel import Hyperparameter, weighted_sums
from netwright.predictors.kernels.labels import LabelTable, relative_difference
from netwright.predictors.kernels.pairs import PairKernel, padded
from netwright.predictors.kernels.transport import best_savings

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.predictors.kernels.layers import LayerGraph


@dataclass(frozen=True, slots=True)
class _Profile:
    """layers: labels of the operations in order. skips: (n, 2), where each skip connection starts, and its length."""

    layers: np.ndarray
    skips: np.ndarray


class EditDistance(PairKernel):
    """exp(-beta d) of the edits between two networks, d = layers + `skip_weight` * skip connections (equation 2).

    The layers' part is the least cost of turning one sequence of operations into the other, where adding and leaving
    out a layer cost 1 (equations 3 and 4); that of the skip connections is the cheapest matching, where one without a
    partner costs 1 (equations 5 and 6). A skip connection is a link that leads past at least one layer in the order of
    calculation.

    space: the space whose architectures are meant.
    skip_weight: lambda, 1 in the authors' code.

    It is not the authors' kernel. Theirs is exp(-d^2) after the networks were embedded in a Euclidean space by their
    distances to subsets of the examples (Bourgain), in every version since the paper's: always positive definite, but
    another one with each new example. Here no embedding is made, beta is learnt, d is not squared, and the Gaussian
    process adds to the diagonal where it must.
    """

    def __init__(self, space: Space, skip_weight: float = 1.0) -> None:
        super().__init__(space)
        if skip_weight < 0:
            raise ConfigurationError(f"EditDistance: skip_weight is {skip_weight!r}; expected at least 0")
        self.skip_weight = skip_weight
        self._labels = LabelTable(relative_difference)

    def profile(self, graph: LayerGraph) -> Any:
        operations = [label for label, known in zip(graph.labels, graph.is_operation, strict=True) if known]
        skips = [(source, target - source) for source, target in graph.connections if target - source > 1]
        return _Profile(self._labels.numbers(operations), np.array(skips, dtype=np.float64).reshape(-1, 2))

    def distances(self, first: Sequence[Any], second: Sequence[Any]) -> np.ndarray:
        layers = layer_edits([a.layers for a in first], [b.layers for b in second], self._labels.matrix())
        skips = skip_edits([a.skips for a in first], [b.skips for b in second])
        return (layers + self.skip_weight * skips)[None]

    def own_measures(self, rows: np.ndarray) -> np.ndarray:
        return np.zeros((1, len(rows)))

    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        return (Hyperparameter("beta", 0.3, 1e-3, 1e1),)

    def covariance(self, measures: np.ndarray, logs: np.ndarray) -> np.ndarray:
        return np.exp(-np.exp(logs[0]) * measures[0])

    def gradient(
        self, measures: np.ndarray, covariance: np.ndarray, logs: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        return -np.exp(logs) * weighted_sums(measures, weights * covariance)


def layer_edits(first: Sequence[np.ndarray], second: Sequence[np.ndarray], costs: np.ndarray) -> np.ndarray:
    """float64 (pairs,): the edit distance of each pair of sequences (Wagner and Fischer 1974), all pairs at once."""
    ours, theirs = padded(first), padded(second)
    lengths = np.array([len(each) for each in first]), np.array([len(each) for each in second])
    table = np.zeros((ours.shape[1] + 1, theirs.shape[1] + 1, len(ours)))
    table[:, 0] = np.arange(ours.shape[1] + 1)[:, None]
    table[0, :] = np.arange(theirs.shape[1] + 1)[:, None]
    for i in range(ours.shape[1]):
        for j in range(theirs.shape[1]):
            left_out = np.minimum(table[i, j + 1], table[i + 1, j]) + 1
            table[i + 1, j + 1] = np.minimum(left_out, table[i, j] + costs[ours[:, i], theirs[:, j]])
    return table[lengths[0], lengths[1], np.arange(len(ours))]


def skip_edits(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> np.ndarray:
    """The least cost of matching skip connections, by where they start and how long they are; float64 (pairs,).

    A match costs at most 1, what one without a partner costs: so it saves something against leaving one of both out.
    """
    ours, theirs = padded(first), padded(second)
    apart = np.abs(ours[:, :, None] - theirs[:, None]).sum(axis=3)
    costs = apart / np.maximum(np.maximum(ours[:, :, None], theirs[:, None]).sum(axis=3), 1.0)
    numbers = np.array([len(each) for each in first]), np.array([len(each) for each in second])
    there = [np.arange(rows.shape[1]) < count[:, None] for rows, count in zip((ours, theirs), numbers, strict=True)]
    changes = (costs - 1) * (there[0][:, :, None] & there[1][:, None])
    return np.maximum(*numbers) + best_savings(changes)
