"""A point of a space, and a weighting of all its points."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import total_ordering
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from netwright.core.display import drawn, html_table
from netwright.core.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.core.decisions import Label, Point
    from netwright.core.space import Space

Content: TypeAlias = Any  # what tells an architecture from others: text and numbers, in tuples


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Architecture:
    """One point of its space. A value: immutable, hashable, ordered.

    Made by its space (`sample`, `parse`, `architecture`, ...), which checks it. Two are equal where their spaces have
    the same architectures and they hold the same, whatever else the spaces are set to (number of cells, channels).

    space: in which it lies.
    content: what the space keeps of it, as text and numbers in tuples; of a `DecisionSpace`, the number of the option
        that each decision takes.
    """

    space: Space
    content: Content

    @property
    def decisions(self) -> dict[str, Label]:
        """The label of each active decision, in order; UserError for an architecture of a space without decisions."""
        record = self.space.record(self)
        _require_decisions(self, record)
        return record["decisions"]

    @property
    def data(self) -> Any:
        """What `space.architecture` makes it of: the label of each active decision, or the content."""
        (data,) = self.space.record(self).values()
        return data

    @property
    def point(self) -> Point:
        """The number of the option that each decision takes, -1 where it is not active; as `space.indices` gives it."""
        _require_decisions(self, self.space.record(self))
        return self.content

    def __getitem__(self, name: str) -> Label:
        return self.decisions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.decisions)

    def __hash__(self) -> int:
        return hash(self.content)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Architecture):
            return NotImplemented
        return self.content == other.content and (self.space is other.space or self.space.id == other.space.id)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Architecture):
            return NotImplemented
        return (self.space.id, sortable(self.content)) < (other.space.id, sortable(other.content))

    def to_json(self) -> str:
        """Canonical JSON: the space's versioned id and the labels of the active decisions, or the content."""
        return json.dumps({**self.space.record(self), "space": self.space.id}, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hex."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def __str__(self) -> str:
        return self.space.format(self)

    def __repr__(self) -> str:
        return f"Architecture({self.space.id}, {self})"

    def _repr_html_(self) -> str:
        record = self.space.record(self)
        table = html_table([("space", self.space.id), *record.get("decisions", record).items()])
        return f"{drawn(self)}<details><summary>{escape(self.space.name)}</summary>{table}</details>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Architecture, (self.space, self.content)


def _require_decisions(architecture: Architecture, record: Mapping[str, Any]) -> None:
    if "decisions" not in record:
        name = type(architecture.space).__name__
        raise UserError(f"architectures of {name} have no decisions, since it is no DecisionSpace; see their `content`")


def sortable(content: Content) -> Any:
    """The content in a form that can be compared whatever its parts are: numbers before text before tuples."""
    if isinstance(content, tuple):
        return 2, tuple([sortable(each) for each in cast("tuple[Any, ...]", content)])
    return (1, content) if isinstance(content, str) else (0, content or 0)


@dataclass(frozen=True, eq=False)
class Mixture:
    """A weight for every option of every decision: decision name -> tensor, soft options after the hard ones.

    For the sources of an edge decision, the tensor holds one weight a source rather than one a set of sources; without
    it all weigh 1.

    weights: by the name of the decision, float (options,); a tensor that requires grad asks for its gradient.
    active: for some decisions, the indices of the only options that are computed; all of the others'.
    """

    weights: Mapping[str, Tensor]
    active: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
