"""The simplest of forecasts, to compare others with: a curve gains from here on what curves gain on average."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netwright.core.errors import ConfigurationError
from netwright.predictors.curves.curve import Curve, FinalValue, values_of
from netwright.predictors.predictor import Prediction


class LastValue(FinalValue):
    """The last value seen and the mean gain of complete curves from there, with the gains' deviation; needs two."""

    least = 2

    def __init__(self) -> None:
        self._values = np.zeros((0, 0))

    def fit(self, curves: Sequence[Curve], seed: int = 0) -> None:
        self._values = values_of(curves)

    def predict(self, seen: Sequence[Curve], length: int) -> Prediction:
        if len(self._values) < self.least:
            raise ConfigurationError(f"LastValue learnt from {len(self._values)} curves; it needs {self.least}")
        values = values_of(seen)
        gains = self._values[:, length - 1] - self._values[:, values.shape[1] - 1]
        return Prediction(values[:, -1] + gains.mean(), np.full(len(seen), gains.std(ddof=1)))
