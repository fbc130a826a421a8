"""Learning curves, and what is foretold of them: how a training will end that has only begun."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.configuration import Configured
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.predictors.predictor import Prediction

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture


@dataclass(frozen=True, slots=True)
class Curve:
    """A learning curve, whole or its beginning.

    values: what was measured after each step of a training (an epoch, say), larger is better.
    architecture: whose training it was, where that is known.
    """

    values: tuple[float, ...]
    architecture: Architecture | None = None

    def first(self, length: int) -> Curve:
        """The curve as it was after so many steps."""
        return Curve(self.values[:length], self.architecture)


class CurvePredictor(Configured, ABC):
    """Says from the beginning of a learning curve whether its end will be better than another one's.

    least: how many complete curves it needs to say anything.
    """

    least: int = 0

    @abstractmethod
    def fit(self, curves: Sequence[Curve], seed: int = 0) -> None:
        """Learn from complete curves of one length alone; everything random follows from `seed`."""

    @abstractmethod
    def chance(self, seen: Curve, best: Curve) -> float:
        """The probability that the curve which begins like `seen` ends above the complete curve `best`."""


class FinalValue(CurvePredictor):
    """Foretells the last value of a curve."""

    @abstractmethod
    def predict(self, seen: Sequence[Curve], length: int) -> Prediction:
        """Mean and deviation of the value at step `length` of each curve; what is seen of them is of one length."""

    def chance(self, seen: Curve, best: Curve) -> float:
        from scipy.special import ndtr

        found = self.predict([seen], len(best.values))
        return float(ndtr((found.mean[0] - best.values[-1]) / max(float(found.deviation[0]), 1e-300)))


def values_of(curves: Sequence[Curve]) -> np.ndarray:
    """float64 (n, length). Raises ConfigurationError unless all have one length."""
    lengths = {len(curve.values) for curve in curves}
    if len(lengths) != 1:
        raise ConfigurationError(f"learning curves of one length were expected, found lengths {sorted(lengths)}")
    return np.array([curve.values for curve in curves], dtype=np.float64)


def features(curves: Sequence[Curve]) -> np.ndarray:
    """float64 (n, features): values, first and second differences, and the architecture's encoding where it is known.

    Baker et al. 2018, section 3, without their hyperparameters.
    """
    values = values_of(curves)
    parts = [values, np.diff(values, 1), np.diff(values, 2)] if values.shape[1] > 1 else [values]
    encoded = [_encoded(each.architecture) for each in curves]
    if all(each is not None for each in encoded):
        parts.append(np.array(encoded, dtype=np.float64))
    return np.hstack(parts)


def _encoded(architecture: Architecture | None) -> np.ndarray | None:
    """The architecture's encoding; None where it is not known, or its space has none."""
    space = None if architecture is None else architecture.space
    return space.encode(architecture) if architecture is not None and isinstance(space, DecisionSpace) else None
