"""A search space: which architectures there are, how they are drawn and changed, and the network of each."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast, dataclass_transform

from netwright.core.architecture import Architecture, Content
from netwright.core.configuration import Configured, constructed
from netwright.core.display import drawn, html_table
from netwright.core.errors import ConfigurationError, InvalidArchitecture, NetwrightError, shown
from netwright.core.graph import Graph
from netwright.core.serial import parse_json
from netwright.core.task import TaskShape
from netwright.core.wording import rough

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

PROVIDES = ("core.space_dsl",)

Change = Callable[[Architecture, "np.random.Generator"], Architecture]  # a kind of mutation


@dataclass_transform(frozen_default=True, eq_default=False)
class Space(Configured, ABC):
    """The networks that may be built. A subclass gives `content`, `sample`, `mutate` and `build`.

    Its annotated fields are its constructor. Where every network follows from answers to a list of questions, subclass
    `DecisionSpace`, which needs `network` alone. An architecture is made by `architecture(data)`, which keeps the
    `content` of the data: what tells it from others, as numbers and text in tuples.
    """

    version: ClassVar[int] = 1
    traced_shape: ClassVar[TaskShape] = TaskShape((3, 32, 32), 10)
    _asks_decisions: ClassVar[bool] = False

    def __init_subclass__(cls, *, is_kind: bool = False, **options: Any) -> None:
        """Make the constructor from the annotated fields. is_kind: the class stands for a kind of spaces, as this."""
        super().__init_subclass__(**options)
        if is_kind:
            return
        if "network" in cls.__dict__ and not cls._asks_decisions:
            raise ConfigurationError(
                f"{cls.__name__} writes its networks down in `network`, so it must subclass netwright.DecisionSpace; "
                "a netwright.Space has no decisions and gives `content`, `sample`, `mutate` and `build`"
            )
        for name in ("__eq__", "__hash__", "__repr__"):  # here, where another @dataclass leaves them alone
            if name not in cls.__dict__:
                setattr(cls, name, getattr(cls, name))
        if _init_from_fields(cls):
            dataclass(frozen=True, eq=False, repr=False)(cls)
            cls.__init__._from_fields = True  # pyright: ignore

    # What a subclass gives.

    @abstractmethod
    def content(self, data: Any) -> Content:
        """What the architecture holds that this data describes, in the one form that all of its descriptions share.

        data: read from JSON, with tuples for lists, or given by `sample` and `mutate`.

        Raises InvalidArchitecture, or any ValueError, for what is no architecture of the space.
        """

    @abstractmethod
    def sample(self, rng: np.random.Generator) -> Architecture:
        """A random architecture, drawn from `rng` alone."""

    @abstractmethod
    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """An architecture that one small random change makes of this one."""

    @abstractmethod
    def build(self, architecture: Architecture, shape: TaskShape) -> nn.Module:
        """The network of this architecture as a plain module, with fresh weights from torch's current generator."""

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """The well-known good networks among the space's, by name, the most promising first; none unless it says which.

        A search may begin with them.

        shape: of the task that they are for.
        """
        return {}

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """An architecture with parts of both; ConfigurationError for a space that says of none how."""
        raise ConfigurationError(
            f"{type(self).__name__} does not say how two architectures are crossed; "
            "search it by mutation, or give the space `crossover`"
        )

    def simple(self, rng: np.random.Generator) -> Architecture:
        """One of the simplest architectures, where a search may begin that grows them; by default any."""
        return self.sample(rng)

    @property
    def mutations(self) -> Mapping[str, Change]:
        """The kinds of change that the space offers beside `mutate`, by name; none unless it says which.

        Each makes another architecture of one; SpaceExhausted where it does not apply. One called "neutral" leaves the
        network as it is.
        """
        return {}

    def fitted(self, shape: TaskShape) -> Space:
        """The space for such data, with what was left for them to say filled in; itself unless there is such.

        shape: of the task.
        """
        return self

    def canonical(self, architecture: Architecture) -> Architecture:
        """The representative of all architectures that give the same network; itself unless a subclass knows better."""
        self.require_own(architecture)
        return architecture

    def graph(self, architecture: Architecture) -> Graph:
        """Nodes, edges and operations of the network; ConfigurationError for a space that draws none."""
        raise ConfigurationError(f"{type(self).__name__} does not say what its networks look like as a graph")

    def drawn(self, architecture: Architecture) -> Graph:
        """The graph as people draw it: that of `graph`, unless a space adds what nobody decides, as a cell's output."""
        return self.graph(architecture)

    def inherit(
        self, parent_network: nn.Module, child_network: nn.Module, parent: Architecture, child: Architecture
    ) -> int:
        """Give a fresh network what it can take over from its parent's trained one; how many parameters that is.

        By default the layers that have the same name, where their shapes are equal. A space that knows better overrides
        this (`netwright.core.inheriting` has the parts).
        """
        from netwright.core.inheriting import layers, taken_over

        return taken_over(layers(parent_network), layers(child_network))

    # What follows.

    @property
    def size(self) -> int | None:
        """The number of architectures; None where it is not known, or there is no end of them."""
        return None

    @property
    def crosses(self) -> bool:
        """Whether two architectures can be crossed."""
        return type(self).crossover is not Space.crossover

    @cached_property
    def name(self) -> str:
        return type(self).__name__.lower()

    def described(self) -> Any:
        """What identifies the space, as JSON: its architectures are those of every space described alike."""
        return self.configuration()["arguments"]

    @cached_property
    def id(self) -> str:
        """Name, version and a digest of `described`: the same for spaces whose architectures are the same."""
        described = json.dumps(self.described(), sort_keys=True)
        return f"{self.name}-v{self.version}-{hashlib.sha256(described.encode()).hexdigest()[:8]}"

    def key(self, architecture: Architecture) -> Hashable:
        """The content of `canonical`: equal for architectures that give the same network, as far as the space knows."""
        return self.canonical(architecture).content

    def architecture(self, data: Any) -> Architecture:
        """The architecture that this data describes; InvalidArchitecture says what is wrong with it."""
        try:
            content = self.content(frozen(data))
            hash(content)
        except NetwrightError:
            raise
        except (ValueError, TypeError, LookupError, ArithmeticError) as problem:
            raise InvalidArchitecture(
                f"{shown(data)} is no architecture of {self.name!r}: {' '.join(str(problem).split())}"
            ) from None
        return Architecture(self, content)

    def from_content(self, content: Content, *, check: bool = True) -> Architecture:
        """The architecture that holds this.

        content: of an architecture of this space.
        check: whether to make sure that it is one.
        """
        return self.architecture(content) if check else Architecture(self, content)

    def adopt(self, architecture: Architecture) -> Architecture:
        """The same architecture, of an equal space, as one of this very space; InvalidArchitecture for any other's."""
        self.require_own(architecture)
        return Architecture(self, architecture.content)

    # Text and JSON.

    def record(self, architecture: Architecture) -> dict[str, Any]:
        """The architecture as JSON, without the space's id."""
        return {"content": architecture.content}

    def format(self, architecture: Architecture) -> str:
        """The architecture as text that `parse` reads; what `str` gives."""
        return json.dumps(architecture.content, separators=(",", ":"))

    def parse(self, text: str) -> Architecture:
        """Read `str(architecture)` or its JSON. Raises InvalidArchitecture, or UserError for broken JSON."""
        return self.architecture(self.unwrapped(parse_json(text_of(text)), "content"))

    def unwrapped(self, data: Any, part: str) -> Any:
        """What `to_json` keeps under `part`, or the data itself; InvalidArchitecture for another space's."""
        if not isinstance(data, dict):
            return data
        record = cast("dict[str, Any]", data)
        if part not in record or not set(record) <= {part, "space"}:
            return record
        other = record.get("space", self.id)
        if other != self.id:
            raise InvalidArchitecture(f"the architecture belongs to space {other!r}, not to {self.id!r}")
        return record[part]

    def validate(self, architecture: Architecture) -> None:
        """Raise InvalidArchitecture unless this is one of the space's architectures."""
        self.require_own(architecture)
        if self.architecture(architecture.content).content != architecture.content:
            raise InvalidArchitecture(f"{shown(architecture.content)} is not in the form that {self.name!r} keeps")

    def require_own(self, architecture: object) -> None:
        """Raise InvalidArchitecture for what is no architecture, and for those of spaces described otherwise."""
        if not isinstance(architecture, Architecture):
            raise InvalidArchitecture(
                f"expected an architecture of {self.id!r}, found {shown(architecture)}; space.parse reads text"
            )
        if architecture.space is not self and architecture.space.id != self.id:
            raise InvalidArchitecture(
                f"the architecture belongs to space {architecture.space.id!r}, not to {self.id!r}"
            )

    def _repr_html_(self) -> str:
        """How many architectures there are, and one of them as an example."""
        import numpy as np

        size = "not known" if self.size is None else rough(self.size)
        table = html_table([("space", repr(self)), ("architectures", size), ("id", self.id)])
        example = drawn(self.sample(np.random.default_rng(0)))
        return f"{table}<p>one of them, drawn by chance:</p>{example}" if example else table

    # Identity of the settings: what two equal spaces have in common is the whole configuration.

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and repr(other) == repr(self)

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), *self.call())


def _init_from_fields(cls: type) -> bool:
    """Whether the constructor follows from the annotated fields, since none was written by hand."""
    return cls.__init__ is object.__init__ or getattr(cls.__init__, "_from_fields", False)


_rebuilt: dict[tuple[type[Space], str], Space] = {}


def _rebuild(cls: type[Space], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Space:
    """The same object for the same settings in one process, so that a space is traced once however often it is sent."""
    space = constructed(cls, args, kwargs)
    return _rebuilt.setdefault((cls, repr(space)), space)


def frozen(data: Any) -> Any:
    """The data with a tuple for every list in it."""
    if isinstance(data, (list, tuple)):
        return tuple([frozen(each) for each in cast("list[Any]", data)])
    return data


def text_of(value: object) -> str:
    """The text itself; InvalidArchitecture for anything else."""
    if not isinstance(value, str):
        raise InvalidArchitecture(
            f"expected an architecture as text or JSON, found {type(value).__name__} {shown(value)}; "
            "space.architecture takes what the text describes"
        )
    return value
