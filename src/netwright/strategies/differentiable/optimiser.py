"""How logits follow their gradient."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from netwright.core.configuration import Configured
from netwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.strategies.differentiable.parameters import Parameters

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Horizon:
    """Architecture steps that were taken, and how many there will be in all; 0 where that is not known yet."""

    taken: int
    total: float


class Optimiser(Configured, ABC):
    """An update rule. Its memory is a dict of tensors and numbers that the strategy keeps."""

    needs_horizon = False  # whether the first step must wait until the number of all steps is known

    @abstractmethod
    def start(self, parameters: Parameters) -> State:
        """The memory before the first step."""

    @abstractmethod
    def step(
        self, state: State, parameters: Parameters, gradient: Tensor, moving: Tensor | None, horizon: Horizon
    ) -> None:
        """Move the logits by the gradient (same shape) that was told; where `moving` is given, only those."""


class Adam(Optimiser):
    """Adam with an L2 penalty in the gradient (Kingma and Ba 2015), with the defaults of DARTS (Liu et al. 2019).

    Where only some logits move, the moments of the others stay as they are, too.

    learning_rate, betas, weight_decay, epsilon: as in PyTorch's Adam.
    clip: largest norm of the gradient of all logits together, None for any.
    """

    def __init__(
        self,
        learning_rate: float = 3e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        weight_decay: float = 1e-3,
        epsilon: float = 1e-8,
        clip: float | None = None,
    ) -> None:
        if learning_rate <= 0 or weight_decay < 0 or epsilon <= 0 or (clip is not None and clip <= 0):
            raise ConfigurationError(
                f"Adam: learning_rate={learning_rate}, weight_decay={weight_decay}, epsilon={epsilon}, clip={clip}; "
                "expected positive numbers, and a weight decay of at least 0"
            )
        if not all(0 <= beta < 1 for beta in betas):
            raise ConfigurationError(f"Adam: betas are {betas!r}; expected two numbers, 0 <= beta < 1")
        self.learning_rate = learning_rate
        self.betas = (betas[0], betas[1])
        self.weight_decay = weight_decay
        self.epsilon = epsilon
        self.clip = clip

    def start(self, parameters: Parameters) -> State:
        zeros = torch.zeros_like(parameters.logits)
        return {"first": zeros, "second": zeros.clone(), "steps": 0}

    def step(
        self, state: State, parameters: Parameters, gradient: Tensor, moving: Tensor | None, horizon: Horizon
    ) -> None:
        logits = parameters.logits
        if self.clip is not None:
            gradient = gradient * (self.clip / (gradient.norm() + 1e-6)).clamp(max=1.0)
        gradient = gradient + self.weight_decay * logits
        first = state["first"].lerp(gradient, 1 - self.betas[0])
        second = (state["second"] * self.betas[1]).addcmul(gradient, gradient, value=1 - self.betas[1])
        steps = state["steps"] + 1
        rate = self.learning_rate / (1 - self.betas[0] ** steps)
        scale = (second.sqrt() / math.sqrt(1 - self.betas[1] ** steps)).add_(self.epsilon)
        moved = torch.addcdiv(logits, first, scale, value=-rate)
        if moving is not None:
            moved = torch.where(moving, moved, logits)
            first = torch.where(moving, first, state["first"])
            second = torch.where(moving, second, state["second"])
        state.update(first=first, second=second, steps=steps)
        parameters.logits = moved
