"""Learning ranks instead of values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.predictors.examples import Examples
from netwright.predictors.predictor import Prediction, Predictor

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture

TAIL = 0.1  # the share of the examples at either end whose slope goes on beyond them
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(16)


class Ranked(Predictor):
    """Another predictor that learns the normal scores of the values' ranks, so that outliers don't set the scale.

    What it predicts is taken back to values through the examples: between two of them by a straight line, beyond the
    best and worst with the slope of the best and worst tenth. Mean and deviation are of the value, by Gauss-Hermite
    quadrature over the normal score; so they are wide where values are spread out and narrow where they lie close.

    predictor: what learns the normal scores.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.space = predictor.space

    def fit(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        self.examples = Examples(self.space, architectures, values)
        self._ranks = NormalScores(self.examples.values)
        self.predictor.fit(self.examples.architectures, self._ranks.scores.tolist(), seed)

    def predict(self, architectures: Sequence[Architecture]) -> Prediction:
        self.fitted()
        return self._ranks.as_values(self.predictor.predict(architectures))

    def samples(self, architectures: Sequence[Architecture], count: int, rng: np.random.Generator) -> np.ndarray:
        """The other predictor's draws, as values."""
        self.fitted()
        return self._ranks.value(self.predictor.samples(architectures, count, rng))


class NormalScores:
    """scores: the normal scores of values; and the way back from a score to a value."""

    def __init__(self, values: np.ndarray) -> None:
        self._values, self._known, self.scores = normal_scores(values)

    def as_values(self, found: Prediction) -> Prediction:
        """Mean and deviation of the values, of normal distributions of the scores."""
        at_nodes = self.value(found.mean[:, None] + found.deviation[:, None] * NODES)
        weights = WEIGHTS / WEIGHTS.sum()
        mean = at_nodes @ weights
        return Prediction(mean, np.sqrt(np.maximum((at_nodes - mean[:, None]) ** 2 @ weights, 0.0)))

    def value(self, score: np.ndarray) -> np.ndarray:
        """The value that goes with a normal score."""
        values, scores = self._values, self._known
        found = np.interp(score, scores, values)
        if len(values) > 1:
            few = max(1, round(TAIL * len(values)))
            low = (values[few] - values[0]) / (scores[few] - scores[0])
            high = (values[-1] - values[-1 - few]) / (scores[-1] - scores[-1 - few])
            found = found + low * np.minimum(score - scores[0], 0.0) + high * np.maximum(score - scores[-1], 0.0)
        return found


def normal_scores(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct values in order, the normal score of each, and that of every value (van der Waerden 1952).

    Equal values share the mean of their ranks; a rank r of n has the score whose probability below is (r - 1/2) / n.
    """
    from scipy.special import ndtri

    distinct, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - 0.5 * counts
    scores = np.asarray(ndtri(middle / len(values)), np.float64)
    return distinct, scores, scores[inverse]
