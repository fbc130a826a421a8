"""Weights that are trained in a ball around the mixture (Chen and Hsieh 2020, "Stabilizing DARTS via Perturbation").

The full title is "Stabilizing Differentiable Architecture Search via Perturbation-based Regularization" (SmoothDARTS).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from netwright.core.checks import whole_number
from netwright.core.configuration import Configured
from netwright.strategies.differentiable.schedules import Schedule

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.trial import Proposal, Purpose, Trial
    from netwright.strategies.differentiable.layout import Layout
    from netwright.strategies.differentiable.parameters import Parameters
    from netwright.strategies.differentiable.relaxation import Draw
    from netwright.strategies.rounds.asking import Talk

    Start = Callable[[np.random.Generator], Draw]
    Ask = Callable[[Tensor, Purpose, bool], Proposal]  # weights, purpose, whether their gradient is measured

PROVIDES = ("search.regularise_stop",)

RADIUS = Schedule(0.03, 0.3)  # the authors' code: linear over the epochs, for every space but the recurrent one


class Perturbation(Configured, ABC):
    """How the mixture is moved before each training round.

    radius: of the ball, in the maximum norm.
    """

    radius: Schedule

    @abstractmethod
    def rounds(
        self,
        start: Start,
        ask: Ask,
        told: Callable[[Trial], Tensor],
        layout: Layout,
        parameters: Parameters,
        progress: float,
    ) -> Talk[None]:
        """The rounds up to and with one training round.

        start: draws the mixture.
        told: the gradient in an answer.
        """

    def figures(self, progress: float) -> Mapping[str, float]:
        return {"perturbation": self.radius.at(progress)}


class RandomPerturbation(Perturbation):
    """SDARTS-RS: noise from the uniform distribution on [-radius, radius] (equation 4), then back to weights.

    radius: of the ball, in the maximum norm, as the search goes on; from 0.03 to 0.3 in the authors' code.
    """

    def __init__(self, radius: Schedule = RADIUS) -> None:
        self.radius = radius

    def rounds(
        self,
        start: Start,
        ask: Ask,
        told: Callable[[Trial], Tensor],
        layout: Layout,
        parameters: Parameters,
        progress: float,
    ) -> Talk[None]:
        radius = self.radius.at(progress)

        def make(rng: np.random.Generator) -> Proposal:
            weights = start(rng).weights
            return ask(moved(weights, uniform(weights, radius, rng), layout), "train", False)

        yield make


class AdversarialPerturbation(Perturbation):
    """SDARTS-ADV: the mixture in the ball with the largest training loss, by projected gradient ascent (equation 5).

    A training step so costs 9 rounds more, of which 7 measure a gradient. The authors' code measures them in evaluation
    mode, by the running statistics of its batch normalisations: an estimator does so with rehearsals="evaluation".

    radius: of the ball, in the maximum norm, as the search goes on; from 0.03 to 0.3 in the authors' code.
    steps: 7 of 2 radius / steps each along the sign of the gradient, from a random start; where that ends with a loss
        below the mixture's own, the mixture stays.
    """

    def __init__(self, radius: Schedule = RADIUS, steps: int = 7) -> None:
        self.radius = radius
        self.steps = whole_number(self, "steps", steps)

    def rounds(
        self,
        start: Start,
        ask: Ask,
        told: Callable[[Trial], Tensor],
        layout: Layout,
        parameters: Parameters,
        progress: float,
    ) -> Talk[None]:
        radius, rate = self.radius.at(progress), 2 * self.radius.at(progress) / self.steps
        points: list[Tensor] = []

        def first(rng: np.random.Generator) -> Proposal:
            weights = start(rng).weights
            points.extend((weights, moved(weights, uniform(weights, radius, rng), layout)))
            return ask(weights, "rehearse", False)

        before = yield first
        here, point = points
        for _ in range(self.steps):
            at = point
            trial = yield lambda _, at=at: ask(at, "rehearse", True)
            gradient = told(trial)
            here, point = here.to(gradient.device), point.to(gradient.device)
            step = point + rate * gradient.sign() - here
            point = moved(here, step.clamp(-radius, radius), layout)
        worst = point
        after = yield lambda _: ask(worst, "rehearse", False)
        rose = torch.as_tensor(after.metrics["loss"]) >= torch.as_tensor(before.metrics["loss"])
        chosen = torch.where(rose.to(here.device), worst, here)
        yield lambda _: ask(chosen, "train", False)


def uniform(weights: Tensor, radius: float, rng: np.random.Generator) -> Tensor:
    noise = torch.from_numpy(rng.uniform(-radius, radius, tuple(weights.shape)))
    return noise.to(weights.device, weights.dtype, non_blocking=True)


def moved(weights: Tensor, by: Tensor, layout: Layout) -> Tensor:
    """The weights after the move, clipped to [0, 1] and divided by each row's sum (the authors' code).

    Where all of a row would be clipped to 0, its largest stays. Options out of play and weights of sources do not move.
    """
    inside = weights > 0
    at = weights + by
    clipped = at.clamp(0.0, 1.0) * inside
    largest = torch.zeros_like(at).scatter_(-1, at.masked_fill(~inside, -torch.inf).argmax(-1, keepdim=True), 1.0)
    total = clipped.sum(-1, keepdim=True)
    result = torch.where(total > 0, clipped / total.clamp(min=1e-30), largest)
    stays = layout.is_source.to(weights.device) | ~inside.any(-1, keepdim=True)
    return torch.where(stays, weights, result)
