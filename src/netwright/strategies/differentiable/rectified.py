"""Probabilities by rectified parameters, with several samples (Chang et al. 2019, "DATA"; the authors' code)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from netwright.core.errors import ConfigurationError
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Situation
from netwright.strategies.differentiable.schedules import Schedule
from netwright.strategies.differentiable.straight_through import StraightThrough

if TYPE_CHECKING:
    import numpy as np

    from netwright.strategies.differentiable.layout import Layout
    from netwright.strategies.differentiable.parameters import Parameters

DATA_TEMPERATURE = Schedule(5.0, 7 / 3)  # 5 - 4 / 150 an epoch, for 100 epochs


class Rectified(StraightThrough):
    """Draws options by p = relu(alpha) / sum relu(alpha), and computes the union of the samples.

    The parameters begin near 1 and, as they lie below 0, have no gradient.

    temperature, samples, normalise: see `StraightThrough`.
    penalty: of the distance between p and the weights that were drawn, the mean of its absolute value over all options
        of a kind of cell, summed over the kinds.
    """

    def __init__(
        self,
        temperature: Schedule = DATA_TEMPERATURE,
        samples: int = 7,
        normalise: bool = True,
        penalty: float = 0.1,
    ) -> None:
        super().__init__(temperature, samples, normalise)
        self.penalty = penalty
        if penalty < 0:
            raise ConfigurationError(f"Rectified: penalty={penalty}; expected a number of at least 0")

    def initial(self, layout: Layout, rng: np.random.Generator) -> Tensor:
        """Normal with mean 1 and standard deviation 0.001 (the authors' code)."""
        return torch.from_numpy(rng.normal(1.0, 0.001, tuple(layout.exists.shape))).float()

    def scores(self, logits: Tensor, alive: Tensor) -> Tensor:
        return (rectified(logits, alive) + 1e-10).log()

    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        draw = super().draw(situation, purpose)
        probabilities = rectified(situation.logits, situation.alive)
        draw.extra["distance"] = distance(probabilities, draw.weights.detach(), situation.layout)
        return draw

    def gradient(self, draw: Draw, told: Tensor) -> Tensor:
        loss = (draw.weights * told).sum() + self.penalty * draw.extra["distance"]
        return torch.autograd.grad(loss, draw.logits)[0]

    def stands_for(self, parameters: Parameters) -> Tensor:
        return rectified(parameters.logits, parameters.alive)


def rectified(logits: Tensor, alive: Tensor) -> Tensor:
    """Each row's positive parts as shares of their sum; 0 for options out of play."""
    positive = logits.clamp(min=0.0) * alive
    return positive / (positive.sum(-1, keepdim=True) + 1e-7)


def distance(probabilities: Tensor, weights: Tensor, layout: Layout) -> Tensor:
    """The mean absolute difference over the options of each kind of cell, summed over the kinds."""
    exists = layout.exists.to(probabilities.device)
    apart = (probabilities - weights).abs() * exists
    kinds = [name.partition("/")[0] for name in layout.names]
    total = apart.new_zeros(())
    for kind in dict.fromkeys(kinds):
        rows = [row for row, each in enumerate(kinds) if each == kind]
        total = total + apart[rows].sum() / exists[rows].sum()
    return total
