"""A logit for each option of each decision, moved along the gradient that a round has measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from netwright.core.architecture import Mixture
from netwright.core.errors import UserError
from netwright.strategies.differentiable.layout import Layout
from netwright.strategies.differentiable.optimiser import Adam, Horizon
from netwright.strategies.differentiable.parameters import Parameters, softmax

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from netwright.core.decision_space import DecisionSpace
    from netwright.core.trial import Trial
    from netwright.strategies.differentiable.optimiser import Optimiser


class Logits:
    """The architecture parameters of a space in one matrix, a row a decision and a column an option, at first 0.

    space: whose decisions they are of.
    optimiser: how they follow their gradient; None for the Adam of DARTS.
    edge_weights: whether the sources that a node may read have logits, too.
    """

    def __init__(self, space: DecisionSpace, optimiser: Optimiser | None = None, edge_weights: bool = False) -> None:
        self.layout = Layout(space, edge_weights)
        self._parameters = Parameters(self.layout)
        self._optimiser = optimiser or Adam()
        self._memory = self._optimiser.start(self._parameters)
        self._taken = 0
        self._values: Tensor | None = None

    @property
    def values(self) -> Tensor:
        """The logits, (decisions, options) in float32; what is computed from them knows how until the next `step`."""
        found = self._values
        if found is None:
            found = self._values = self._parameters.logits.detach().requires_grad_()
        return found

    def start(self, rng: np.random.Generator, deviation: float = 1e-3) -> None:
        """Draw them anew from a normal distribution.

        rng: what is drawn from.
        deviation: the standard deviation.
        """
        drawn = deviation * rng.standard_normal(tuple(self.layout.exists.shape)) * self.layout.exists.numpy()
        self._parameters.logits = torch.from_numpy(drawn).to(self._parameters.logits)
        self._memory, self._values = self._optimiser.start(self._parameters), None

    def gumbel(self, rng: np.random.Generator) -> Tensor:
        """Independent noise from the standard Gumbel distribution, shaped as `values`."""
        noise = torch.from_numpy(rng.gumbel(size=tuple(self.layout.exists.shape)))
        return noise.to(self._parameters.logits)

    def softmax(self, scores: Tensor | None = None) -> Tensor:
        """Each row's weights, 0 where there is no option.

        scores: in place of `values`.
        """
        return softmax(self.values if scores is None else scores, self._parameters.alive)

    def mixture(self, weights: Tensor | None = None) -> Mixture:
        """A mixture with these weights, shaped as `values`; None for the softmax, whose gradient is not asked for."""
        if weights is None:
            weights = softmax(self._parameters.logits, self._parameters.alive)
        return Mixture(self.layout.rows(weights), self._parameters.active)

    def step(self, weights: Tensor, told: Trial) -> None:
        """Move the logits against the gradient of the loss.

        weights: of the mixture that was asked, from `values`.
        told: the answer to the probe of that mixture.
        """
        if told.gradient is None:
            raise UserError("the round measured no gradient to learn from; ask probe(logits.mixture(weights))")
        gradient = self.layout.matrix(told.gradient, weights).to(weights.device)
        self._move(torch.autograd.grad(weights, self.values, gradient)[0])

    def follow(self, loss: Tensor) -> None:
        """Move the logits against the gradient of a number that was computed from `values`."""
        self._move(torch.autograd.grad(loss, self.values)[0])

    def _move(self, found: Tensor) -> None:
        parameters = self._parameters
        self._optimiser.step(self._memory, parameters, found, parameters.moving, Horizon(self._taken, 0.0))
        self._taken, self._values = self._taken + 1, None

    def state_dict(self) -> dict[str, Any]:
        return {"parameters": self._parameters.state_dict(), "memory": dict(self._memory), "taken": self._taken}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._parameters.load_state_dict(state["parameters"])
        self._memory, self._taken, self._values = dict(state["memory"]), int(state["taken"]), None
