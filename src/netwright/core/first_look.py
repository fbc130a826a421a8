"""Parts of a network that look at the training examples once, before the first step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import nn


@runtime_checkable
class Looks(Protocol):
    """A module that keeps facts on the training examples, such as quantiles, in its buffers."""

    def look_at(self, inputs: Any) -> None:
        """Take over the facts. inputs: of training examples, as the network gets them."""
        ...


@runtime_checkable
class LooksAtAnswers(Protocol):
    """A module that is fitted to what is asked for of the training examples, too."""

    def look_at_answers(self, inputs: Any, targets: Any) -> None:
        """Be fitted. inputs: of training examples, as the network gets them. targets: as the problem stores them."""
        ...


def looks(network: nn.Module) -> list[Looks]:
    """The parts of a network that look at training examples first."""
    return [module for module in network.modules() if isinstance(module, Looks)]


def looks_at_answers(network: nn.Module) -> list[LooksAtAnswers]:
    """The parts of a network that are fitted to training examples first."""
    return [module for module in network.modules() if isinstance(module, LooksAtAnswers)]
