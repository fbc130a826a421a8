"""Thompson sampling: what would be best, were a draw from the predictor's belief the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.strategies.bayesian.acquisition import Acquisition, believed, order

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.predictors.predictor import Predictor


class ThompsonSampling(Acquisition):
    """Draws whole functions from the predictor, one for each architecture that is chosen (Thompson 1933)."""

    def scores(
        self,
        predictor: Predictor,
        candidates: Sequence[Architecture],
        best: float,
        pending: Sequence[Architecture],
        rng: np.random.Generator,
    ) -> np.ndarray:
        return predictor.samples(candidates, 1, rng)[0]

    def choose(
        self,
        predictor: Predictor,
        candidates: Sequence[Architecture],
        count: int,
        best: float,
        pending: Sequence[Architecture],
        rng: np.random.Generator,
    ) -> list[int]:
        count = min(count, len(candidates))
        chosen: list[int] = []
        for drawn in predictor.samples(candidates, count, rng):
            chosen.append(next(place for place in order(drawn) if place not in chosen))
        return chosen


class IndependentThompsonSampling(Acquisition):
    """Draws each candidate's score on its own from a normal distribution, and takes the highest (White et al. 2021)."""

    def scores(
        self,
        predictor: Predictor,
        candidates: Sequence[Architecture],
        best: float,
        pending: Sequence[Architecture],
        rng: np.random.Generator,
    ) -> np.ndarray:
        prediction = believed(predictor, candidates, pending)
        return rng.normal(prediction.mean, prediction.deviation)

    def choose(
        self,
        predictor: Predictor,
        candidates: Sequence[Architecture],
        count: int,
        best: float,
        pending: Sequence[Architecture],
        rng: np.random.Generator,
    ) -> list[int]:
        return order(self.scores(predictor, candidates, best, pending, rng))[:count]
