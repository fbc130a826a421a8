"""One network that is trained while weights leave it, so that what is left in the end is what was searched for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.core.closest import largest
from netwright.core.estimator import LEFT
from netwright.strategies.rounds.asking import train
from netwright.strategies.rounds.script import Rounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.strategies.rounds.script import Script

PROVIDES = ("search.shrink_grow",)


class ShrinkingNetwork(Rounds):
    """Trains the largest network as far as it is left; which weights leave is for the estimator to say (`Atoms`).

    A search and a training are one here (Mei et al. 2020): there are no samples and no logits, and the network that is
    left when the training is over is the one that was found.

    space: the one to search.
    """

    led: bool = True

    def __init__(self, space: DecisionSpace) -> None:
        self.space = space
        self.remaining = largest(space)

    def script(self, rng: np.random.Generator) -> Script:
        """A step of the weights, and what it has left of them."""
        told = yield train(self.remaining)
        self.note(told.metrics)

    def note(self, metrics: Mapping[str, float]) -> None:
        """What the estimator says to be left, where it says so."""
        left = {name.removeprefix(LEFT): int(count) for name, count in metrics.items() if name.startswith(LEFT)}
        if left:
            self.remaining = self.space.architecture({**self.remaining.decisions, **left})

    def result(self) -> Architecture:
        return self.remaining

    def figures(self) -> dict[str, float]:
        """What the network that is left costs, as far as that is known without training."""
        if self._known is None:
            return {}
        return {f"left_{name}": float(value) for name, value in self._known[0](self.remaining).items()}
