"""A policy over the answers to a space's questions: what a controller draws from, and what its gradient is of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor, nn

from netwright.core.configuration import Configured

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netwright.core.architecture import Architecture
    from netwright.core.sequence import DecisionSequence, Question

Sharing = Literal["question", "options"]
"""Whether each question has a softmax of its own, or questions of one kind with the same options have one together."""


@dataclass(frozen=True, eq=False)
class Answers:
    """Architectures as answers to questions, in tensors; padding is answer 0 under a mask that allows it alone.

    tokens: (n, length) int64, the option that was taken.
    masks: (n, length, most options) bool, which options could have been taken there.
    questions: (n, length) int64, the number of each question.
    asked: (n, length) bool, False in the padding.
    """

    tokens: Tensor
    masks: Tensor
    questions: Tensor
    asked: Tensor


class Policy(Configured, ABC):
    """How answers are chosen: a configuration, of which each controller has a network made."""

    @abstractmethod
    def network(self, sequence: DecisionSequence) -> PolicyNetwork:
        """What learns to answer the questions of a space.

        sequence: the questions.
        """


class PolicyNetwork(nn.Module, ABC):
    """Gives a score for each option of each question, which depends on the answers before it alone."""

    @abstractmethod
    def reset(self, rng: np.random.Generator) -> None:
        """Draw the weights anew.

        rng: what they are drawn from.
        """

    @abstractmethod
    def forward(self, answers: Answers) -> Tensor:
        """Scores (n, length, most options) of the options at each place; what the masks forbid has some, too.

        answers: (n, length).
        """

    @abstractmethod
    def stepper(self) -> Stepper:
        """What scores the options of one question after the other, with the weights as they are now."""


class Stepper(ABC):
    """Scores the options of one question after the other; quick for a single architecture."""

    @abstractmethod
    def scores(self, question: Question) -> NDArray[np.floating]:
        """A score for each option of the question that is asked next.

        question: the next.
        """

    @abstractmethod
    def answered(self, question: Question, option: int) -> None:
        """Take note of an answer.

        question: the one that was asked last.
        option: the number of the option that was taken.
        """


def answers_of(
    sequence: DecisionSequence, architectures: Sequence[Architecture], allowed: NDArray[np.bool_] | None = None
) -> Answers:
    """The answers that lead to these architectures.

    sequence: the questions.
    architectures: of its space.
    allowed: (questions, most options), for each question the options that may be taken at all, where any of them may be
        taken after the answers before it; None for all.
    """
    batch = sequence.encode(architectures)
    asked = np.arange(batch.tokens.shape[1]) < batch.lengths[:, None]
    masks = batch.masks
    if allowed is not None:
        both = masks & allowed[batch.questions]
        masks = np.where(asked[:, :, None] & both.any(axis=2, keepdims=True), both, masks)
    return Answers(*map(torch.from_numpy, (batch.tokens, masks, batch.questions, asked)))


def log_probabilities(network: PolicyNetwork, answers: Answers) -> Tensor:
    """Log-probabilities (n, length, most options) of each option after the answers before it; -inf where forbidden.

    network: of the policy.
    answers: (n, length).
    """
    return network(answers).masked_fill(~answers.masks, -torch.inf).log_softmax(2)


def taken(log_probabilities: Tensor, answers: Answers) -> Tensor:
    """The log-probability (n, length) of each answer that was given, 0 in the padding.

    log_probabilities: (n, length, most options).
    answers: (n, length).
    """
    return log_probabilities.gather(2, answers.tokens[:, :, None]).squeeze(2)


def entropies(log_probabilities: Tensor) -> Tensor:
    """The entropy (n, length) of each answer after those before it, in nats.

    log_probabilities: (n, length, most options).
    """
    finite = log_probabilities.masked_fill(log_probabilities == -torch.inf, 0.0)
    return -(finite * log_probabilities.exp()).sum(2)


def groups(sequence: DecisionSequence, sharing: Sharing) -> NDArray[np.int64]:
    """For each question the number of the softmax that answers it.

    sequence: the questions.
    sharing: "question" for one each, "options" for one for all questions of a role that have the same options.
    """
    if sharing == "question":
        return np.arange(sequence.questions)
    found: dict[object, int] = {}
    numbers = np.zeros(sequence.questions, dtype=np.int64)
    for question in each_question(sequence):
        numbers[question.index] = found.setdefault((question.role, question.options), len(found))
    return numbers


def each_question(sequence: DecisionSequence) -> list[Question]:
    """Every question of a space once, by its number.

    sequence: the questions.
    """
    found = {step.question: sequence.question(place, None) for place, step in enumerate(sequence.steps)}
    return [found[number] for number in sorted(found)]
