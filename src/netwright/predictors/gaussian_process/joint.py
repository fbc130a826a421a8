"""A predictor that knows how the scores of several architectures depend on each other."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.predictors.predictor import Prediction, Predictor

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture


class JointPredictor(Predictor):
    """Predicts architectures as though others had been measured, without measuring them."""

    @abstractmethod
    def believing(self, architectures: Sequence[Architecture], pending: Sequence[Architecture]) -> Prediction:
        """Each one's score without noise, were those that are pending measured at their predicted mean."""

    @abstractmethod
    def joint(
        self, architectures: Sequence[Architecture], pending: Sequence[Architecture] = ()
    ) -> tuple[Prediction, np.ndarray]:
        """The same, and float64 (n, n): the covariance of these scores."""
