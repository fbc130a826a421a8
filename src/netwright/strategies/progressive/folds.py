"""The predictor of progressive search: an ensemble whose members each leave out one part of the examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.checks import whole_number
from netwright.predictors import Prediction, Predictor
from netwright.predictors.examples import Examples

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture


class Folds(Predictor):
    """Copies of a predictor, each fitted to all examples but its own fold (Liu et al. 2018, section 4.2).

    Mean and deviation are those of the members' means. With fewer examples than two a fold, every member gets all.

    predictor: the one that is copied.
    folds: how many copies there are.
    """

    def __init__(self, predictor: Predictor, folds: int = 5) -> None:
        self.predictor = predictor
        self.folds = whole_number(self, "folds", folds, least=2)
        self.space = predictor.space
        self._members = [predictor.replace() for _ in range(folds)]

    def fit(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        self.examples = Examples(self.space, architectures, values)
        rng = np.random.default_rng(seed)
        fold = rng.permutation(len(architectures)) % self.folds
        for k, member in enumerate(self._members):
            kept = [i for i, own in enumerate(fold.tolist()) if own != k or len(fold) < 2 * self.folds]
            member.fit([architectures[i] for i in kept], [values[i] for i in kept], int(rng.integers(2**31)))

    def predict(self, architectures: Sequence[Architecture]) -> Prediction:
        means = self._means(architectures)
        return Prediction(means.mean(axis=0), means.std(axis=0))

    def samples(self, architectures: Sequence[Architecture], count: int, rng: np.random.Generator) -> np.ndarray:
        """Each draw is one member's mean."""
        return self._means(architectures)[rng.integers(self.folds, size=count)]

    def _means(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return np.stack([member.predict(architectures).mean for member in self._members])
