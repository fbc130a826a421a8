"""Architectures that were not asked yet: remembered by canonical form, drawn without end of luck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from netwright.core.errors import SpaceExhausted

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decisions import Point
    from netwright.core.space import Space

MOST_REJECTIONS = 64


class Unseen:
    """Draws architectures whose canonical form was not asked before.

    First by rejection: draw until one is new. After 64 draws in a row that were not, nearly everything that is likely
    to be drawn was asked; from then on the numbers 0..size-1 are visited once each in a scrambled order (a full-cycle
    linear congruence, Knuth, section 3.2.1), so that the last architectures are found in `size` steps altogether and
    nothing but what was asked is kept in memory.
    """

    def __init__(self, space: Space, uniform_over: Literal["decisions", "architectures"] = "decisions") -> None:
        self._space = space
        self._uniform_over: Literal["decisions", "architectures"] = uniform_over
        self._asked: set[Point] = set()
        self._walking = False
        self._rank = self._stride = self._left = 0

    def add(self, architecture: Architecture) -> bool:
        """Note that this one is asked; whether it is the first of its canonical form."""
        return self.add_point(self._space.canonical(architecture).point)

    def add_point(self, point: Point) -> bool:
        """The same for a canonical form's point."""
        before = len(self._asked)
        self._asked.add(point)
        return len(self._asked) > before

    def draw(self, rng: np.random.Generator) -> Architecture:
        """A random architecture that was not asked yet, noted as asked. Raises SpaceExhausted where there is none."""
        if not self._walking:
            for _ in range(MOST_REJECTIONS):
                architecture = self._space.sample(rng, uniform_over=self._uniform_over)
                if self.add(architecture):
                    return architecture
            self._start_walk(rng)
        while self._left:
            self._left -= 1
            self._rank = (self._rank + self._stride) % self._space.size
            architecture = self._space.at(self._rank)
            if self.add(architecture):
                return architecture
        raise SpaceExhausted(self._all_asked())

    def memory(self) -> dict[str, Any]:
        """What was asked, and where the walk stands."""
        return {
            "asked": points_of(sorted(self._asked), self._space),
            "walk": [self._walking, self._rank, self._stride, self._left],
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._asked = {tuple(point) for point in memory["asked"].tolist()}
        self._walking, self._rank, self._stride, self._left = memory["walk"]

    def _start_walk(self, rng: np.random.Generator) -> None:
        size = self._space.size
        self._rank = _below(size, rng)
        self._stride = _below(size, rng)
        while gcd(self._stride, size) != 1:
            self._stride += 1
        self._left = size
        self._walking = True

    def _all_asked(self) -> str:
        size, asked = self._space.size, len(self._asked)
        same = f", which are {asked:,} different ones," if asked < size else ""
        return f"all {size:,} architectures of the space{same} were asked"


def points_of(points: Sequence[Point], space: Space) -> np.ndarray:
    """int32 (n, decisions): the points as one array."""
    return np.array(points, dtype=np.int32).reshape(len(points), len(space.decisions))


def _below(limit: int, rng: np.random.Generator) -> int:
    """A random whole number below `limit`, however large."""
    return int.from_bytes(rng.bytes((limit.bit_length() + 7) // 8 + 8), "little") % limit


def end_after_the_only_one(space: Space, asked: int) -> None:
    """Raise SpaceExhausted where the space's only architecture was asked: nothing can be varied there."""
    if asked == 1 and space.size == 1:
        raise SpaceExhausted("the space holds one architecture only, and it was asked")
