"""Gradients of what is drawn, with the relaxed loss as control variate (Vahdat et al. 2020, "UNAS")."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from netwright.core.architecture import Mixture
from netwright.core.checks import positive
from netwright.strategies.differentiable.optimiser import Adam
from netwright.strategies.differentiable.parameters import FAR
from netwright.strategies.rounds.asking import probe, rehearse, train
from netwright.strategies.rounds.logits import Logits
from netwright.strategies.rounds.script import Rounds

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.trial import Trial
    from netwright.strategies.rounds.asking import Talk
    from netwright.strategies.rounds.script import Script

PROVIDES = ("search.dist_pg",)

NEAR, LEAST = 1e-6, 1e-30  # of 0 and 1, beyond which no uniform number is drawn; a probability


class ControlVariate(Rounds):
    """Logits follow an unbiased gradient of the expected loss of drawn networks, of less variance than REINFORCE.

    With z one option a decision, drawn by Gumbel noise, and the relaxed weights c at the same noise,

        grad E[f(z)] = E[(f(z) - f(c')) grad log p(z) + grad f(c) - grad f(c')],

    where c' is drawn given z (REBAR, Tucker et al. 2017). f is the loss on a validation minibatch with `gap` times its
    distance from that on a training minibatch, which keeps from networks that learn by heart. Terms are part of both
    losses: of a network what it costs, of relaxed weights what they cost on average, so that what has no gradient of
    its own needs none.

    space: the one to search.
    temperature: of the relaxed weights; 0.4, ours.
    gap: weight of |validation loss - training loss|; 0.5 in the paper, from memory. 0 leaves it out.
    rate: of Adam for the logits; 3e-4, as DARTS.
    """

    def __init__(self, space: DecisionSpace, temperature: float = 0.4, gap: float = 0.5, rate: float = 3e-4) -> None:
        self.space, self.gap = space, gap
        self.temperature = positive(self, "temperature", temperature)
        self.logits = Logits(space, Adam(rate, weight_decay=0.0))

    def script(self, rng: np.random.Generator) -> Script:
        """A step of the logits by three candidates on one minibatch, and one of the weights by the drawn network."""
        scores = self._hard(self.logits.values) + self.logits.gumbel(rng)
        likely = self._hard(self.logits.values).log_softmax(-1)
        z = torch.zeros_like(scores).scatter_(1, scores.detach().argmax(-1, keepdim=True), 1.0)
        relaxed, given = self._relaxed(scores), self._relaxed(self._given(z, likely, rng))
        drawn = self.space.discretize(Mixture(self.logits.layout.rows(z.cpu())))
        at_z = yield from self._of_network(drawn)
        at_given, by_given = yield from self._of_mixture(given)
        _, by_relaxed = yield from self._of_mixture(relaxed)
        slopes = (relaxed * by_relaxed).sum() - (given * by_given).sum()
        self.logits.follow((at_z - at_given) * (likely * z).sum() + slopes)
        yield train(drawn)

    def mixture(self) -> Mixture:
        return self.logits.mixture()

    def _hard(self, values: Tensor) -> Tensor:
        """Values of options that an architecture may take; far below of others."""
        return values.masked_fill(~self.logits.layout.hard.to(values.device), FAR)

    def _relaxed(self, scores: Tensor) -> Tensor:
        return (scores / self.temperature).softmax(-1) * self.logits.layout.hard.to(scores.device)

    def _given(self, z: Tensor, likely: Tensor, rng: np.random.Generator) -> Tensor:
        """Log-probabilities with Gumbel noise of which z is the largest (Tucker et al. 2017, appendix C)."""
        u = torch.from_numpy(rng.uniform(NEAR, 1 - NEAR, tuple(z.shape))).to(likely)
        below = -(u * z).sum(-1, keepdim=True).log()  # exp(-top), of the largest
        others = -(-u.log() / likely.exp().clamp(min=LEAST) + below).log()
        return torch.where(z > 0, -below.log().expand_as(others), others)

    def _of_network(self, drawn: Architecture) -> Talk[float]:
        told = yield probe(drawn)
        value = float(told.metrics["loss"])
        if self.gap:
            seen = yield rehearse(drawn)
            value += self.gap * abs(value - float(seen.metrics["loss"]))
        return value

    def _of_mixture(self, weights: Tensor) -> Talk[tuple[float, Tensor]]:
        """f of relaxed weights, and its gradient by them."""
        asked = self.logits.mixture(weights.detach().requires_grad_())
        told = yield probe(asked, again=True)
        value, gradient = float(told.metrics["loss"]), self._gradient(told, weights)
        if self.gap:
            seen = yield rehearse(asked)
            further = value - float(seen.metrics["loss"])
            gradient = gradient + math.copysign(self.gap, further) * (gradient - self._gradient(seen, weights))
            value += self.gap * abs(further)
        return value, gradient

    def _gradient(self, trial: Trial, like: Tensor) -> Tensor:
        return self.logits.layout.matrix(trial.gradient or {}, like).to(like.device)
