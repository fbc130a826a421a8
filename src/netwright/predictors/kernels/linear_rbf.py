"""The kernel of GP-NAS (Li et al. 2020, "GP-NAS: Gaussian Process based Neural Architecture Search")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.predictors.encodings import OneHot
from netwright.predictors.kernels.kernel import Hyperparameter, Kernel, weighted_sums

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace


class LinearRbf(Kernel):
    """A linear and a squared exponential kernel on the architecture's code, added: share and length are learnt.

    The code is one-hot, since the options of a decision have no order here; both parts are scaled by the number of
    decisions, so that the kernel of an architecture that answers all of them with itself is 1.

    space: the space whose architectures are meant.
    """

    def __init__(self, space: DecisionSpace) -> None:
        self.space = space
        self._encoding = OneHot(space)
        self._decisions = max(len(space.decisions), 1)

    def features(self, architectures: Sequence[Architecture]) -> np.ndarray:
        rows = self._encoding.encode([self.space.canonical(each) for each in architectures])
        return np.asarray(rows, dtype=np.float64)

    def measures(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        products = first @ second.T
        squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :]
        return np.stack([products, np.maximum(squares - 2 * products, 0)]) / self._decisions

    def own_measures(self, rows: np.ndarray) -> np.ndarray:
        squares = (rows**2).sum(axis=1) / self._decisions
        return np.stack([squares, np.zeros_like(squares)])

    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        return Hyperparameter("linear_weight", 1.0, 1e-3, 1e3), Hyperparameter("squared_length", 1.0, 1e-2, 1e2)

    def covariance(self, measures: np.ndarray, logs: np.ndarray) -> np.ndarray:
        linear = np.exp(logs[0])
        return (linear * measures[0] + np.exp(-0.5 * np.exp(-logs[1]) * measures[1])) / (1 + linear)

    def gradient(
        self, measures: np.ndarray, covariance: np.ndarray, logs: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        linear, shrink = np.exp(logs[0]), 0.5 * np.exp(-logs[1])
        smooth = np.exp(-shrink * measures[1])
        by_weight = linear / (1 + linear) * np.vdot(weights, measures[0] - covariance)
        by_length = shrink / (1 + linear) * weighted_sums(measures[1:], weights * smooth)[0]
        return np.array([by_weight, by_length])
