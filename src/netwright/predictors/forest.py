"""A random forest (Breiman 2001)."""

from __future__ import annotations

from collections.abc import Sequence
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


class Forest(Predictor):
    """Regression trees on bootstrap samples; mean and deviation are those of the trees' predictions.

    space: the space whose architectures are meant.
    encoding: by default `OneHot(space)`.
    trees: how many.
    share: of the columns that each split may use.
    leaf: the fewest examples in a leaf.

    Raises ConfigurationError for counts below 1 and a share outside of 0 to 1.
    """

    def __init__(
        self,
        space: DecisionSpace,
        encoding: Encoding | None = None,
        trees: int = 100,
        share: float = 0.5,
        leaf: int = 1,
    ) -> None:
        if trees < 1 or leaf < 1 or not 0 < share <= 1:
            raise ConfigurationError(
                f"Forest needs trees and leaf of at least 1 and a share above 0 and up to 1, found {trees}, {leaf} and "
                f"{share}"
            )
        self.space = space
        self.encoding = OneHot(space) if encoding is None else encoding
        self.trees, self.share, self.leaf = trees, share, leaf

    def fit(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        from sklearn.ensemble import RandomForestRegressor

        self.examples = Examples(self.space, architectures, values)
        self._model = RandomForestRegressor(
            self.trees, max_features=self.share, min_samples_leaf=self.leaf, random_state=seed % 2**32
        )
        self._model.fit(with_columns(self.encoding.encode(self.examples.architectures)), self.examples.scores)

    def predict(self, architectures: Sequence[Architecture]) -> Prediction:
        found = self._each(architectures)
        return Prediction(found.mean(axis=0), found.std(axis=0))

    def samples(self, architectures: Sequence[Architecture], count: int, rng: np.random.Generator) -> np.ndarray:
        """Each draw is one tree's whole function."""
        return self._each(architectures)[rng.integers(self.trees, size=count)]

    def _each(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """What each tree says; float64 (trees, n)."""
        examples = self.fitted()
        if not len(architectures):
            return np.zeros((self.trees, 0))
        rows = with_columns(self.encoding.encode(architectures))
        return examples.unscaled(np.array([tree.predict(rows) for tree in self._model.estimators_]))
