"""Networks together with how they are trained: the decisions of a space, and some settings of the training behind them.

A learning rate that suits one network may be too large for another, so the two are searched together (as in Zela et
al. 2018). The networks are those of the space alone; who trains one asks the space with which settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, cast

from netwright.core.architecture import Architecture
from netwright.core.configuration import constructor
from netwright.core.decision_space import DecisionSpace, with_decisions
from netwright.core.decisions import Decision
from netwright.core.errors import ConfigurationError, nearest, shown
from netwright.core.graph import Graph
from netwright.core.space import Space
from netwright.training.settings import TrainingSettings

if TYPE_CHECKING:
    from torch import nn

    from netwright.core.choose import Choose
    from netwright.core.decisions import DecisionTable, Label
    from netwright.core.task import TaskShape

PROVIDES = ("core.space_dsl",)

SCOPE = "training"
NONE = "none"  # the label of a setting that is None
THE_SAME_FOR_ALL = frozenset(
    (
        *("epochs", "seconds", "steps_per_epoch", "evaluate_every", "patience", "keep_best", "part_decay"),
        "minimum_learning_rate",
        *("precision", "channels_last", "threads", "compile", "deterministic"),
    )
)
"""How long a training is, how it is measured and by which arithmetic: what contestants must have in common."""


class WithTraining(DecisionSpace):
    """The architectures of a space, each with training settings: decisions "training/learning_rate" and so on.

    Mutation, crossover, encoding and all else treat them as decisions of the network. Two architectures that differ in
    the training alone have the same network, and are measured as two.

    space: of the networks.
    choices: by setting of `TrainingSettings`, the values to choose among, the usual one first; with a single value
        there is nothing to decide, and it holds for all.

    Raises ConfigurationError for a space without decisions, a setting that there is not, one that must be the same for
    all, and a value that it cannot have.
    """

    def __init__(self, space: Space, choices: Mapping[str, Sequence[Any]]) -> None:
        found = with_decisions(type(self), space)
        if isinstance(found, WithTraining):
            raise ConfigurationError("WithTraining: the space chooses its training already; give all choices at once")
        labels = {name: _labels(name, values) for name, values in choices.items()}
        self.space, self.choices = found, labels  # pyright: ignore[reportAttributeAccessIssue]
        self.traced_shape = found.traced_shape  # pyright: ignore[reportAttributeAccessIssue]
        self._arguments["choices"] = labels

    # How an architecture is trained.

    def training_of(self, architecture: Architecture) -> dict[str, Any]:
        """The settings that the architecture has chosen, by name.

        architecture: of this space.
        """
        self.require_own(architecture)
        taken = dict(zip(self._asked, architecture.content[self._networks :], strict=True))
        return {name: _value(name, values[taken.get(name, 0)]) for name, values in self.choices.items()}

    def trained_with(self, architecture: Architecture, **training: Any) -> Architecture:
        """An architecture of the space of networks as one of this space.

        architecture: of the space of networks alone.
        training: settings by name; the first value of those that are not named.

        Raises InvalidArchitecture for a setting or a value that is not among the choices.
        """
        self.space.require_own(architecture)
        labels = {f"{SCOPE}/{name}": self.choices[name][0] for name in self._asked}
        labels |= {f"{SCOPE}/{name}": _label(value) for name, value in training.items()}
        return self.architecture({**self.space.record(architecture)["decisions"], **labels})

    def trained_as(self, architecture: Architecture, other: Architecture) -> Architecture:
        """The network of one architecture with the training of another.

        architecture: of this space, as `other`.
        """
        self.require_own(architecture)
        self.require_own(other)
        head, tail = architecture.content[: self._networks], other.content[self._networks :]
        return self.from_content((*head, *tail))

    def untrained(self, architecture: Architecture) -> Architecture:
        """What the architecture is in the space of the networks alone.

        architecture: of this space.
        """
        self.require_own(architecture)
        return Architecture(self.space, architecture.content[: self._networks])

    @cached_property
    def _networks(self) -> int:
        """How many decisions are of the networks; the others follow them."""
        return len(self.space.decisions)

    @cached_property
    def _asked(self) -> tuple[str, ...]:
        return tuple(name for name, values in self.choices.items() if len(values) > 1)

    # The decisions.

    @cached_property
    def name(self) -> str:
        return f"{self.space.name}+training"

    def described(self) -> Any:
        return {"space": self.space.id, "training": {name: list(values) for name, values in self.choices.items()}}

    @cached_property
    def decisions(self) -> DecisionTable:
        own = [Decision(f"{SCOPE}/{name}", self.choices[name], "value") for name in self._asked]
        return self.space.decisions.followed_by(own)

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        """The network as the space writes it down; what is asked beside it does not change it."""
        network = self.space.network(choose, shape)
        with choose.scope(SCOPE):
            for name in self._asked:
                choose.value(name, cast("Sequence[float]", self.choices[name]))
        return network

    # What the space of the networks knows better.

    def build(self, architecture: Architecture, shape: TaskShape) -> nn.Module:
        self.validate(architecture)
        return self.space.build(self.untrained(architecture), shape)

    def canonical(self, architecture: Architecture) -> Architecture:
        """The representative of those that give the same network and train it alike."""
        same = self.space.canonical(self.untrained(architecture))
        return Architecture(self, (*same.content, *architecture.content[self._networks :]))

    def graph(self, architecture: Architecture) -> Graph:
        return self.space.graph(self.untrained(architecture))

    def drawn(self, architecture: Architecture) -> Graph:
        return self.space.drawn(self.untrained(architecture))

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """Those of the space of networks, with the first value of each choice."""
        return {name: self.trained_with(each) for name, each in self.space.known(shape).items()}

    def inherit(
        self, parent_network: nn.Module, child_network: nn.Module, parent: Architecture, child: Architecture
    ) -> int:
        return self.space.inherit(parent_network, child_network, self.untrained(parent), self.untrained(child))


def _labels(name: str, values: Sequence[Any]) -> tuple[Label, ...]:
    """The values of a setting as the options of a decision; ConfigurationError where one of them cannot be."""
    known = [each for each in constructor(TrainingSettings).parameters if each not in THE_SAME_FOR_ALL]
    if name in THE_SAME_FOR_ALL:
        raise ConfigurationError(
            f"WithTraining: {name} must be the same for all architectures, so it is no choice; "
            f"there may be choices of {', '.join(known)}"
        )
    if name not in known:
        raise ConfigurationError(f"WithTraining: there is no training setting {name!r}{nearest(name, known)}")
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise ConfigurationError(f"WithTraining: {name} is {shown(values)}; expected a list of its values")
    for value in values:
        TrainingSettings().replace(**{name: _value(name, value)})  # raises where it cannot be
    labels = tuple(map(_label, values))
    if len(set(labels)) < len(labels):
        raise ConfigurationError(f"WithTraining: {name} names a value twice in {list(labels)}")
    return labels


def _label(value: Any) -> Any:
    return NONE if value is None else value


def _value(name: str, label: Any) -> Any:
    return None if label == NONE and not _knows_none(name) else label


@cache
def _knows_none(name: str) -> bool:
    """Whether the setting has a value of this very text, as `augmentation` has."""
    try:
        TrainingSettings().replace(**{name: NONE})
    except ConfigurationError:
        return False
    return True
