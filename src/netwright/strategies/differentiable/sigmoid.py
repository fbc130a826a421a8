"""Options that do not compete: each is weighted by itself."""

from __future__ import annotations

import torch
from torch import Tensor

from netwright.strategies.differentiable.parameters import Parameters
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Relaxation, Situation


class Sigmoid(Relaxation):
    """Every option, weighted by the sigmoid of its own logit, so that one may grow without another's shrinking.

    As in FairDARTS (Chu et al. 2020, "Fair DARTS: Eliminating Unfair Advantages in Differentiable Architecture
    Search", equation 4), without that paper's loss that drives the weights to 0 and 1.
    """

    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        weights = situation.logits.sigmoid() * situation.alive
        return Draw(weights, situation.active, situation.logits)

    def stands_for(self, parameters: Parameters) -> Tensor:
        return torch.sigmoid(parameters.logits) * parameters.alive
