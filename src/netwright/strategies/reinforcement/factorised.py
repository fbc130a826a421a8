"""A distribution for each question, whatever was answered before (Dong and Yang 2020; Bender et al. 2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from netwright.core.checks import not_negative
from netwright.strategies.reinforcement.policy import Answers, Policy, PolicyNetwork, Stepper

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netwright.core.sequence import DecisionSequence, Question


class Factorised(Policy):
    """A row of logits for each question. What the answers before forbid is left out, and the rest scaled to 1.

    deviation: of the normal distribution from which the logits are drawn at first; 0.001 in the program of
        NAS-Bench-201.
    """

    def __init__(self, deviation: float = 1e-3) -> None:
        self.deviation = not_negative(self, "deviation", deviation)

    def network(self, sequence: DecisionSequence) -> FactorisedNetwork:
        return FactorisedNetwork(self, sequence.questions, sequence.width)


class FactorisedNetwork(PolicyNetwork):
    """The logits of a `Factorised`.

    policy: its configuration.
    questions: how many there are.
    width: the most options of a question.
    """

    def __init__(self, policy: Factorised, questions: int, width: int) -> None:
        super().__init__()
        self.policy = policy
        self.logits = nn.Parameter(torch.zeros(questions, width))

    @torch.no_grad()
    def reset(self, rng: np.random.Generator) -> None:
        self.logits.copy_(torch.from_numpy(self.policy.deviation * rng.standard_normal(tuple(self.logits.shape))))

    def forward(self, answers: Answers) -> Tensor:
        return self.logits[answers.questions]

    def stepper(self) -> FactorisedStepper:
        return FactorisedStepper(self.logits.detach().numpy())


class FactorisedStepper(Stepper):
    """Reads the logits of each question.

    logits: (questions, most options).
    """

    def __init__(self, logits: NDArray[np.floating]) -> None:
        self._logits = logits

    def scores(self, question: Question) -> NDArray[np.floating]:
        return self._logits[question.index, : len(question.options)]

    def answered(self, question: Question, option: int) -> None:
        """Nothing: no answer depends on another."""
