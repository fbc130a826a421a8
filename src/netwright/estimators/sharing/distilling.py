"""The largest network as the teacher of all that share its weights (Yu and Huang 2019; Cai et al. 2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from netwright.core.architecture import Architecture, Mixture
from netwright.core.closest import largest
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.members import one_answer

if TYPE_CHECKING:
    from torch import nn

    from netwright.core.problem import Problem
    from netwright.estimators.sharing.minibatches import Minibatch

PROVIDES = ("est.distill",)


class Training(Protocol):
    """What a teacher asks of the training that it helps."""

    @property
    def step(self) -> int: ...

    @property
    def stages(self) -> Any: ...

    @property
    def stage(self) -> int: ...

    @property
    def problem(self) -> Problem: ...

    @property
    def supernet(self) -> nn.Module: ...

    def upcoming(self) -> Minibatch:
        """The minibatch of the next training step."""
        ...


class Teacher:
    """What the largest network answers on the minibatch of the step under way, with the weights as they are.

    It is computed once a step, or taken from its own training step where that came first. Nothing flows back through
    it. Batch normalisation is by the batch, as in training; nothing is dropped.

    training: of the shared weights.

    Raises ConfigurationError for networks without decisions, and for texts that go on from batch to batch.
    """

    def __init__(self, training: Training) -> None:
        space = training.stages[training.stage].space
        if not isinstance(space, DecisionSpace):
            raise ConfigurationError(f"distillation: {space.name} has no decisions, and so no largest network")
        if training.problem.continues:
            raise ConfigurationError("distillation: what goes on from batch to batch cannot be answered twice")
        self._training = training
        self._largest = largest(space)
        self._known: tuple[int, Tensor] | None = None  # the step, and the answers

    def loss(self, candidate: Architecture | Mixture, outputs: Tensor) -> Tensor:
        """How far the answers of a candidate are from the teacher's: a scalar, 0 for the teacher itself.

        candidate: whose answers they are.
        outputs: on the minibatch under way, (n, outputs) or (n, outputs, *places).
        """
        if candidate == self._largest:
            self._known = self._training.step, outputs.detach()
            return outputs.new_zeros(())
        return follow(outputs, self._answers(), classes=self._training.problem.smooths)

    def _answers(self) -> Tensor:
        if self._known is None or self._known[0] != self._training.step:
            supernet = self._training.supernet
            supernet.eval()
            try:
                with torch.no_grad():
                    given = supernet(self._training.upcoming().inputs, self._largest)
            finally:
                supernet.train()
            found = cast("Tensor", given[0] if isinstance(given, tuple) else given)
            self._known = self._training.step, one_answer(found).float()
        return self._known[1]


def follow(outputs: Tensor, wanted: Tensor, *, classes: bool) -> Tensor:
    """The cross entropy of answers with those of a teacher, or their mean squared distance where they are no classes.

    outputs, wanted: of the student and the teacher, (n, outputs, ...).
    classes: whether they are logits of classes.
    """
    if not classes:
        return F.mse_loss(outputs, wanted)
    return -(wanted.softmax(1) * outputs.log_softmax(1)).sum(1).mean()
