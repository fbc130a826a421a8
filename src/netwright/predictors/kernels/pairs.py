"""Kernels of distances that are found pair by pair."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.predictors.kernels.kernel import GraphKernel

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.predictors.kernels.layers import LayerGraph

MOST_PAIRS = 1_000_000  # whose distances are kept; beyond that all are forgotten
AT_ONCE = 1024


class PairKernel(GraphKernel):
    """A kernel whose measures are distances between two graphs; each pair is measured once.

    A distance is the same to the last digit in whatever order and company graphs are met, so that a process that goes
    on where another stopped decides as that one would have.
    """

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self._pairs: dict[tuple[int, int], np.ndarray] = {}
        self._described = 0

    def describe(self, graph: LayerGraph) -> Any:
        return self.profile(graph)

    @abstractmethod
    def profile(self, graph: LayerGraph) -> Any:
        """What is needed of one graph for its distances."""

    def row(self, order: Any, described: Any) -> Any:
        self._described += 1
        return self._described, order, described

    @abstractmethod
    def distances(self, first: Sequence[Any], second: Sequence[Any]) -> np.ndarray:
        """float64 (measures, pairs): between the profiles of each pair, whatever the other pairs are."""

    def measures(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        self._measure(first, second)
        pairs = self._pairs
        ours, theirs = [each[0] for each in first], [each[0] for each in second]
        found = [pairs[(a, b) if a < b else (b, a)] for a in ours for b in theirs]
        return np.array(found).T.reshape(-1, len(first), len(second))

    def _measure(self, first: np.ndarray, second: np.ndarray) -> None:
        """Find the distances that are not known yet."""
        if len(self._pairs) > MOST_PAIRS:
            self._pairs.clear()
        wanted: dict[tuple[int, int], tuple[Any, Any]] = {}
        for a, order, profile in first:
            for b, another, other in second:
                key = (a, b) if a < b else (b, a)
                if key not in self._pairs:
                    wanted[key] = (profile, other) if order <= another else (other, profile)
        keys, both = list(wanted), list(wanted.values())
        for start in range(0, len(keys), AT_ONCE):
            part = both[start : start + AT_ONCE]
            distances = self.distances([a for a, _ in part], [b for _, b in part])
            self._pairs.update(zip(keys[start : start + AT_ONCE], distances.T, strict=True))


def padded(rows: Sequence[np.ndarray], fill: float = 0) -> np.ndarray:
    """The rows, of different lengths along their first axis, as one array."""
    longest = max((len(row) for row in rows), default=0)
    array = np.full((len(rows), longest, *rows[0].shape[1:]), fill, dtype=rows[0].dtype)
    for k, row in enumerate(rows):
        array[k, : len(row)] = row
    return array
