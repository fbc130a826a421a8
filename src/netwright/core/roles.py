"""Roles that a part of a search may have beside its base class: it has one by having what the role names.

An estimator is taken for what it offers: one with a `space` is refused beside a strategy of another space, one with a
`task` gives the run its name and is refused on other data, the networks of one that `TrainsAlone` are tried before a
search, and so on. Nothing is registered: `isinstance(part, Role)` asks, and the functions below give what is there.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from netwright.core.errors import ConfigurationError
from netwright.core.space import Space

if TYPE_CHECKING:
    from torch import nn

    from netwright.core.architecture import Architecture
    from netwright.core.decisions import Point
    from netwright.core.estimator import Estimator
    from netwright.core.objective import Constraint
    from netwright.core.problem import Problem
    from netwright.core.strategy import Decoder
    from netwright.core.task import TaskShape


@runtime_checkable
class OfSpace(Protocol):
    """Measures, or searches, the architectures of one space."""

    @property
    def space(self) -> Any: ...


@runtime_checkable
class OnTask(Protocol):
    """Measures networks on the data of a task."""

    @property
    def task(self) -> Any: ...


@runtime_checkable
class Named(Protocol):
    """A task that gives the runs on it a part of their name."""

    @property
    def name(self) -> str: ...


@runtime_checkable
class Shaped(Protocol):
    """A task that says of which shape its examples are."""

    @property
    def shape(self) -> TaskShape: ...


@runtime_checkable
class Asks(Protocol):
    """A task that says what is asked for."""

    @property
    def problem(self) -> Problem: ...


@runtime_checkable
class Fingerprinted(Protocol):
    """A task that says by a text whether its data are the same."""

    @property
    def fingerprint(self) -> str: ...


@runtime_checkable
class HasSettings(Protocol):
    """Trains networks, with these settings."""

    @property
    def settings(self) -> Any: ...


@runtime_checkable
class Trainer(OfSpace, OnTask, HasSettings, Protocol):
    """Trains networks of a space on a task; the network that a search has found can be trained as they were."""


@runtime_checkable
class HoldsOut(OnTask, Protocol):
    """Judges networks on a share of the task's training examples that it holds out, chosen by a seed."""

    @property
    def validation(self) -> float: ...

    @property
    def split_seed(self) -> int: ...


@runtime_checkable
class TrainsFinally(Protocol):
    """A `Trainer` that says with which settings the network that was found is trained, its own being for others."""

    @property
    def final_settings(self) -> Any: ...


@runtime_checkable
class HandsOver(Protocol):
    """Keeps networks that are trained to the end as they are: what is found needs no further training."""

    @property
    def hand_over(self) -> bool: ...


@runtime_checkable
class HasAtoms(Protocol):
    """A space that decides how many channels of a layer have a kernel of each size."""

    def atoms(self) -> Mapping[str, tuple[str, str]]:
        """By decision, the name of the layer in a network, and that of the branch of it whose channels it counts."""
        ...


@runtime_checkable
class HasBlocks(Protocol):
    """A space whose networks are rows of blocks, each of which gives the same shape whatever is decided inside it."""

    def blocks(self) -> Mapping[str, Sequence[str]]:
        """By the name of a block in a network, in their order, the decisions inside it; together they are all."""
        ...


def blocks_of(space: object) -> Mapping[str, Sequence[str]]:
    """The blocks of a space's networks; ConfigurationError where there are none.

    space: any.
    """
    if not isinstance(space, HasBlocks):
        raise ConfigurationError(
            f"the networks of {space!r} are no rows of blocks; expected a space such as mobile:form=dna"
        )
    return space.blocks()


@runtime_checkable
class HasCostTerms(Protocol):
    """A space whose networks are sums of parts, each counted once by its name (`estimators.Cost`)."""

    def cost_terms(self, point: Point) -> Iterable[Hashable]:
        """The names of the parts that the network at this point is made of; equal parts have equal names."""
        ...

    def cost_part(self, term: Hashable, shape: TaskShape) -> tuple[nn.Module, tuple[int, ...]]:
        """The part of that name, and the shape of its input, for examples of this shape."""
        ...


def hands_over(estimator: object) -> bool:
    """Whether what this estimator has kept of a trial is handed over as it is."""
    return isinstance(estimator, HandsOver) and estimator.hand_over


@runtime_checkable
class TrainsAlone(Trainer, Protocol):
    """Trains networks one by one, on a device, and counts them by its `cost`: a few are tried before the search."""

    @property
    def device(self) -> Any: ...

    @property
    def cost(self) -> Any: ...


@runtime_checkable
class KeepsLimits(Protocol):
    """Shares weights, and adds to the loss what leads a mixture to networks that keep the limits of a search."""

    def within(self, limits: Sequence[Constraint], stages: Sequence[Estimator] = ()) -> Decoder:
        """Have these limits kept in the trainings to come; what decodes a mixture under them.

        limits: none to have none kept.
        stages: of the search, which may know more of what networks cost.
        """
        ...


@runtime_checkable
class ChecksMemory(Protocol):
    """Can tell before anything is allocated whether there is room to train a network."""

    def check_memory(self, architecture: Architecture) -> None:
        """Raises OutOfMemory where there is none."""
        ...


@runtime_checkable
class MeasuresAgain(Protocol):
    """Measures by a clock what differs from one time to the next, and so once more before a network is handed over."""

    def again(self, candidate: Any) -> Mapping[str, float]:
        """Measure an architecture, or a network that is there, more thoroughly than in a trial."""
        ...

    def surely(self, limit: Constraint, metrics: Mapping[str, float]) -> bool:
        """Whether what `again` gave keeps a limit, whatever the measurement leaves unsure."""
        ...

    def described(self) -> Mapping[str, Any]:
        """On what machine and how is measured, as JSON."""
        ...


@runtime_checkable
class LooksAgain(Protocol):
    """Goes by what earlier searches measured of this machine, and looks before a search whether that still holds."""

    def look_again(self) -> tuple[str, str]:
        """What was done since it does not hold, and what to be warned of; each in one line, or empty."""
        ...


@runtime_checkable
class HasWidth(Protocol):
    """A space that names the field which makes its networks narrower, for estimates at a part of the full width."""

    @property
    def width_parameter(self) -> str: ...


@runtime_checkable
class ChoosesTraining(Protocol):
    """A space whose architectures say how their networks are trained, beside what they are built of."""

    @property
    def space(self) -> Space:
        """The space that knows the networks alone."""
        ...

    def untrained(self, architecture: Architecture) -> Architecture:
        """What the architecture is in the space of the networks alone."""
        ...

    def trained_as(self, architecture: Architecture, other: Architecture) -> Architecture:
        """The network of one architecture with the training of another."""
        ...

    def training_of(self, architecture: Architecture) -> Mapping[str, Any]:
        """The training settings that the architecture has chosen, by name."""
        ...


def chosen_training(space: object, architecture: Architecture) -> Mapping[str, Any]:
    """The training settings that an architecture of the space has chosen, by name; nothing where it chooses none."""
    return space.training_of(architecture) if isinstance(space, ChoosesTraining) else {}


@runtime_checkable
class BringsNetworks(Protocol):
    """A space with networks of the user's own beside its architectures."""

    @property
    def networks(self) -> Mapping[str, Any]: ...

    def made(self, name: str, shape: TaskShape) -> Any:
        """The network of this name, with fresh weights."""
        ...

    def own(self, name: str) -> Architecture:
        """The architecture that stands for it."""
        ...

    def require_fits(self, shape: TaskShape) -> None:
        """Raises ConfigurationError where one of them does not take the task's examples."""
        ...


def bringing(space: object) -> BringsNetworks | None:
    """The space with networks of the user's own, this one or one that it is made of; None where there are none."""
    while space is not None and not isinstance(space, BringsNetworks):
        space = space_of(space)
    return space


def space_of(part: object) -> Space | None:
    """The space whose architectures this measures or searches; None where it does not say."""
    return part.space if isinstance(part, OfSpace) and isinstance(part.space, Space) else None


def innermost(space: Space) -> Space:
    """The space of the networks alone, in whatever it is wrapped."""
    while (inner := space_of(space)) is not None:
        space = inner
    return space


def task_of(part: object) -> Any:
    """The task on which this measures; None where there is none."""
    return part.task if isinstance(part, OnTask) else None


def problem_of(part: object) -> Problem | None:
    """What the networks that this measures must answer; None where it has no task with a problem."""
    task = task_of(part)
    return task.problem if isinstance(task, Asks) else None


def fingerprint_of(part: object) -> str | None:
    """What identifies the data on which this measures; None where there are none, or they do not say."""
    task = task_of(part)
    found = task.fingerprint if isinstance(task, Fingerprinted) else None
    return found if isinstance(found, str) else None
