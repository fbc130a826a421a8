"""Deviations that hold what they promise on held-out examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.errors import ConfigurationError
from netwright.predictors.examples import Examples
from netwright.predictors.predictor import Prediction, Predictor

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture

LEVEL, NORMAL_QUANTILE = 0.9, 1.6448536269514722  # a normal variable is within 1.645 deviations with probability 0.9
FEWEST = 10  # examples for which a scale can be told at all


class Calibrated(Predictor):
    """Another predictor whose deviations are scaled so that mean +- 1.645 deviations hold 90 % of held-out examples.

    The scale is the one at which the intervals cover that share of the examples in cross-validation, with the finite-
    sample correction of conformal prediction (Vovk et al. 2005; Papadopoulos 2008 for normalised residuals). Fitting
    costs `folds` + 1 fits. Means stay as they are. With fewer than 10 examples the deviations stay as they are, too.
    `update` updates the other predictor and keeps the scale until there are 1.5 times as many examples.

    predictor: whose deviations are scaled.
    folds: of the cross-validation.
    """

    def __init__(self, predictor: Predictor, folds: int = 5) -> None:
        if folds < 2:
            raise ConfigurationError(f"Calibrated needs at least 2 folds, found {folds}")
        self.predictor, self.folds = predictor, folds
        self.space = predictor.space
        self.scale = 1.0
        self._calibrated_with = 0

    def fit(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        self.examples = Examples(self.space, architectures, values)
        self.scale = self._scale(self.examples, seed)
        self._calibrated_with = len(self.examples)
        self.predictor.fit(self.examples.architectures, self.examples.values.tolist(), seed)

    def update(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        before = self.examples
        known = 0 if before is None else len(before)
        if before is None or known + len(architectures) >= 1.5 * self._calibrated_with:
            return super().update(architectures, values, seed)
        everything = [*before.architectures, *architectures], [*before.values, *values]
        examples = Examples(self.space, *everything)
        self.predictor.update(architectures, values, seed)
        self.examples = examples
        return None

    def _scale(self, examples: Examples, seed: int) -> float:
        n = len(examples)
        if n < FEWEST:
            return 1.0
        order = np.random.default_rng(seed).permutation(n)
        ratios: list[np.ndarray] = []
        for fold in range(self.folds):
            held_out = order[fold :: self.folds]
            rest = np.setdiff1d(order, held_out)
            self.predictor.fit([examples.architectures[i] for i in rest], examples.values[rest].tolist(), seed)
            found = self.predictor.predict([examples.architectures[i] for i in held_out])
            error = np.abs(examples.values[held_out] - found.mean)
            ratios.append(error / np.maximum(found.deviation, 1e-9 * (examples.scale or 1.0)))
        place = min(int(np.ceil((n + 1) * LEVEL)), n) - 1
        return max(float(np.sort(np.concatenate(ratios))[place]) / NORMAL_QUANTILE, 1e-6)

    def predict(self, architectures: Sequence[Architecture]) -> Prediction:
        self.fitted()
        found = self.predictor.predict(architectures)
        return Prediction(found.mean, found.deviation * self.scale)

    def samples(self, architectures: Sequence[Architecture], count: int, rng: np.random.Generator) -> np.ndarray:
        """The other predictor's draws, their distance from its mean scaled as its deviations are."""
        self.fitted()
        mean = self.predictor.predict(architectures).mean
        return mean + (self.predictor.samples(architectures, count, rng) - mean) * self.scale
