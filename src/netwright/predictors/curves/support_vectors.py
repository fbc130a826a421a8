"""Sequential regression models (Baker et al. 2018, "Accelerating Neural Architecture Search using Performance
Prediction")."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from netwright.core.checks import share, whole_number
from netwright.core.errors import ConfigurationError
from netwright.predictors.curves.curve import Curve, FinalValue, features, values_of
from netwright.predictors.predictor import Prediction

COSTS = (1.0, 10.0, 100.0)
WIDTHS = (0.1, 0.3, 1.0)  # gamma times the number of features
FOLDS = 5


class SupportVectors(FinalValue):
    """A nu-support-vector regression for each length seen: values, their differences and the architecture give the end.

    nu: of the regression. C and the kernel's width are those with the least error in five-fold cross-validation; that
        error is the deviation, as in the paper (section 3.3).
    least: complete curves that it needs.
    """

    def __init__(self, nu: float = 0.5, least: int = 20) -> None:
        self.nu = float(share(self, "nu", nu))
        self.least = whole_number(self, "least", least, FOLDS)
        self._curves: list[Curve] = []
        self._seed = 0
        self._models: dict[int, _Regression] = {}

    def fit(self, curves: Sequence[Curve], seed: int = 0) -> None:
        self._curves, self._seed, self._models = list(curves), seed, {}

    def predict(self, seen: Sequence[Curve], length: int) -> Prediction:
        steps = len(seen[0].values)
        if len(self._curves) < FOLDS:
            raise ConfigurationError(f"SupportVectors learnt from {len(self._curves)} curves; it needs {self.least}")
        if steps not in self._models:
            self._models[steps] = self._model(steps)
        regression = self._models[steps]
        return Prediction(regression.predict(features(seen)), np.full(len(seen), regression.deviation))

    def _model(self, steps: int) -> _Regression:
        """The regression from so many first steps, and its error in cross-validation."""
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import NuSVR

        inputs = features([curve.first(steps) for curve in self._curves])
        targets = values_of(self._curves)[:, -1]
        scaler, centre, unit = StandardScaler().fit(inputs), targets.mean(), targets.std() or 1.0
        inputs, targets = np.asarray(scaler.transform(inputs)), (targets - centre) / unit
        models = [NuSVR(nu=self.nu, C=cost, gamma=width / inputs.shape[1]) for cost, width in product(COSTS, WIDTHS)]
        fold = np.random.default_rng(self._seed).permutation(len(targets)) % FOLDS
        errors = [_error(model, inputs, targets, fold) for model in models]
        best = int(np.argmin(errors))
        model = models[best].fit(inputs, targets)
        return _Regression(scaler, model, float(centre), float(unit), max(float(unit) * errors[best], 1e-12))


class _Regression(NamedTuple):
    """A regression of scaled targets on scaled features. deviation: its error in cross-validation, not scaled."""

    scaler: Any
    model: Any
    centre: float
    unit: float
    deviation: float

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        return self.centre + self.unit * self.model.predict(self.scaler.transform(inputs))


def _error(model: Any, inputs: np.ndarray, targets: np.ndarray, fold: np.ndarray) -> float:
    """Root of the mean squared error in cross-validation."""
    squares = [
        (model.fit(inputs[fold != k], targets[fold != k]).predict(inputs[fold == k]) - targets[fold == k]) ** 2
        for k in range(FOLDS)
    ]
    return float(np.sqrt(np.concatenate(squares).mean()))
