"""What runs any network of a space on weights that all of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from torch import nn

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.task import TaskShape


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
