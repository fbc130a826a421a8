"""Bayesian ridge regression (MacKay 1992; Tipping 2001)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.errors import ConfigurationError
from netwright.predictors.encodings import Encoding, OneHot
from netwright.predictors.encodings.encoding import with_columns
from netwright.predictors.examples import Examples
from netwright.predictors.predictor import Prediction, Predictor

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace


class Linear(Predictor):
    """A linear function of the encoding; the strength of its ridge penalty and the noise follow from the evidence.

    space: the space whose architectures are meant.
    encoding: by default `OneHot(space)`. The deviation is that of a new measurement: the weights' posterior and noise.
    iterations: of the evidence's maximisation.

    Raises ConfigurationError for fewer than 1.
    """

    def __init__(self, space: DecisionSpace, encoding: Encoding | None = None, iterations: int = 300) -> None:
        if iterations < 1:
            raise ConfigurationError(f"Linear: iterations must be at least 1, found {iterations}")
        import_module("sklearn.linear_model")  # not in the first fit: importing it draws from Python's own generator
        self.space = space
        self.encoding = OneHot(space) if encoding is None else encoding
        self.iterations = iterations

    def fit(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        """Learn from these examples alone; nothing here is random."""
        from sklearn.linear_model import BayesianRidge

        self.examples = Examples(self.space, architectures, values)
        rows = with_columns(self.encoding.encode(self.examples.architectures)).astype(np.float64)
        self._constant = not self.examples.scores.any()
        self._model = BayesianRidge(max_iter=self.iterations)
        if not self._constant:
            self._model.fit(rows, self.examples.scores)

    def predict(self, architectures: Sequence[Architecture]) -> Prediction:
        examples = self.fitted()
        if self._constant or not len(architectures):
            return Prediction(np.full(len(architectures), examples.mean), np.zeros(len(architectures)))
        rows = with_columns(self.encoding.encode(architectures)).astype(np.float64)
        mean, deviation = self._model.predict(rows, return_std=True)
        return Prediction(examples.unscaled(mean), np.asarray(deviation, np.float64) * examples.scale)
