"""Decisions that may not be combined at will: what is changed is changed again until it is allowed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from netwright.core.decisions import DecisionTable, Point
from netwright.core.errors import SpaceExhausted

if TYPE_CHECKING:
    import numpy as np

MOST_LISTED = 2_000  # neighbours of a point that are listed to draw one of them
TRIES = 32  # at keeping all that was wanted, before it is given up one decision at a time


class JointTable(DecisionTable):
    """A table of which not all points are allowed; `holds` says which are.

    Where nothing allowed is found that is as asked, `mutate` takes any neighbour, and `cross` gives the first parent.
    """

    @abstractmethod
    def holds(self, point: Sequence[int]) -> bool:
        """Whether a point, whose active decisions all have an option, is allowed."""

    def mutate(self, point: Point, rng: np.random.Generator) -> Point:
        for _ in range(TRIES):
            changed = super().mutate(point, rng)
            if self.holds(changed):
                return changed
        allowed = list(islice(self.neighbors(point), MOST_LISTED + 1))
        if not allowed:
            raise SpaceExhausted("no single change of this architecture is allowed, so it cannot be mutated")
        found = self._led(point, rng) if len(allowed) > MOST_LISTED else None
        return allowed[int(rng.integers(len(allowed)))] if found is None else found

    def _led(self, point: Point, rng: np.random.Generator) -> Point | None:
        """A random change of one decision whose consequences are drawn from what is allowed; None where none is found.

        For points with too many neighbours to list them.
        """
        return None

    def cross(self, first: Point, second: Point, rng: np.random.Generator) -> Point:
        for _ in range(TRIES):
            point = super().cross(first, second, rng)
            if self.holds(point):
                return point
        return first

    def neighbors(self, point: Point) -> Iterator[Point]:
        return filter(self.holds, super().neighbors(point))
