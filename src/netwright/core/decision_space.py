"""A space of decisions: one `network` method with holes, and everything that follows from it."""

from __future__ import annotations

import json
import operator
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from netwright.core.architecture import Architecture, Content, Mixture
from netwright.core.decisions import Decision, DecisionTable, Label
from netwright.core.encoding import encode, tokens, untokens
from netwright.core.errors import ConfigurationError, InvalidArchitecture, UserError, nearest, shown
from netwright.core.graph import Graph
from netwright.core.joint_table import JointTable
from netwright.core.kinds import kinds_checked
from netwright.core.restricted import RestrictedTable, Restriction
from netwright.core.serial import parse_json
from netwright.core.space import Space, text_of
from netwright.core.task import TaskShape

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from netwright.core.choose import Choose
    from netwright.core.decisions import Point
    from netwright.core.sequence import DecisionSequence

PROVIDES = ("core.space_dsl",)


class DecisionSpace(Space, is_kind=True):
    """The networks that answers to a list of questions give. A subclass gives `network`; its annotated fields are its
    constructor.

    Everything that samples or compares works on the decisions that `network` asks for, which are found by calling it
    once with every option taken, on PyTorch's meta device, for `traced_shape`. Only the decisions and their options
    identify a space: two settings of one class that ask the same decisions share their architectures.
    """

    _asks_decisions: ClassVar[bool] = True

    @abstractmethod
    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        """Write the network down for examples of this shape, asking `choose` wherever something is open.

        Which decisions are asked must not depend on the shape. On what a value answered it may depend in a plain `if`:
        what is asked inside is then a decision only where the value took such an answer.
        """

    def tracing_twin(self) -> DecisionSpace:
        """A space with the same decisions that is quicker to trace; itself unless a subclass knows better."""
        return self

    def restriction(self) -> Restriction | None:
        """Which answers go together, for a space whose decisions may not be combined at will; None where they may."""
        return None

    @cached_property
    def decisions(self) -> DecisionTable:
        """Every decision, each after those that its activity depends on."""
        from netwright.core.tracing import trace  # the only part of a space that needs torch

        found = trace(self.tracing_twin(), self.traced_shape)
        restriction = self.restriction()
        if restriction is not None and isinstance(found, JointTable):
            raise UserError(f"{type(self).__name__} has a restriction and rules; say it by one of them")
        return found if restriction is None else RestrictedTable(found, restriction)

    def described(self) -> Any:
        """The decisions, which identify the space."""
        return self.decisions.describe()

    # Points.

    @property
    def size(self) -> int:
        """The exact number of architectures."""
        return self.decisions.size

    def sample(
        self, rng: np.random.Generator, *, uniform_over: Literal["decisions", "architectures"] = "decisions"
    ) -> Architecture:
        """A random architecture.

        Over "decisions", each active decision is drawn uniformly, in order, so that architectures with few decisions
        are likelier than those with many; over "architectures", every one has the same probability.
        """
        if uniform_over not in ("decisions", "architectures"):
            known = ("decisions", "architectures")
            raise ConfigurationError(
                f"sample cannot be uniform over {shown(uniform_over)}{nearest(uniform_over, known)}"
            )
        draw = self.decisions.draw if uniform_over == "decisions" else self.decisions.draw_uniform
        return Architecture(self, draw(rng))

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Change exactly one active decision to another option, and draw the decisions that this activates."""
        self.require_own(architecture)
        return Architecture(self, self.decisions.mutate(architecture.content, rng))

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """Take each decision from either parent with equal probability (uniform crossover, Syswerda 1989)."""
        self.require_own(first)
        self.require_own(second)
        return Architecture(self, self.decisions.cross(first.content, second.content, rng))

    def neighbors(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every architecture that one mutation can give, once each."""
        self.require_own(architecture)
        return (Architecture(self, point) for point in self.decisions.neighbors(architecture.content))

    def enumerate(self) -> Iterator[Architecture]:
        """Every architecture, once each, in the order of `at`."""
        return (Architecture(self, point) for point in self.decisions.completions())

    def at(self, rank: int) -> Architecture:
        """The architecture with this number, 0 <= rank < size; UserError for anything else."""
        try:
            number = operator.index(rank)
        except TypeError:
            raise UserError(f"architectures have whole numbers; found {shown(rank)}") from None
        return Architecture(self, self.decisions.at(number))

    def key(self, architecture: Architecture) -> Point:
        return self.canonical(architecture).content

    def indices(self, architecture: Architecture) -> Point:
        """The option that each decision takes, by number, in order; -1 for a decision that is not active."""
        self.require_own(architecture)
        return architecture.content

    def from_indices(self, indices: Sequence[int], *, check: bool = True) -> Architecture:
        """The architecture that takes these options.

        indices: as `indices` gives them.
        check: whether to raise InvalidArchitecture where they are none of the space.
        """
        point = tuple(indices)
        if check:
            self.decisions.check(point)
        return Architecture(self, point)

    def from_content(self, content: Content, *, check: bool = True) -> Architecture:
        return self.from_indices(content, check=check)

    # Text, JSON and numbers.

    def content(self, data: Any) -> Content:
        """The indices of the options that these labels name."""
        return self.decisions.point({name: _label(value) for name, value in data.items()})

    def architecture(self, data: Mapping[str, Any]) -> Architecture:
        """The architecture that answers these decisions so; InvalidArchitecture says what is wrong with them."""
        return Architecture(self, self.content(data))

    def parse(self, text: str) -> Architecture:
        """Read `str(architecture)` or its JSON. Raises InvalidArchitecture, or UserError for broken JSON."""
        data = parse_json(text_of(text))
        if not isinstance(data, dict):
            raise InvalidArchitecture(f"expected a JSON object of decisions, found {type(data).__name__}")
        record = self.unwrapped(cast("dict[str, Any]", data), "decisions")
        if not isinstance(record, dict):
            raise InvalidArchitecture("expected 'decisions' to be a JSON object from names to labels")
        return self.architecture(cast("dict[str, Any]", record))

    def record(self, architecture: Architecture) -> dict[str, Any]:
        return {"decisions": self.decisions.labels(architecture.content)}

    def format(self, architecture: Architecture) -> str:
        """The architecture as text that `parse` reads; what `str` gives."""
        return json.dumps(architecture.decisions, separators=(",", ":"))

    def validate(self, architecture: Architecture) -> None:
        """Raise InvalidArchitecture unless this is one of the space's architectures."""
        self.require_own(architecture)
        self.decisions.check(architecture.content)

    def encode(self, architecture: Architecture) -> np.ndarray:
        """float32 vector of fixed length: one-hot for each decision in order, zeros where it is not active."""
        self.require_own(architecture)
        return encode(self.decisions, architecture.content)

    def tokens(self, architecture: Architecture) -> tuple[int, ...]:
        """One token a decision: 0 where it is not active, otherwise 1 + the option's index."""
        self.require_own(architecture)
        return tokens(architecture.content)

    def from_tokens(self, sequence: Sequence[int]) -> Architecture:
        """The architecture with these tokens."""
        point = untokens(sequence)
        self.decisions.check(point)
        return Architecture(self, point)

    def sequence(self) -> DecisionSequence:
        """The decisions as a controller asks them, one after the other: `netwright.core.sequence`."""
        return self._asked_in_order

    @cached_property
    def _asked_in_order(self) -> DecisionSequence:
        from netwright.core.sequence import DecisionSequence

        return DecisionSequence(self)

    def graph(self, architecture: Architecture) -> Graph:
        """Nodes, edges and operations of the decided parts of the network, cells that share decisions drawn once."""
        from netwright.core.outline import outline

        return outline(self.tracing_twin(), architecture)

    def discretize(self, mixture: Mixture) -> Architecture:
        """The architecture a mixture stands for: the heaviest hard option of each decision.

        For the sources of an edge decision: those with the largest source weight (1 where the mixture has none) times
        the weight of their strongest hard operation (Liu et al. 2019, section 2.4).
        """
        from netwright.core.rounding import rounded

        return Architecture(self, rounded(self.decisions, mixture))

    # Networks.

    @kinds_checked
    def build(self, architecture: Architecture, shape: TaskShape) -> nn.Module:
        """The network of this architecture as a plain module, with fresh weights from torch's current generator."""
        from netwright.core.building import Builder

        self.validate(architecture)
        builder = Builder(architecture.decisions, self.decisions.places)
        network = self.network(builder, shape)
        builder.require_all_asked()
        return network

    def inherit(
        self, parent_network: nn.Module, child_network: nn.Module, parent: Architecture, child: Architecture
    ) -> int:
        """Give a fresh network what it can take over from its parent's trained one; how many parameters that is.

        By default the layers that stand in the same decision and option, or elsewhere have the same name, where their
        shapes are equal. A space that knows better overrides this (`netwright.core.inheriting` has the parts).
        """
        from netwright.core.inheriting import take_over

        return take_over(self, parent_network, child_network, parent, child)


def with_decisions(owner: object, space: Space) -> DecisionSpace:
    """The space; ConfigurationError, which names the owner's class, unless it has decisions."""
    if not isinstance(space, DecisionSpace):
        name = owner.__name__ if isinstance(owner, type) else type(owner).__name__
        raise ConfigurationError(f"{name} works on decisions, of which {type(space).__name__} has none")
    return space


def _label(value: Any) -> Label:
    return tuple(cast("list[int]", value)) if isinstance(value, list) else cast("Label", value)


__all__ = ["Decision", "DecisionSpace"]
