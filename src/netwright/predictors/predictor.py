"""A performance predictor: from architectures to scores, with how sure it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netwright.core.configuration import Configured
from netwright.core.errors import ConfigurationError
from netwright.predictors.examples import Examples

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
    """Learns scores, of which larger are better, from examples. Made for one space, whose architectures it takes.

    A subclass gives `fit`, which keeps its examples as `self.examples = Examples(space, architectures, values)`, and
    `predict`. Whatever it caches of an architecture, equal calls give equal predictions.
    """

    space: Space
    examples: Examples | None = None

    @abstractmethod
    def fit(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        """Learn from these examples alone; everything random follows from `seed`.

        Raises ConfigurationError for no examples, unequal numbers of both, and values that are not finite;
        InvalidArchitecture for architectures of another space.
        """

    @abstractmethod
    def predict(self, architectures: Sequence[Architecture]) -> Prediction:
        """Mean and deviation of each architecture's score. Raises ConfigurationError before `fit`."""

    def update(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        """Learn from further examples, besides those that were learnt already: by default, from all anew."""
        before = self.examples
        known, scores = ([], []) if before is None else (before.architectures, before.values.tolist())
        self.fit([*known, *architectures], [*scores, *values], seed)

    def revalue(self, architectures: Sequence[Architecture], values: Sequence[float], seed: int = 0) -> None:
        """Learn other values of the examples, and further ones after them: by default, all anew."""
        self.fit(architectures, values, seed)

    def memory(self) -> Mapping[str, Any] | None:
        """Where `update` goes on from what was learnt: all that this is beside the examples' architectures; else None.

        NumPy arrays and what JSON holds, in dicts and lists.
        """
        return None

    def remember(self, memory: Mapping[str, Any], architectures: Sequence[Architecture]) -> None:
        """Be, exactly, what the predictor was that gave this memory.

        architectures: those of its examples, in order.
        """
        raise NotImplementedError(f"{type(self).__name__} gives no memory")

    def samples(self, architectures: Sequence[Architecture], count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw whole functions: float64 (count, n). Independent normals unless a subclass knows them jointly."""
        prediction = self.predict(architectures)
        return rng.normal(prediction.mean, prediction.deviation, (count, len(architectures)))

    def goes_on(self) -> bool:
        """Whether `update` is the predictor's own, rather than to learn from all examples anew."""
        return type(self).update is not Predictor.update

    def fitted(self) -> Examples:
        """The examples that were learnt; ConfigurationError where there are none yet."""
        if self.examples is None:
            raise ConfigurationError(f"{type(self).__name__} predicts nothing before `fit` has given it examples")
        return self.examples
