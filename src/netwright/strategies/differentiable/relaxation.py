"""A relaxation: from logits to the mixture that is asked, and from the gradient that is told to the logits'."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from netwright.core.configuration import Configured
from netwright.strategies.differentiable.optimiser import Adam, Optimiser
from netwright.strategies.differentiable.parameters import softmax

if TYPE_CHECKING:
    import numpy as np

    from netwright.strategies.differentiable.layout import Layout
    from netwright.strategies.differentiable.parameters import Parameters

Purpose = Literal["learn", "train"]  # what a mixture is drawn for: to move the logits, or only the weights


@dataclass(slots=True)
class Situation:
    """What a relaxation draws from: the logits, the options in play, the progress of the search (0..1).

    last: the highest progress that the search will come to.
    """

    layout: Layout
    logits: Tensor
    alive: Tensor
    active: Mapping[str, tuple[int, ...]]
    progress: float
    rng: np.random.Generator
    last: float = 1.0

    def host_logits(self) -> Tensor:
        """The logits in the host's memory, those of options out of play far below; waits for the device."""
        return self.logits.detach().masked_fill(~self.alive, -1e9).cpu()

    def gumbel(self) -> Tensor:
        """Independent noise from the standard Gumbel distribution, one an option, in the host's memory."""
        noise = self.rng.gumbel(size=tuple(self.logits.shape))
        return torch.from_numpy(noise).to(self.logits.dtype)


@dataclass(slots=True)
class Draw:
    """A mixture as a matrix, and what is needed to use its gradient.

    weights: 0 for options that are not computed.
    logits: the leaf that `weights` were computed from, where autograd remembers how.
    moving: the only logits that this draw may move; None for all.
    """

    weights: Tensor
    active: Mapping[str, tuple[int, ...]]
    logits: Tensor
    moving: Tensor | None = None
    extra: dict[str, Tensor] = field(default_factory=dict)


class Relaxation(Configured, ABC):
    """What is asked, and how that which is told moves the logits."""

    @property
    def optimiser(self) -> Optimiser:
        """The update rule that the paper uses."""
        return Adam()

    def initial(self, layout: Layout, rng: np.random.Generator) -> Tensor:
        """The logits at the start: 0.001 times standard normal (Liu et al. 2019, the authors' code)."""
        return torch.from_numpy(1e-3 * rng.standard_normal(tuple(layout.exists.shape))).float()

    @abstractmethod
    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        """The mixture to ask next."""

    def gradient(self, draw: Draw, told: Tensor) -> Tensor:
        """The logits' gradient, from that of the loss with respect to the mixture's weights."""
        return torch.autograd.grad(draw.weights, draw.logits, told)[0]

    def settle(self, draw: Draw, before: Tensor, parameters: Parameters) -> None:
        """What is left to do after the optimiser has moved the logits, which were `before`."""

    def stands_for(self, parameters: Parameters) -> Tensor:
        """The weights of the mixture that the logits stand for, without noise."""
        return softmax(parameters.logits, parameters.alive)

    def figures(self, progress: float, last: float = 1.0) -> Mapping[str, float]:
        """Numbers to record, such as a temperature; see `Situation`."""
        return {}
