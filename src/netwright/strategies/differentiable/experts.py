"""Experts' advice (Nayman et al. 2019, "XNAS: Neural Architecture Search with Expert Advice")."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from netwright.core.errors import ConfigurationError
from netwright.strategies.differentiable.optimiser import Horizon, Optimiser, State
from netwright.strategies.differentiable.parameters import Parameters, softmax
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Relaxation, Situation

if TYPE_CHECKING:
    import numpy as np

    from netwright.strategies.differentiable.layout import Layout

PROVIDES = ("search.experts",)


class Experts(Relaxation):
    """Every option is an expert with a weight v > 0; the mixture is v over the sum of v (algorithm 1).

    The logits are log v and start at 0. The gradient by the mixture's weight, which is minus the expert's reward, is
    used as it is rather than through the normalisation; see `ExponentiatedGradient` for the update and the wipe-out.
    """

    @property
    def optimiser(self) -> Optimiser:
        return ExponentiatedGradient()

    def initial(self, layout: Layout, rng: np.random.Generator) -> Tensor:
        return torch.zeros(tuple(layout.exists.shape))

    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        return Draw(softmax(situation.logits, situation.alive), situation.active, situation.logits)

    def gradient(self, draw: Draw, told: Tensor) -> Tensor:
        return told


class ExponentiatedGradient(Optimiser):
    """v_i <- v_i exp(eta R_i) with rewards R clipped to [-bound, bound] (Nayman et al. 2019, algorithm 1).

    An expert that cannot catch up is wiped out: v_i < max_j v_j exp(-2 eta bound (T - t)) after t of T steps. Cells
    that are repeated give the sum of their rewards, as one decision stands for all of them. The paper's own bound and
    its separate eta for each kind of cell could not be checked, as its search code is not public.

    learning_rate: eta; None for sqrt(2 ln N / (T bound^2)) with N options, which minimises the bound on the regret.
    bound: of the rewards; 1 is a guess.
    wipe_out: whether experts that cannot catch up are wiped out.
    """

    needs_horizon = True

    def __init__(self, learning_rate: float | None = None, bound: float = 1.0, wipe_out: bool = True) -> None:
        if bound <= 0 or (learning_rate is not None and learning_rate <= 0):
            raise ConfigurationError(
                f"ExponentiatedGradient: learning_rate={learning_rate}, bound={bound}; expected positive numbers"
            )
        self.learning_rate = learning_rate
        self.bound = bound
        self.wipe_out = wipe_out

    def start(self, parameters: Parameters) -> State:
        return {}

    def step(
        self, state: State, parameters: Parameters, gradient: Tensor, moving: Tensor | None, horizon: Horizon
    ) -> None:
        total = max(horizon.total, horizon.taken + 1.0)
        rate = self._rates(parameters, total)
        rewards = (-gradient).clamp(-self.bound, self.bound)
        moved = parameters.logits + rate * rewards
        parameters.logits = moved if moving is None else torch.where(moving, moved, parameters.logits)
        if self.wipe_out:
            left = total - (horizon.taken + 1)
            strongest = parameters.logits.masked_fill(~parameters.alive, -torch.inf).amax(-1, keepdim=True)
            hopeless = parameters.logits < strongest - 2 * rate * self.bound * left
            parameters.alive = parameters.alive & ~hopeless

    def _rates(self, parameters: Parameters, total: float) -> Tensor | float:
        if self.learning_rate is not None:
            return self.learning_rate
        widths = parameters.layout.widths
        rates = [math.sqrt(2 * math.log(max(n, 2)) / total) / self.bound for n in widths]
        return torch.tensor(rates, dtype=torch.float32)[:, None].to(parameters.logits.device, non_blocking=True)
