"""What runs any network of a space on weights that all of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.objective import Constraint
    from netwright.core.strategy import Figures
    from netwright.core.task import TaskShape


class Cut(NamedTuple):
    """What is left of a parameter.

    axis: along which it became smaller.
    kept: where along it that stands which is left, int (count,).
    """

    axis: int
    kept: Tensor


class Lesson(NamedTuple):
    """What is learnt of a minibatch in place of the problem's loss.

    outputs: by which the candidate is scored, as it answers.
    losses: by part of the network, scalars whose sum is lowered.
    distances: by part, what is told of it.
    """

    outputs: Tensor
    losses: Mapping[str, Tensor]
    distances: Mapping[str, Tensor]


def laid_out(tensor: Tensor, like: Tensor) -> Tensor:
    """A tensor in the memory order of another."""
    last = like.dim() == 4 and not like.is_contiguous() and like.is_contiguous(memory_format=torch.channels_last)
    return tensor.contiguous(memory_format=torch.channels_last) if last else tensor.contiguous()


class SharedNetwork(nn.Module, ABC):
    """Runs any network of a space on weights that all of them share. Its parameters are what is trained.

    space: whose networks.
    shape: of the examples.
    mixes: whether it runs mixtures of all options, too; by default not.
    """

    space: DecisionSpace
    shape: TaskShape
    mixes: bool = False

    @abstractmethod
    def forward(self, x: Any, candidate: Architecture | Mixture) -> Any:
        """What the candidate gives for these examples. Raises UserError for a mixture where it mixes none."""

    def lesson(self, x: Any, candidate: Architecture | Mixture) -> Lesson | None:
        """What is lowered on these examples in place of the problem's loss; by default nothing is."""
        return None

    @abstractmethod
    def extract(self, architecture: Architecture) -> nn.Module:
        """The stand-alone network, as `Space.build` gives it, with a copy of its share of the weights."""

    def moving(self) -> AbstractContextManager[None]:
        """Inside, each pass moves the running statistics of what it normalises; by default there are none."""
        return nullcontext()

    def settled(self) -> AbstractContextManager[None]:
        """Inside, evaluation mode by running statistics; by default there are none, and nothing changes."""
        return nullcontext()

    def parameter_free(self) -> Mapping[str, frozenset[str]]:
        """For each decision between modules, the hard options that have nothing to learn; by default none is known."""
        return {}

    # Of one network that gets smaller while it is trained.

    def keep_within(self, figures: Figures, limits: Sequence[Constraint]) -> None:
        """Have what is left in the end keep these limits; by default nothing gets smaller.

        figures: what is known of an architecture without training it.
        """

    def after_step(self, pull: float, share: float, *, ends_epoch: bool, steps: int) -> Mapping[nn.Parameter, Cut]:
        """Follow a step of the weights; the parameters that became smaller, and how. By default nothing happens.

        The gradients of the step are still there.

        pull: how far a slope of 1 moves a weight in all that follows from one step, momentum included.
        share: of the training that is done.
        ends_epoch: whether it was the last step of an epoch.
        steps: of the whole training.
        """
        return {}

    def left(self) -> Mapping[str, float]:
        """By decision the largest option whose weights are still there; nothing where all are."""
        return {}
