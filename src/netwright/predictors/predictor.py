"""A performance predictor: from architectures to scores, with how sure it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwright.core.configuration import Configured

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """mean, deviation: float64 of shape (n,), in the units of the values that were fitted; one standard deviation."""

    mean: np.ndarray
    deviation: np.ndarray


class Predictor(Configured, ABC):
    """Learns scores, of which larger are better, from examples. Made for one space, whose architectures it takes."""

    space: Space

    @abstractmethod
    def fit(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        """Learn from these examples alone; everything random follows from `seed`. Raises ConfigurationError for none."""

    @abstractmethod
    def predict(self, architectures: Sequence[Architecture]) -> Prediction:
        """Mean and deviation of each architecture's score."""

    @abstractmethod
    def update(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        """Learn from further examples, besides those that were learnt already."""

    def samples(self, architectures: Sequence[Architecture], count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw whole functions: float64 of shape (count, n). Independent normals unless a subclass knows them jointly."""
        prediction = self.predict(architectures)
        return rng.normal(prediction.mean, prediction.deviation, (count, len(architectures)))
