"""Stochastic gradient boosting (Friedman 2002), several times on bootstrap samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.errors import ConfigurationError
from netwright.core.randomness import derived_seed
from netwright.predictors.encodings import Encoding, OneHot
from netwright.predictors.encodings.encoding import with_columns
from netwright.predictors.examples import Examples
from netwright.predictors.predictor import Prediction, Predictor

if TYPE_CHECKING:
    from sklearn.ensemble import GradientBoostingRegressor

    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace


class Boosting(Predictor):
    """Gradient-boosted trees on `bags` bootstrap samples; the mean is theirs.

    The deviation is that of a new measurement: what the bags disagree by, and how far they are off on the examples that
    their samples leave out.

    space: the space whose architectures are meant.
    encoding: by default `OneHot(space)`.
    bags: bootstrap samples, each with a boosting of its own.
    trees, rate, depth: of each bag's boosting.
    share: of the examples that each tree sees, and of the columns that each split may use.

    Raises ConfigurationError for counts below 1, and for a rate or share outside of 0 to 1.
    """

    def __init__(
        self,
        space: DecisionSpace,
        encoding: Encoding | None = None,
        bags: int = 5,
        trees: int = 100,
        rate: float = 0.1,
        depth: int = 4,
        share: float = 0.6,
    ) -> None:
        if min(bags, trees, depth) < 1 or not (0 < rate <= 1 and 0 < share <= 1):
            raise ConfigurationError(
                f"Boosting needs bags, trees and depth of at least 1, rate and share above 0 and up to 1; found "
                f"{bags}, {trees}, {depth}, {rate} and {share}"
            )
        self.space = space
        self.encoding = OneHot(space) if encoding is None else encoding
        self.bags, self.trees, self.rate, self.depth, self.share = bags, trees, rate, depth, share

    def fit(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        self.examples = Examples(self.space, architectures, values)
        rows, scores = with_columns(self.encoding.encode(self.examples.architectures)), self.examples.scores
        rng = np.random.default_rng(seed)
        self._models = []
        errors: list[np.ndarray] = []
        for bag in range(self.bags):
            chosen = rng.integers(len(scores), size=len(scores))
            model = self._model(derived_seed(seed, bag), len(scores)).fit(rows[chosen], scores[chosen])
            left = np.setdiff1d(np.arange(len(scores)), chosen)
            errors.append((model.predict(rows[left]) - scores[left]) ** 2 if len(left) else np.zeros(0))
            self._models.append(model)
        every = np.concatenate(errors)
        self._noise = float(every.mean()) if len(every) else 0.0

    def _model(self, seed: int, examples: int) -> GradientBoostingRegressor:
        from sklearn.ensemble import GradientBoostingRegressor

        return GradientBoostingRegressor(
            n_estimators=self.trees,
            learning_rate=self.rate,
            max_depth=self.depth,
            subsample=max(self.share, 1 / examples),
            max_features=self.share,
            random_state=seed % 2**32,
        )

    def predict(self, architectures: Sequence[Architecture]) -> Prediction:
        found = self._each(architectures)
        noise = self._noise * self.fitted().scale ** 2
        return Prediction(found.mean(axis=0), np.sqrt(found.var(axis=0) + noise))

    def _each(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """What each bag says; float64 (bags, n)."""
        examples = self.fitted()
        if not len(architectures):
            return np.zeros((self.bags, 0))
        rows = with_columns(self.encoding.encode(architectures))
        return examples.unscaled(np.array([model.predict(rows) for model in self._models]))
