"""Architectures that were not asked yet: remembered by their key, drawn without end of luck."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from math import gcd
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from netwright.core.architecture import sortable
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import SpaceExhausted
from netwright.core.space import frozen

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture, Content
    from netwright.core.space import Space
    from netwright.core.trial import Trial

MOST_REJECTIONS = 64
MOST_REJECTIONS_UNNUMBERED = 2_000  # where architectures have no numbers to go through


class Unseen:
    """Draws architectures whose key was not asked before.

    First by rejection: draw until one is new. After 64 draws in a row that were not, nearly everything that is likely
    to be drawn was asked; from then on the numbers 0..size-1 are visited once each in a scrambled order (a full-cycle
    linear congruence, Knuth, section 3.2.1), so that the last architectures are found in `size` steps altogether and
    nothing but what was asked is kept in memory. Where architectures have no numbers, 2,000 draws in a row end it.

    exact: two architectures that differ are two, also where they have the same key.
    """

    def __init__(
        self,
        space: Space,
        uniform_over: Literal["decisions", "architectures"] = "decisions",
        *,
        exact: bool = False,
    ) -> None:
        self._space = space
        self._exact = exact
        self._uniform_over: Literal["decisions", "architectures"] = uniform_over
        self._asked: set[Hashable] = set()
        self._walking = False
        self._rank = self._stride = self._left = 0

    def add(self, architecture: Architecture) -> bool:
        """Note that this one is asked; whether it is the first of its key."""
        return self.add_key(self.key_of(architecture))

    def note(self, trial: Trial) -> None:
        """Note what was tried where that was another architecture than was asked about."""
        if trial.proposal.instead_of is not None:
            self.add(trial.architecture)

    def key_of(self, architecture: Architecture) -> Hashable:
        """What makes two architectures the same one."""
        return architecture.content if self._exact else self._space.key(architecture)

    def add_key(self, key: Hashable) -> bool:
        """The same for a key."""
        before = len(self._asked)
        self._asked.add(key)
        return len(self._asked) > before

    def has(self, architecture: Architecture) -> bool:
        """Whether one of its key was asked."""
        return self.key_of(architecture) in self._asked

    def draw(self, rng: np.random.Generator) -> Architecture:
        """A random architecture that was not asked yet, noted as asked. Raises SpaceExhausted where there is none."""
        space = self._space
        if not isinstance(space, DecisionSpace):
            return self._without_numbers(rng)
        if not self._walking:
            for _ in range(MOST_REJECTIONS):
                architecture = space.sample(rng, uniform_over=self._uniform_over)
                if self.add(architecture):
                    return architecture
            self._start_walk(space.size, rng)
        while self._left:
            self._left -= 1
            self._rank = (self._rank + self._stride) % space.size
            architecture = space.at(self._rank)
            if self.add(architecture):
                return architecture
        raise SpaceExhausted(self._all_asked(space.size))

    def _without_numbers(self, rng: np.random.Generator) -> Architecture:
        size = self._space.size
        for _ in range(MOST_REJECTIONS_UNNUMBERED if size is None or len(self._asked) < size else 0):
            architecture = self._space.sample(rng)
            if self.add(architecture):
                return architecture
        if size is not None and len(self._asked) >= size:
            raise SpaceExhausted(self._all_asked(size))
        raise SpaceExhausted(
            f"none of {MOST_REJECTIONS_UNNUMBERED:,} random architectures was new after {len(self._asked):,} were asked"
        )

    def memory(self) -> dict[str, Any]:
        """What was asked, and where the walk stands."""
        return {
            "asked": points_of(in_order(self._asked, self._space), self._space),
            "walk": [self._walking, self._rank, self._stride, self._left],
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._asked = set(contents_of(memory["asked"]))
        self._walking, self._rank, self._stride, self._left = memory["walk"]

    def _start_walk(self, size: int, rng: np.random.Generator) -> None:
        self._rank = _below(size, rng)
        self._stride = _below(size, rng)
        while gcd(self._stride, size) != 1:
            self._stride += 1
        self._left = size
        self._walking = True

    def _all_asked(self, size: int) -> str:
        asked = len(self._asked)
        same = f", which are {asked:,} different ones," if asked < size else ""
        return f"all {size:,} architectures of the space{same} were asked"


def points_of(contents: Sequence[Content], space: Space) -> np.ndarray | list[Any]:
    """What architectures hold, to be kept: of decisions one array, int32 (n, decisions), otherwise lists."""
    if isinstance(space, DecisionSpace):
        return np.array(contents, dtype=np.int32).reshape(len(contents), len(space.decisions))
    return listed(contents)


def contents_of(kept: np.ndarray | list[Any]) -> list[Content]:
    """What `points_of` was given."""
    return list(frozen(kept.tolist() if isinstance(kept, np.ndarray) else kept))


def in_order(contents: Iterable[Content], space: Space) -> list[Content]:
    """Sorted, whatever they are made of."""
    return sorted(contents, key=None if isinstance(space, DecisionSpace) else sortable)


def listed(content: Content) -> Any:
    """The content with a list for every tuple in it, as JSON has it."""
    return [listed(each) for each in content] if isinstance(content, (list, tuple)) else content


def _below(limit: int, rng: np.random.Generator) -> int:
    """A random whole number below `limit`, however large."""
    return int.from_bytes(rng.bytes((limit.bit_length() + 7) // 8 + 8), "little") % limit


def end_after_the_only_one(space: Space, asked: int) -> None:
    """Raise SpaceExhausted where the space's only architecture was asked: nothing can be varied there."""
    if asked == 1 and space.size == 1:
        raise SpaceExhausted("the space holds one architecture only, and it was asked")
