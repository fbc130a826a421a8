"""Options that leave the search on the way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from netwright.core.architecture import Architecture, Mixture
from netwright.core.configuration import Configured

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.core.decision_space import DecisionSpace
    from netwright.strategies.differentiable.layout import Layout
    from netwright.strategies.differentiable.parameters import Parameters


class Shrinking(Configured, ABC):
    """What takes options out of play, looked at when an epoch begins."""

    def start(self, layout: Layout) -> dict[str, Any]:
        """The memory at the start: plain values and tensors."""
        return {}

    def stage(self, share: float) -> tuple[float, float]:
        """The beginning and the end of the stage at this share of the training; warm-ups are a share of the stage."""
        return 0.0, 1.0

    @abstractmethod
    def shrink(self, memory: dict[str, Any], parameters: Parameters, weights: Tensor, share: float) -> bool:
        """Take options out of play; whether logits and optimiser begin anew.

        weights: of the mixture that the logits stand for, in the host's memory.
        share: of the training that is done.
        """

    def discretize(self, space: DecisionSpace, layout: Layout, mixture: Mixture) -> Architecture:
        """The architecture that the mixture stands for in the end."""
        return space.discretize(mixture)
