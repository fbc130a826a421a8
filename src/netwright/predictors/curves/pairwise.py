"""Learning-curve ranking (Wistuba and Pedapati 2020, "Learning to Rank Learning Curves")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from netwright.core.checks import positive, whole_number
from netwright.core.errors import ConfigurationError
from netwright.predictors.curves.curve import Curve, CurvePredictor, features, values_of

MOST_PAIRS = 20_000


class Pairwise(CurvePredictor):
    """Which of two curves ends higher: sigma(f(x) - f(y)), learnt from pairs (their equation 4).

    x: values, their differences and the architecture, each seen for the same number of steps. f is linear here, where
    the paper has a network.

    regularisation: the inverse of the penalty's weight.
    least: complete curves that it needs.
    """

    def __init__(self, regularisation: float = 1.0, least: int = 20) -> None:
        self.regularisation = float(positive(self, "regularisation", regularisation))
        self.least = whole_number(self, "least", least, 2)
        self._curves: list[Curve] = []
        self._seed = 0
        self._models: dict[int, tuple[Any, np.ndarray]] = {}

    def fit(self, curves: Sequence[Curve], seed: int = 0) -> None:
        self._curves, self._seed, self._models = list(curves), seed, {}

    def chance(self, seen: Curve, best: Curve) -> float:
        both = self.utilities([seen, best.first(len(seen.values))])
        return float(1 / (1 + np.exp(both[1] - both[0])))

    def utilities(self, seen: Sequence[Curve]) -> np.ndarray:
        """float64 (n,): f of each curve; the larger, the higher it is expected to end."""
        steps = len(seen[0].values)
        if len(self._curves) < 2:
            raise ConfigurationError(f"Pairwise learnt from {len(self._curves)} curves; it needs {self.least}")
        if steps not in self._models:
            self._models[steps] = self._model(steps)
        model, scale = self._models[steps]
        return (features(seen) / scale) @ model.coef_[0]

    def _model(self, steps: int) -> tuple[Any, np.ndarray]:
        from sklearn.linear_model import LogisticRegression

        inputs = features([curve.first(steps) for curve in self._curves])
        last = values_of(self._curves)[:, -1]
        scale = inputs.std(axis=0)
        scale[scale < 1e-12] = 1.0
        first, second = np.triu_indices(len(last), 1)
        if len(first) > MOST_PAIRS:
            chosen = np.random.default_rng(self._seed).choice(len(first), MOST_PAIRS, replace=False)
            first, second = first[chosen], second[chosen]
        apart = last[first] != last[second]
        first, second = first[apart], second[apart]
        differences = (inputs[first] - inputs[second]) / scale
        # Each pair both ways round, so that both answers occur.
        both = np.vstack([differences, -differences])
        above = last[first] > last[second]
        # A pair is no independent example: n curves make n (n - 1) / 2 of them, so that the penalty grows with them.
        weight = self.regularisation / max(1, len(last))
        model = LogisticRegression(C=weight, fit_intercept=False, max_iter=1000)
        return model.fit(both, np.concatenate([above, ~above])), scale
