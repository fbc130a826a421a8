"""Acquisitions: how much it is worth to evaluate an architecture, given what is predicted of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from netwright.core.configuration import Configured
from netwright.core.errors import ConfigurationError
from netwright.predictors.gaussian_process.joint import JointPredictor
from netwright.predictors.predictor import Prediction

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.predictors.predictor import Predictor


SHORTLIST, LEAST_SHORTLIST = 4, 20  # candidates that are compared jointly, for each that is to be chosen
LONG_SHORTLIST = 400  # candidates compared jointly, of which a round is no larger: the work grows with the cube


class Acquisition(Configured, ABC):
    """Scores candidates; the best are evaluated."""

    @abstractmethod
    def scores(
        self,
        predictor: Predictor,
        candidates: Sequence[Architecture],
        best: float,
        pending: Sequence[Architecture],
        rng: np.random.Generator,
    ) -> np.ndarray:
        """What each candidate is worth, float64 (n,), larger is better.

        best: the highest score so far.
        pending: those being evaluated now.
        """

    @abstractmethod
    def choose(
        self,
        predictor: Predictor,
        candidates: Sequence[Architecture],
        count: int,
        best: float,
        pending: Sequence[Architecture],
        rng: np.random.Generator,
    ) -> list[int]:
        """The places of at most `count` different candidates that are worth most together, the best first."""


class ClosedForm(Acquisition):
    """A formula of the predicted mean and deviation.

    Where the predictor knows how scores depend on each other, several are chosen one after the other, each as though
    those before had been measured at their predicted mean (kriging believer, Ginsbourger et al. 2010), out of the four
    times as many, 400 at most, that are worth most alone; elsewhere those with the highest values are taken.
    """

    @abstractmethod
    def of(self, prediction: Prediction, best: float) -> np.ndarray:
        """float64 (n,): the formula."""

    def scores(
        self,
        predictor: Predictor,
        candidates: Sequence[Architecture],
        best: float,
        pending: Sequence[Architecture],
        rng: np.random.Generator,
    ) -> np.ndarray:
        return self.of(believed(predictor, candidates, pending), best)

    def choose(
        self,
        predictor: Predictor,
        candidates: Sequence[Architecture],
        count: int,
        best: float,
        pending: Sequence[Architecture],
        rng: np.random.Generator,
    ) -> list[int]:
        if count == 1 or not isinstance(predictor, JointPredictor):
            return order(self.scores(predictor, candidates, best, pending, rng))[:count]
        values = self.scores(predictor, candidates, best, pending, rng)
        places = order(values)[: max(min(SHORTLIST * count, LONG_SHORTLIST), LEAST_SHORTLIST, count)]
        chosen = self._one_by_one(*predictor.joint([candidates[k] for k in places], pending), count, best)
        return [places[k] for k in chosen]

    def _one_by_one(self, prediction: Prediction, covariance: np.ndarray, count: int, best: float) -> list[int]:
        """Places of the prediction: the best, then the best believing that one's mean, and so on."""
        floor = 1e-9 * float(np.diag(covariance).max(initial=0.0)) + 1e-300
        chosen: list[int] = []
        for _ in range(min(count, len(covariance))):
            values = self.of(Prediction(prediction.mean, np.sqrt(np.maximum(np.diag(covariance), floor))), best)
            values[chosen] = -np.inf
            place = int(values.argmax())
            chosen.append(place)
            best = max(best, float(prediction.mean[place]))
            covariance = _known_at(covariance, place, floor)
        return chosen


def _known_at(covariance: np.ndarray, place: int, floor: float) -> np.ndarray:
    """The covariance once the value at one place is known.

    Kernels of distances between graphs may give a matrix that is no covariance; what no covariance could hold is cut.
    """
    variance = covariance[place, place]
    if variance <= floor:
        return covariance
    most = np.sqrt(np.maximum(np.diag(covariance), 0.0) * variance)
    column = np.clip(covariance[:, place], -most, most)
    return covariance - np.outer(column, column) / variance


class ExpectedImprovement(ClosedForm):
    """E[max(f - best - margin, 0)] (Mockus et al. 1978; Jones et al. 1998, equation 15).

    margin: by how much the best must be beaten, in the unit of the score.
    """

    def __init__(self, margin: float = 0.0) -> None:
        self.margin = margin

    def of(self, prediction: Prediction, best: float) -> np.ndarray:
        gain = prediction.mean - best - self.margin
        deviation = np.maximum(prediction.deviation, 1e-300)
        z = gain / deviation
        density = np.exp(-0.5 * np.clip(z, -40, 40) ** 2) / np.sqrt(2 * np.pi)
        return np.maximum(gain * ndtr(z) + deviation * density, 0.0)


class ProbabilityOfImprovement(ClosedForm):
    """P(f > best + margin) (Kushner 1964).

    margin: by how much the best must be beaten, in the unit of the score.
    """

    def __init__(self, margin: float = 0.0) -> None:
        self.margin = margin

    def of(self, prediction: Prediction, best: float) -> np.ndarray:
        return ndtr((prediction.mean - best - self.margin) / np.maximum(prediction.deviation, 1e-300))


class UpperConfidenceBound(ClosedForm):
    """Mean plus `weight` deviations (Srinivas et al. 2010, whose weight is the root of beta).

    weight: of the deviation; larger ones try more of what is unknown.
    """

    def __init__(self, weight: float = 2.0) -> None:
        if weight < 0:
            raise ConfigurationError(f"UpperConfidenceBound: weight is {weight!r}; expected at least 0")
        self.weight = weight

    def of(self, prediction: Prediction, best: float) -> np.ndarray:
        return prediction.mean + self.weight * prediction.deviation


class PosteriorMean(ClosedForm):
    """The predicted mean alone: no exploring beyond what the candidates bring."""

    def of(self, prediction: Prediction, best: float) -> np.ndarray:
        return prediction.mean


def believed(predictor: Predictor, candidates: Sequence[Architecture], pending: Sequence[Architecture]) -> Prediction:
    """What is predicted, where the predictor can as though the pending ones had been measured at their mean."""
    if isinstance(predictor, JointPredictor):
        return predictor.believing(candidates, pending)
    return predictor.predict(candidates)


def order(scores: np.ndarray) -> list[int]:
    """The places of the scores, the largest first; of equal ones the first."""
    return np.argsort(-scores, kind="stable").tolist()
