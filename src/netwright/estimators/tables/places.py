"""Which rows of a table are about an architecture: its own, or those of another one that gives the same network."""

from __future__ import annotations

from functools import cached_property

from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Point
from netwright.estimators.tables.arrangement import Arrangement


class Places:
    """The numbers of the architectures in an arrangement, found by the architecture.

    space: of the architectures that are asked for.
    arrangement: of the table.
    """

    def __init__(self, space: DecisionSpace, arrangement: Arrangement) -> None:
        self._space, self._arrangement = space, arrangement
        self._equivalents: dict[Point, int] = {}

    def place_of(self, candidate: Architecture) -> int | None:
        """The number of the architecture's rows; its own first, then those of an equivalent one."""
        if candidate.space is not self._space:
            self._space.require_own(candidate)
        place = self._arrangement.places.get(candidate.content)
        if place is None:
            place = self._equivalents.get(candidate.content)
        return self._equivalent(candidate.content) if place is None else place

    def _equivalent(self, point: Point) -> int | None:
        """The number of the rows of an architecture that gives the same network."""
        canonical = self._canonical(point)
        place = self._arrangement.places.get(canonical)
        if place is None:
            place = self._classes.get(canonical)
        if place is not None:
            self._equivalents[point] = place
        return place

    @cached_property
    def _classes(self) -> dict[Point, int]:
        """By canonical form, the first architecture of the table that has it."""
        found: dict[Point, int] = {}
        for place, point in enumerate(self._arrangement.points):
            found.setdefault(self._canonical(point), place)
        return found

    def _canonical(self, point: Point) -> Point:
        return self._space.key(self._space.from_indices(point, check=False))
