"""The Weisfeiler-Lehman subtree kernel (Shervashidze et al. 2011), used for NAS by Ru et al. 2021 (NAS-BOWL)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from netwright.core.errors import ConfigurationError
from netwright.predictors.kernels.kernel import GraphKernel, Hyperparameter

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.predictors.kernels.layers import LayerGraph


class WeisfeilerLehman(GraphKernel):
    """How many layers two networks have in common, and how many with the same layers around them.

    space: the space whose architectures are meant.
    iterations: how far around a layer is looked, against the direction of the edges as in Ru et al. 2021; 0 compares
        the layers' labels alone. Each iteration's counts give one normalised kernel; how much each weighs is learnt.
    """

    def __init__(self, space: Space, iterations: int = 2) -> None:
        super().__init__(space)
        if iterations < 0:
            raise ConfigurationError(f"WeisfeilerLehman: iterations is {iterations}; expected at least 0")
        self.iterations = iterations
        self._labels: dict[Any, int] = {}

    def describe(self, graph: LayerGraph) -> Any:
        """For each iteration the numbers of the labels, and how often each of them occurs."""
        labels = [self._number(label) for label in graph.labels]
        sources = [np.flatnonzero(column).tolist() for column in graph.adjacency.T]
        found = [Counter(labels)]
        for _ in range(self.iterations):
            labels = [
                self._number((own, *sorted(labels[source] for source in before)))
                for own, before in zip(labels, sources, strict=True)
            ]
            found.append(Counter(labels))
        return found

    def _number(self, label: Any) -> int:
        """A number for a label; labels of different iterations never meet, for they are nested more deeply."""
        return self._labels.setdefault(label, len(self._labels))

    def measures(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """The cosine of the counts of each iteration."""
        return np.stack(
            [(self._counts(first, k) @ self._counts(second, k).T).toarray() for k in range(self.iterations + 1)]
        )

    def own_measures(self, rows: np.ndarray) -> np.ndarray:
        return np.ones((self.iterations + 1, len(rows)))

    def _counts(self, rows: np.ndarray, iteration: int) -> sparse.csr_matrix:
        """Counts of each row, scaled to length 1."""
        each = [row[iteration] for row in rows]
        ends = np.cumsum([0, *map(len, each)])
        columns = np.fromiter((label for counts in each for label in counts), np.int64, ends[-1])
        values = np.fromiter((count for counts in each for count in counts.values()), np.float64, ends[-1])
        lengths = np.sqrt(np.add.reduceat(values**2, ends[:-1]))
        values = values / np.repeat(lengths, np.diff(ends))
        return sparse.csr_matrix((values, columns, ends), shape=(len(rows), len(self._labels)))

    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        return tuple(Hyperparameter(f"weight_{k}", 1.0, 1e-3, 1e3) for k in range(self.iterations + 1))

    def covariance(self, measures: np.ndarray, logs: np.ndarray) -> np.ndarray:
        weights = np.exp(logs)
        return np.tensordot(weights / weights.sum(), measures, axes=1)

    def gradient(
        self, measures: np.ndarray, covariance: np.ndarray, logs: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        shares = np.exp(logs) / np.exp(logs).sum()
        sums = measures.reshape(len(measures), -1) @ weights.ravel()
        return shares * (sums - np.vdot(weights, covariance))
