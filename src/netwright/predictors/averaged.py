"""Several predictors as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.errors import ConfigurationError
from netwright.core.randomness import derived_seed
from netwright.predictors.examples import Examples
from netwright.predictors.predictor import Prediction, Predictor

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture


class Averaged(Predictor):
    """The mean of several predictors, each with equal weight.

    The deviation is that of the mixture of their normal distributions: the mean of their variances, and the variance of
    their means. Raises ConfigurationError for none, and for predictors of different spaces.

    predictors: of the same space.
    """

    def __init__(self, *predictors: Predictor) -> None:
        if not predictors:
            raise ConfigurationError("Averaged needs at least one predictor")
        others = [each.space.id for each in predictors if each.space.id != predictors[0].space.id]
        if others:
            raise ConfigurationError(
                f"Averaged needs one space for all, found {predictors[0].space.id!r}, {others[0]!r}"
            )
        self.predictors = predictors
        self.space = predictors[0].space

    def fit(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        self.examples = Examples(self.space, architectures, values)
        for number, each in enumerate(self.predictors):
            each.fit(self.examples.architectures, self.examples.values.tolist(), derived_seed(seed, number))

    def predict(self, architectures: Sequence[Architecture]) -> Prediction:
        self.fitted()
        found = [each.predict(architectures) for each in self.predictors]
        means = np.array([each.mean for each in found])
        variance = np.mean([each.deviation**2 for each in found], axis=0) + means.var(axis=0)
        return Prediction(means.mean(axis=0), np.sqrt(variance))
