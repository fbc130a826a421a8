"""Kernels of the distance between two encodings (Rasmussen and Williams 2006, section 4.2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.errors import ConfigurationError
from netwright.predictors.kernels.kernel import Hyperparameter, Kernel, weighted_sums

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.predictors.encodings import Encoding


FINENESS = 4096  # numbers of an encoding are whole multiples of 1 over this, so that their products are added exactly


class _Distances(Kernel):
    """Squared distances, whole or one a coordinate; the same in whatever company they are calculated.

    encoding: numbers that stand for an architecture; None compares decision by decision: 0 where both take the same
    option or both are not asked, 1 otherwise (Hamming distance; half the squared distance of the one-hot encodings).
    relevance: a length for every coordinate (decision, or number of the encoding) instead of one for all
    ("automatic relevance determination", section 5.1).
    """

    space: DecisionSpace

    def __init__(self, space: DecisionSpace, encoding: Encoding | None = None, relevance: bool = False) -> None:
        if encoding is not None and encoding.space.id != space.id:
            raise ConfigurationError(
                f"{type(self).__name__}: the encoding is of space {encoding.space.id!r}; expected {space.id!r}"
            )
        self.space = space
        self.encoding = encoding
        self.relevance = relevance
        self._places = np.cumsum([0, *(size + 1 for size in space.decisions.sizes)])
        self._width = len(space.decisions) if encoding is None else encoding.dimension

    def features(self, architectures: Sequence[Architecture]) -> np.ndarray:
        canonical = [self.space.canonical(each) for each in architectures]
        if self.encoding is not None:
            rows = np.asarray(self.encoding.encode(canonical), dtype=np.float64)
            return np.round(rows * FINENESS) / FINENESS
        points = np.array([self.space.indices(each) for each in canonical], dtype=np.int64).reshape(
            len(canonical), self._width
        )
        if self.relevance:
            return points
        rows = np.zeros((len(points), self._places[-1]))  # one-hot, with a place for "not asked"
        np.put_along_axis(rows, self._places[:-1] + points + 1, 1.0, axis=1)
        return rows

    def measures(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        if self.encoding is None:
            if self.relevance:
                return (first.T[:, :, None] != second.T[:, None, :]).astype(np.float64)
            return (self._width - first @ second.T)[None]
        if self.relevance:
            return (first.T[:, :, None] - second.T[:, None, :]) ** 2
        squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :]
        return np.maximum(squares - 2 * (first @ second.T), 0)[None]

    def own_measures(self, rows: np.ndarray) -> np.ndarray:
        return np.zeros((self._width if self.relevance else 1, len(rows)))

    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """Squared lengths; at the start half of all decisions, or a third of all numbers, may differ."""
        usual = max(self._width / (2 if self.encoding is None else 3), 1.0)
        count = self._width if self.relevance else 1
        return tuple(Hyperparameter(f"squared_length_{k}", usual, usual / 1e3, usual * 1e3) for k in range(count))

    def _scaled(self, measures: np.ndarray, logs: np.ndarray) -> np.ndarray:
        """The squared distance in units of the lengths."""
        return np.tensordot(np.exp(-logs), measures, axes=1)


class Rbf(_Distances):
    """exp(-r^2 / 2) (equation 4.9).

    space: the space whose architectures are meant.
    encoding: numbers that stand for an architecture; None compares decision by decision: 0 where both take the same
        option or both are not asked, 1 otherwise.
    relevance: a length for every coordinate (decision, or number of the encoding) instead of one for all.
    """

    def covariance(self, measures: np.ndarray, logs: np.ndarray) -> np.ndarray:
        return np.exp(-0.5 * self._scaled(measures, logs))

    def gradient(
        self, measures: np.ndarray, covariance: np.ndarray, logs: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        return 0.5 * np.exp(-logs) * weighted_sums(measures, weights * covariance)


class Matern52(_Distances):
    """(1 + sqrt(5) r + 5/3 r^2) exp(-sqrt(5) r) (equation 4.17).

    space: the space whose architectures are meant.
    encoding: numbers that stand for an architecture; None compares decision by decision: 0 where both take the same
        option or both are not asked, 1 otherwise.
    relevance: a length for every coordinate (decision, or number of the encoding) instead of one for all.
    """

    def covariance(self, measures: np.ndarray, logs: np.ndarray) -> np.ndarray:
        root = np.sqrt(5 * self._scaled(measures, logs))
        return (1 + root + root**2 / 3) * np.exp(-root)

    def gradient(
        self, measures: np.ndarray, covariance: np.ndarray, logs: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        # With u = sqrt(5) r: dk/du = -u (1 + u) exp(-u) / 3 and du/d(r^2) = 5 / (2 u).
        root = np.sqrt(5 * self._scaled(measures, logs))
        slope = 5 / 6 * (1 + root) * np.exp(-root)
        return np.exp(-logs) * weighted_sums(measures, weights * slope)


class Exponential(_Distances):
    """exp(-r^2) of the squared distance r^2: on decisions the product of one factor for each that differs.

    Of two one-hot encodings r^2 is twice the number of decisions that differ, so that this is the categorical kernel
    exp(-Hamming distance / length).

    space: the space whose architectures are meant.
    encoding: numbers that stand for an architecture; None compares decision by decision: 0 where both take the same
        option or both are not asked, 1 otherwise.
    relevance: a length for every coordinate (decision, or number of the encoding) instead of one for all.
    """

    def covariance(self, measures: np.ndarray, logs: np.ndarray) -> np.ndarray:
        return np.exp(-self._scaled(measures, logs))

    def gradient(
        self, measures: np.ndarray, covariance: np.ndarray, logs: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        return np.exp(-logs) * weighted_sums(measures, weights * covariance)
