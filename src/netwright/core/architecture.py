"""A point of a space, and a weighting of all its points."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import total_ordering
from typing import TYPE_CHECKING, Any

from netwright.core.display import html_table

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.core.decisions import Label, Point
    from netwright.core.space import Space


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Architecture:
    """One architecture: what each active decision of its space takes. A value: immutable, hashable, ordered.

    Made by its space (`sample`, `parse`, `architecture`, ...), which checks it. Two are equal where their spaces ask
    the same decisions and they answer them alike, whatever else the spaces are set to (number of cells, channels).
    """

    space: Space
    point: Point

    @property
    def decisions(self) -> dict[str, Label]:
        """The label of each active decision, in order."""
        return self.space.decisions.labels(self.point)

    def __getitem__(self, name: str) -> Label:
        return self.decisions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.decisions)

    def __hash__(self) -> int:
        return hash(self.point)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Architecture):
            return NotImplemented
        return self.point == other.point and (self.space is other.space or self.space.id == other.space.id)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Architecture):
            return NotImplemented
        return (self.space.id, self.point) < (other.space.id, other.point)

    def to_json(self) -> str:
        """Canonical JSON: the space's versioned id and the labels of the active decisions, without spaces."""
        return json.dumps({"decisions": self.decisions, "space": self.space.id}, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hex."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def __str__(self) -> str:
        return self.space.format(self)

    def __repr__(self) -> str:
        return f"Architecture({self.space.id}, {self})"

    def _repr_html_(self) -> str:
        return html_table([("space", self.space.id), *self.decisions.items()])

    def __reduce__(self) -> tuple[Any, ...]:
        return Architecture, (self.space, self.point)


@dataclass(frozen=True, eq=False)
class Mixture:
    """A weight for every option of every decision: decision name -> tensor, soft options after the hard ones.

    For the sources of an edge decision, the tensor holds one weight a source rather than one a set of sources; without
    it all weigh 1. active: for some decisions, the indices of the only options that are computed; all of the others'.
    A tensor that requires grad asks for its gradient.
    """

    weights: Mapping[str, Tensor]
    active: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
