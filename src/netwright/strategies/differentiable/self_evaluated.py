"""A template trained on uniform samples, and an evaluator that says what to look at (Dong and Yang 2019, "SETN")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from netwright.core.architecture import Architecture, Mixture
from netwright.core.checks import whole_number
from netwright.strategies.differentiable.differentiable import Differentiable
from netwright.strategies.differentiable.parameters import FAR, softmax
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Situation
from netwright.strategies.differentiable.softmax import Softmax
from netwright.strategies.differentiable.straight_through import active_of
from netwright.strategies.fetching import fetched
from netwright.strategies.rounds.asking import probe

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.decision_space import DecisionSpace
    from netwright.strategies.differentiable.optimiser import Optimiser
    from netwright.strategies.rounds.asking import Talk
    from netwright.strategies.rounds.script import Script

REDRAWS = 10  # for each candidate that is still missing


class UniformTraining(Softmax):
    """Weights train on one option a decision, drawn uniformly; logits follow the softmax of all."""

    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        if purpose != "train":
            return super().draw(situation, purpose)
        scores = situation.gumbel().masked_fill(~situation.alive.cpu(), FAR)
        taken = torch.zeros(scores.shape, dtype=torch.bool).scatter_(-1, scores.argmax(-1, keepdim=True), True)
        weights = taken.to(situation.logits.device, situation.logits.dtype) * situation.alive
        return Draw(weights, active_of(situation, taken), situation.logits)


class SelfEvaluated(Differentiable):
    """Trains weights on uniform samples and logits on the validation loss; in the end logits say whom to look at.

    Once the weights are trained, architectures are drawn from the softmax of the logits, each is looked at on one
    validation minibatch, always the next one, and the most accurate is what was found; of equal ones the first drawn.

    space: its operations on edges are sampled, and of a node's sources those are kept whose sampled operation is
    likeliest.
    optimiser: how the logits follow their gradient; None for the Adam of DARTS, which is the authors'.
    candidates: how many different architectures are looked at, fewer where luck does not draw as many; 100 in the
    authors' code.
    """

    def __init__(self, space: DecisionSpace, optimiser: Optimiser | None = None, candidates: int = 100) -> None:
        super().__init__(space, UniformTraining(), optimiser, weights_first=True)
        self.candidates = whole_number(self, "candidates", candidates)
        self._selected: Architecture | None = None

    def script(self, rng: np.random.Generator) -> Script:
        if super().is_over:
            yield from self._select(rng)
        else:
            yield from super().script(rng)

    @property
    def is_over(self) -> bool:
        return super().is_over and self._selected is not None

    def _select(self, rng: np.random.Generator) -> Talk[None]:
        """Look at what the evaluator proposes, and take the most accurate."""
        drawn, accuracies = self._drawn(rng), []
        for each in drawn:
            told = yield probe(each)
            accuracies.append(told.metrics["score"])
        found = fetched(accuracies)
        self._selected = drawn[found.index(max(found))]

    def _drawn(self, rng: np.random.Generator) -> list[Architecture]:
        """Different architectures; an option is drawn with the probability that the evaluator gives it."""
        parameters = self._parameters
        logits, alive = parameters.logits.detach().cpu(), parameters.host_alive
        found: dict[Architecture, None] = {}
        for _ in range(REDRAWS * self.candidates):
            # The largest of logits with Gumbel noise is a draw from their softmax.
            noisy = logits + torch.from_numpy(rng.gumbel(size=tuple(logits.shape))).to(logits)
            weights = softmax(noisy, alive)
            found[self.space.discretize(Mixture(self._layout.rows(weights), parameters.active))] = None
            if len(found) == self.candidates:
                break
        return list(found)

    def result(self) -> Architecture:
        return super().result() if self._selected is None else self._selected

    def state_dict(self) -> Mapping[str, Any]:
        selected = None if self._selected is None else list(self._selected.point)
        return {**super().state_dict(), "selected": selected}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        selected = state["selected"]
        self._selected = None if selected is None else Architecture(self.space, tuple(selected))
