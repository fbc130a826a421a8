"""The continuous relaxation of DARTS (Liu et al. 2019, "DARTS: Differentiable Architecture Search")."""

from __future__ import annotations

from netwright.strategies.differentiable.parameters import softmax
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Relaxation, Situation


class Softmax(Relaxation):
    """Every option, weighted by the softmax of its decision's logits (equation 2); the gradient goes through it."""

    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        weights = softmax(situation.logits, situation.alive)
        return Draw(weights, situation.active, situation.logits)
