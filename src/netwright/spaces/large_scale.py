"""What large-scale evolution changes: networks that grow from nothing, their learning rate, and whether weights stay.

Real et al. 2017, "Large-Scale Evolution of Image Classifiers".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, cast

from netwright.core.architecture import Architecture
from netwright.core.errors import ConfigurationError, InvalidArchitecture, SpaceExhausted, shown
from netwright.core.graph import Graph
from netwright.core.space import Change, Space
from netwright.core.task import TaskShape
from netwright.spaces.backbone import Backbone

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

PROVIDES = ("space.free_dag",)

DIGITS = 4  # of a learning rate
HIGHEST_RATE = 10.0


class LargeScale(Space):
    """Networks of `Backbone` with a learning rate each, changed by the eleven mutations of the paper.

    To those of `Backbone` come "alter-learning-rate" (to something from half to twice as much), "identity", after which
    training goes on as it is, and "reset-weights", after which it begins anew where children inherit weights; how often
    that was is a part of the architecture. Another learning rate counts as another architecture, the number of resets
    does not.

    most: layers.
    widest: channels of a layer.
    grown: mutations of a random network, half of the most.
    learning_rate: with which the simplest begin; 0.1 in the paper.

    Raises ConfigurationError for numbers below 1, and for a learning rate that is not above 0 and at most 10.
    """

    called = "large-scale"

    most: int = 40
    widest: int = 256
    grown: int = 8
    learning_rate: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate <= HIGHEST_RATE:
            raise ConfigurationError(
                f"LargeScale: learning_rate is {self.learning_rate!r}; expected a number above 0 and at most 10"
            )
        _ = self.space

    @cached_property
    def space(self) -> Backbone:
        """The space of the networks alone."""
        return Backbone(self.most, self.widest, self.grown)

    @cached_property
    def name(self) -> str:
        return "large-scale"

    def described(self) -> Any:
        return self.space.described()

    # How an architecture is trained.

    def training_of(self, architecture: Architecture) -> Mapping[str, Any]:
        """The learning rate.

        architecture: of this space.
        """
        self.require_own(architecture)
        return {"learning_rate": architecture.content[0]}

    def untrained(self, architecture: Architecture) -> Architecture:
        """The network alone.

        architecture: of this space.
        """
        self.require_own(architecture)
        return Architecture(self.space, architecture.content[2:])

    def trained_as(self, architecture: Architecture, other: Architecture) -> Architecture:
        """The network of one architecture with the learning rate of another.

        architecture: of this space, as `other`.
        """
        self.require_own(other)
        return self._of(self.untrained(architecture), other.content[0], other.content[1])

    def _of(self, network: Architecture, rate: float, resets: int) -> Architecture:
        return Architecture(self, (rate, resets, *network.content))

    # Drawing and changing.

    def simple(self, rng: np.random.Generator) -> Architecture:
        return self._of(self.space.simple(rng), float(self.learning_rate), 0)

    def sample(self, rng: np.random.Generator) -> Architecture:
        return self._of(self.space.sample(rng), self._near(float(self.learning_rate), rng), 0)

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Another learning rate, or another network."""
        self.require_own(architecture)
        names = ["alter-learning-rate", *self.space.mutations]
        for name in rng.permutation(names).tolist():
            try:
                return self.mutations[name](architecture, rng)
            except SpaceExhausted:
                continue
        raise SpaceExhausted("no single change of this architecture leads to another one")

    @property
    def mutations(self) -> Mapping[str, Change]:
        """The eleven kinds of the paper, by the names that it gives them."""
        own: dict[str, Change] = {
            "alter-learning-rate": self._another_rate,
            "identity": lambda architecture, rng: architecture,
            "reset-weights": lambda architecture, rng: self._of(
                self.untrained(architecture), architecture.content[0], architecture.content[1] + 1
            ),
        }
        return {**own, **{name: partial(self._inside, change) for name, change in self.space.mutations.items()}}

    def _another_rate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        rate, resets = architecture.content[:2]
        return self._of(self.untrained(architecture), self._near(rate, rng), resets)

    def _near(self, rate: float, rng: np.random.Generator) -> float:
        """From half to twice as much, by the logarithm."""
        return min(HIGHEST_RATE, float(f"{rate * 2 ** rng.uniform(-1, 1):.{DIGITS}g}"))

    def _inside(self, change: Change, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        return self._of(change(self.untrained(architecture), rng), *architecture.content[:2])

    # What an architecture holds.

    def content(self, data: Any) -> tuple[Any, ...]:
        """Learning rate, how often weights were reset, layers and skip connections.

        data: a list of these four.
        """
        if not isinstance(data, (list, tuple)) or len(cast("Sequence[Any]", data)) != 4:
            raise InvalidArchitecture(f"expected [learning rate, resets, layers, skips]; found {shown(data)}")
        rate, resets, *network = cast("Sequence[Any]", data)
        if type(rate) not in (int, float) or not 0 < rate <= HIGHEST_RATE:
            raise InvalidArchitecture(f"the learning rate is {shown(rate)}; expected a number above 0 and at most 10")
        if type(resets) is not int or resets < 0:
            raise InvalidArchitecture(f"weights were reset {shown(resets)} times; expected a whole number from 0 on")
        return (float(rate), resets, *self.space.content(network))

    def canonical(self, architecture: Architecture) -> Architecture:
        """The same network and learning rate, never reset."""
        return self._of(self.untrained(architecture), architecture.content[0], 0)

    # Networks.

    def build(self, architecture: Architecture, shape: TaskShape) -> nn.Module:
        self.validate(architecture)
        return self.space.build(self.untrained(architecture), shape)

    def inherit(
        self, parent_network: nn.Module, child_network: nn.Module, parent: Architecture, child: Architecture
    ) -> int:
        """What `Backbone` takes over, and nothing where the weights were reset."""
        if parent.content[1] != child.content[1]:
            return 0
        return self.space.inherit(parent_network, child_network, self.untrained(parent), self.untrained(child))

    def graph(self, architecture: Architecture) -> Graph:
        return self.space.graph(self.untrained(architecture))
