"""The concrete relaxation of SNAS (Xie et al. 2019, "SNAS: Stochastic Neural Architecture Search")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from netwright.strategies.differentiable.parameters import FAR
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Relaxation, Situation
from netwright.strategies.differentiable.schedules import Schedule

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from netwright.strategies.differentiable.layout import Layout

PROVIDES = ("super.gumbel",)

SNAS_TEMPERATURE = Schedule(1.0, 0.03, ahead=True)  # the authors' program, which cools before an epoch


class GumbelSoftmax(Relaxation):
    """Every option, weighted by softmax((logits + Gumbel noise) / temperature): equation 5, reparametrised.

    temperature: as the search goes on; the first mixture, before the number of epochs is known, has that of the start.
    The noise is new for every mixture that is asked.
    """

    def __init__(self, temperature: Schedule = SNAS_TEMPERATURE) -> None:
        self.temperature = temperature

    def initial(self, layout: Layout, rng: np.random.Generator) -> Tensor:
        """Normal with mean 1 and standard deviation 0.01 (the authors' code)."""
        return torch.from_numpy(rng.normal(1.0, 0.01, tuple(layout.exists.shape))).float()

    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        noise = situation.gumbel().to(situation.logits.device, non_blocking=True)
        weights = concrete(
            situation.logits, situation.alive, noise, self.temperature.at(situation.progress, situation.last)
        )
        return Draw(weights, situation.active, situation.logits)

    def figures(self, progress: float, last: float = 1.0) -> Mapping[str, float]:
        return {"temperature": self.temperature.at(progress, last)}


def concrete(logits: Tensor, alive: Tensor, noise: Tensor, temperature: float) -> Tensor:
    """A sample of the concrete distribution (Maddison et al. 2017, equation 10) over each row's options in play."""
    return ((logits + noise) / temperature).masked_fill(~alive, FAR / temperature).softmax(-1) * alive
