"""What a Gaussian process needs of a kernel: pairwise measures that never change, and a covariance learnt over them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.architecture import sortable
from netwright.core.configuration import Configured
from netwright.predictors.kernels.layers import LayerGraph, layers_of

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space

MOST_KEPT = 100_000  # features of architectures; beyond that all are forgotten


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One positive number of a kernel that is learnt from the examples, with the range that it is kept in.

    name: how it is called among those of its kernel.
    start: where learning begins.
    least, most: the range.
    """

    name: str
    start: float
    least: float
    most: float


class Kernel(Configured, ABC):
    """Similarity of a space's architectures, as a function of measures taken of each pair.

    The measures (distances, common substructures) do not depend on hyperparameters, so they are taken once for
    a pair, however often the hyperparameters are learnt. Architectures with the same canonical form are the same.
    """

    space: Space

    @abstractmethod
    def features(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """One row an architecture, of whatever type: all that its measures are taken of."""

    @abstractmethod
    def measures(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """float64 (measures, len(first), len(second)) of the rows that `features` gave."""

    def own_measures(self, rows: np.ndarray) -> np.ndarray:
        """float64 (measures, len(rows)): of each with itself; zeros, as distances have it."""
        return np.zeros((self.measures(rows[:1], rows[:1]).shape[0], len(rows)))

    @abstractmethod
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """What is learnt; all other methods take their logarithms in this order."""

    @abstractmethod
    def covariance(self, measures: np.ndarray, logs: np.ndarray) -> np.ndarray:
        """The kernel's values: the shape of `measures` without its first axis."""

    @abstractmethod
    def gradient(
        self, measures: np.ndarray, covariance: np.ndarray, logs: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        """For each hyperparameter: the sum of `weights` times the covariance's derivatives by its logarithm."""


class GraphKernel(Kernel):
    """A kernel of the layers that an architecture's graph shows; its rows are objects, made once an architecture."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self._known: dict[Hashable, Any] = {}

    @abstractmethod
    def describe(self, graph: LayerGraph) -> Any:
        """All that the measures are taken of."""

    def row(self, order: Any, described: Any) -> Any:
        """What `measures` is given of an architecture.

        order: of its canonical form, among others'.
        """
        return described

    def features(self, architectures: Sequence[Architecture]) -> np.ndarray:
        if len(self._known) > MOST_KEPT:
            self._known.clear()
        rows = np.empty(len(architectures), dtype=object)
        for k, each in enumerate(architectures):
            canonical = self.space.canonical(each)
            content = canonical.content
            row = self._known.get(content)
            if row is None:
                row = self._known[content] = self.row(sortable(content), self.describe(layers_of(canonical)))
            rows[k] = row
        return rows


def weighted_sums(measures: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """For each measure: its sum over all pairs, weighted."""
    return measures.reshape(len(measures), -1) @ weights.ravel()
