"""Answers of networks that hold several members: the loss of each, and one answer for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from netwright.core.trees import mapped

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.core.problem import Problem

    Answers = Tensor | list[Tensor]
    """(n, outputs, *places), or a list of them, one a member."""


def each_answer(function: Callable[[Tensor], Tensor], answers: Answers) -> Answers:
    """The same of an answer, or of each member's.

    function: of one of them.
    answers: as the network gives them while training.
    """
    return [function(each) for each in answers] if isinstance(answers, list) else function(answers)


def mean_loss(
    problem: Problem, answers: Answers, targets: Any, smoothing: float = 0.0, weights: Tensor | None = None
) -> Tensor:
    """The mean loss of a batch; of several members' answers that of all, each judged by itself.

    problem: what is asked for.
    answers: as the network gives them while training.
    targets: of the examples, as the problem takes them.
    smoothing: of the labels, where there are any.
    weights: what each example counts, (n,); None where all count alike.
    """
    if isinstance(answers, list):
        import torch

        targets = mapped(lambda each: torch.cat([each] * len(answers)), targets)
        weights = None if weights is None else weights.repeat(len(answers))
        answers = torch.cat(answers)
    if weights is None:
        return problem.mean_loss(answers, targets, smoothing)
    return problem.weighted_loss(answers, targets, weights, smoothing)


def one_answer(answers: Answers) -> Tensor:
    """The answer itself; of several members' their mean.

    answers: as the network gives them while training.
    """
    import torch

    return torch.stack(answers).mean(0) if isinstance(answers, list) else answers
