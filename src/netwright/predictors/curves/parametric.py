"""An ensemble of parametric learning curves (Domhan et al. 2015; Klein et al. 2017), weighted by what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.special import logsumexp, ndtr

from netwright.core.checks import positive
from netwright.core.errors import ConfigurationError
from netwright.predictors.curves.curve import Curve, FinalValue, values_of
from netwright.predictors.curves.shapes import shapes
from netwright.predictors.predictor import Prediction

NOISES = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08)  # standard deviations to choose among, in units of `scale`
ROUNDS = 8  # of re-weighting the shapes by complete curves
LEARNT_FROM = 5  # complete curves, at least


class Parametric(FinalValue):
    """Curves of eleven parametric forms, each as likely as what it says of the steps that were seen.

    A curve is last + (first - last) * shape + noise (see `shapes`). Of the shapes and of the noise's deviation a grid
    is taken; given these, the two values are normal, and so is what was seen, so that the weights of the grid and the
    final value's distribution are exact where the papers draw samples (MCMC, SGLD).

    scale: the range of the values; 1 for shares, 100 for per cent. `fit` is not needed. Complete curves, five or more,
    give the prior: mean and covariance of last and first value, and the weights of shapes and noises by
    expectation maximisation.
    """

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = float(positive(self, "scale", scale, "the range of the values, such as 1 or 100"))
        self._mean, self._covariance = _vague(self.scale)
        self._weights: np.ndarray | None = None
        self._length = 0
        self._ready: dict[tuple[int, int], _Conditioned] = {}

    def fit(self, curves: Sequence[Curve], seed: int = 0) -> None:
        self._weights, self._ready = None, {}
        self._mean, self._covariance = _vague(self.scale)
        if len(curves) < LEARNT_FROM:
            return
        values = values_of(curves)
        self._length = values.shape[1]
        ends = np.stack([values[:, -1], values[:, 0] - values[:, -1]], axis=1)
        floor = (0.02 * self.scale) ** 2
        self._mean, self._covariance = ends.mean(axis=0), np.cov(ends.T) + floor * np.eye(2)
        cells = _Conditioned(self._length, self._length, self._mean, self._covariance, self.scale)
        evidence = cells.evidence(values)
        prior = weights = cells.weights
        for _ in range(ROUNDS):
            joint = np.log(weights) + evidence
            shares = np.exp(joint - logsumexp(joint, axis=1, keepdims=True)).sum(axis=0)
            weights = (shares + LEARNT_FROM * prior) / (len(curves) + LEARNT_FROM)
        self._weights = weights

    def predict(self, seen: Sequence[Curve], length: int) -> Prediction:
        values = values_of(seen)
        cells, weights = self._cells(values.shape[1], length), self._posterior(values, length)
        means, variances = cells.means(values), cells.variances
        mean = (weights * means).sum(axis=1)
        return Prediction(mean, np.sqrt((weights * (variances + (means - mean[:, None]) ** 2)).sum(axis=1)))

    def chance(self, seen: Curve, best: Curve) -> float:
        values, length = values_of([seen]), len(best.values)
        cells, weights = self._cells(values.shape[1], length), self._posterior(values, length)
        above = ndtr((cells.means(values) - best.values[-1]) / np.sqrt(cells.variances))
        return float((weights * above).sum())

    def _posterior(self, values: np.ndarray, length: int) -> np.ndarray:
        """float64 (n, cells): the weight of each shape and noise after what was seen."""
        cells = self._cells(values.shape[1], length)
        prior = self._weights if self._weights is not None and length == self._length else cells.weights
        joint = np.log(prior) + cells.evidence(values)
        return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))

    def _cells(self, seen: int, length: int) -> _Conditioned:
        if (seen, length) not in self._ready:
            if not 0 < seen <= length:
                raise ConfigurationError(f"Parametric: {seen} steps of a curve of {length} were seen")
            self._ready[seen, length] = _Conditioned(seen, length, self._mean, self._covariance, self.scale)
        return self._ready[seen, length]


def _vague(scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of (last, first - last) where no complete curve is known."""
    return np.array([0.6, -0.3]) * scale, np.diag([0.3, 0.3]) ** 2 * scale**2


_shapes = lru_cache(maxsize=16)(shapes)


class _Conditioned:
    """Given a cell of the grid (a shape and a noise): how likely some first steps are, and the last value after them.

    The steps seen are normal with mean X m and covariance S = X V X' + sigma^2, X = [1, shape], and so is the last
    value given them: the textbook formulas of a linear model with known noise.
    """

    def __init__(self, seen: int, length: int, mean: np.ndarray, covariance: np.ndarray, scale: float) -> None:
        forms, weights = _shapes(length)
        noises = np.array(NOISES) * scale
        design = np.stack([np.ones((len(forms), seen)), forms[:, :seen]], axis=2)  # (shapes, seen, 2)
        spread = design @ covariance @ design.transpose(0, 2, 1)
        total = spread[:, None] + (noises**2)[None, :, None, None] * np.eye(seen)
        cells = len(forms) * len(noises)
        self._inverse = np.linalg.inv(total).reshape(cells, seen, seen)
        self._constant = -0.5 * (np.linalg.slogdet(total)[1].reshape(cells) + seen * np.log(2 * np.pi))
        self._expected = np.repeat(design @ mean, len(noises), axis=0)  # (cells, seen)
        # The last value has design [1, 0].
        shared = np.repeat(design @ covariance[:, 0], len(noises), axis=0)
        self._gain = np.einsum("ck,ckj->cj", shared, self._inverse)
        self._last = float(mean[0])
        self.variances = covariance[0, 0] - (self._gain * shared).sum(axis=1) + np.tile(noises**2, len(forms))
        self.weights = np.repeat(weights, len(noises)) / len(noises)

    def evidence(self, values: np.ndarray) -> np.ndarray:
        """float64 (n, cells): the logarithm of the density of curves (n, seen)."""
        away = values[:, None, :] - self._expected
        return self._constant - 0.5 * np.einsum("nck,ckj,ncj->nc", away, self._inverse, away, optimize=True)

    def means(self, values: np.ndarray) -> np.ndarray:
        """float64 (n, cells): the last value's mean."""
        return self._last + np.einsum("ck,nck->nc", self._gain, values[:, None, :] - self._expected)
