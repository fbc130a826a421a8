"""Single paths with a policy gradient (Hu et al. 2020, "DSNAS: Direct NAS without Parameter Retraining")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from netwright.strategies.differentiable.parameters import softmax
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Relaxation, Situation
from netwright.strategies.differentiable.straight_through import active_of

if TYPE_CHECKING:
    import numpy as np

    from netwright.strategies.differentiable.layout import Layout

PROVIDES = ("search.dist_pg",)


class OneHot(Relaxation):
    """Draws one option a decision from the softmax of its logits, and computes only that.

    The logits follow grad log p(Z) times the derivative of the loss by the chosen option's weight, times that weight:
    the credit of the decision (Hu et al. 2020, equation 7), which is the limit of SNAS's gradient at temperature 0.
    """

    def initial(self, layout: Layout, rng: np.random.Generator) -> Tensor:
        """Normal with mean 1 and standard deviation 0.01 (the authors' code)."""
        return torch.from_numpy(rng.normal(1.0, 0.01, tuple(layout.exists.shape))).float()

    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        choices = (situation.host_logits() + situation.gumbel()).argmax(-1, keepdim=True)
        taken = torch.zeros(situation.logits.shape, dtype=torch.bool).scatter_(-1, choices, True)
        weights = taken.to(situation.logits.device, situation.logits.dtype, non_blocking=True) * situation.alive
        draw = Draw(weights, active_of(situation, taken), situation.logits)
        draw.extra["probabilities"] = softmax(situation.logits.detach(), situation.alive)
        return draw

    def gradient(self, draw: Draw, told: Tensor) -> Tensor:
        credit = (told * draw.weights).sum(-1, keepdim=True)
        return credit * (draw.weights - draw.extra["probabilities"])
