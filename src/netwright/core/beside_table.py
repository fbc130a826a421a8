"""The decisions of a space with networks of somebody's own beside it: one decision more, which all others hang on."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from netwright.core.decisions import INACTIVE, Condition, Decision, DecisionTable, Label, Point
from netwright.core.errors import ConfigurationError, SpaceExhausted, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

NETWORK = "network"
SEARCHED = "searched"
NEAR = 64  # architectures of the space that a network beside it may be changed into, spread over all of them


class BesideTable(DecisionTable):
    """Points of a table, and one for each network beside it: the first decision says which of them.

    Within the table all is as it was: drawing, changing, counting and what may go together. A network beside it is
    drawn as seldom as if it were one more answer to all decisions together, so that random search is no search of it.

    inner: the table of the space.
    names: of the networks.
    more: further decisions, which are always asked and free of all others.

    Raises ConfigurationError where the space has a decision that is called as the one that is added.
    """

    def __init__(self, inner: DecisionTable, names: Sequence[str], more: Sequence[Decision] = ()) -> None:
        if NETWORK in inner.places:
            raise ConfigurationError(f"the space has a decision {NETWORK!r} already, so nothing can be put beside it")
        first = Decision(NETWORK, (SEARCHED, *names), "value")
        only = (Condition(NETWORK, frozenset({SEARCHED})),)
        own = [each if each.conditions else replace(each, conditions=only) for each in inner]
        super().__init__((first, *own, *more))
        self._inner, self._names, self._more = inner, tuple(names), DecisionTable(more)
        self._none: Point = (INACTIVE,) * len(inner)

    def followed_by(self, more: Sequence[Decision]) -> BesideTable:
        """The same table with further decisions behind its own, which are always asked and free of all others.

        more: those decisions.
        """
        return BesideTable(self._inner, self._names, (*self._more, *more))

    def _parts(self, point: Sequence[int]) -> tuple[int, Point, Point]:
        """Which network, the answers of the space's own decisions, and those of the further ones."""
        behind = 1 + len(self._inner)
        return point[0], tuple(point[1:behind]), tuple(point[behind:])

    # Drawing and changing.

    def draw(self, rng: np.random.Generator) -> Point:
        which = self._drawn(rng, len(self._names) + 1 + len(self._inner))
        return (*self._with(which, rng), *self._more.draw(rng))

    def _drawn(self, rng: np.random.Generator, count: int) -> int:
        """A network beside the space by its number, or 0 for one of the space, which is all the rest of `count`."""
        number = int(rng.integers(count))
        return number + 1 if number < len(self._names) else 0

    def _with(self, which: int, rng: np.random.Generator) -> Point:
        return (0, *self._inner.draw(rng)) if which == 0 else (which, *self._none)

    def complete(self, wanted: Sequence[int], rng: np.random.Generator) -> Point:
        which, inner, tail = self._parts(wanted)
        wishes = any(each >= 0 for each in inner)
        if which < 0:
            which = 0 if wishes else self._drawn(rng, len(self._names) + 1 + len(self._inner))
        head = (which, *self._none) if which else (0, *self._inner.complete(inner, rng))
        return (*head, *self._more.complete(tail, rng))

    def allowed_or_heaviest(self, point: Point, weights: Callable[[Decision], Sequence[float]]) -> Point:
        which, inner, tail = self._parts(point)
        return point if which else (0, *self._inner.allowed_or_heaviest(inner, weights), *tail)

    def mutate(self, point: Point, rng: np.random.Generator) -> Point:
        """Change which network it is, or one active decision, each with the same probability."""
        which, inner, tail = self._parts(point)
        active = sum(option >= 0 for option in inner)
        place = int(rng.integers(1 + active + len(tail)))
        if place > active:
            return (which, *inner, *self._more.mutate(tail, rng))
        if place:
            try:
                return (0, *self._inner.mutate(inner, rng), *tail)
            except SpaceExhausted:  # the space has this one architecture
                pass
        others = list(self._others(which))
        return (*others[int(rng.integers(len(others)))], *tail)

    def _others(self, which: int) -> Iterator[Point]:
        """What another answer to the first decision may lead to."""
        yield from ((number, *self._none) for number in range(1, len(self._names) + 1) if number != which)
        yield from ((0, *each) for each in self._near if which)

    @cached_property
    def _near(self) -> tuple[Point, ...]:
        """Points of the space that are spread over all of them."""
        size = self._inner.size
        count = min(NEAR, size)
        return tuple(self._inner.at(place * (size - 1) // max(1, count - 1)) for place in range(count))

    def cross(self, first: Point, second: Point, rng: np.random.Generator) -> Point:
        (which, inner, tail), (other, others, more) = self._parts(first), self._parts(second)
        if which == other == 0:
            head: Point = (0, *self._inner.cross(inner, others, rng))
        else:
            head = (which, *inner) if rng.random() < 0.5 else (other, *others)
        return (*head, *self._more.cross(tail, more, rng))

    def neighbors(self, point: Point) -> Iterator[Point]:
        which, inner, tail = self._parts(point)
        yield from ((*each, *tail) for each in self._others(which))
        if which == 0:
            yield from ((0, *each, *tail) for each in self._inner.neighbors(inner))
        yield from ((which, *inner, *each) for each in self._more.neighbors(tail))

    # Listing, counting and numbering.

    def completions(self, start: Point = (), keep: Sequence[int] = ()) -> Iterator[Point]:
        behind = 1 + len(self._inner)
        wanted = start[0] if start else keep[0] if keep and keep[0] >= 0 else None
        heads: list[Iterator[Point]] = []
        if wanted in (None, 0):
            inner = self._inner.completions(tuple(start[1:behind]), keep[1:behind])
            heads.append((0, *each) for each in inner)
        named = range(1, len(self._names) + 1) if wanted is None else [wanted] if wanted else []
        heads.append((number, *self._none) for number in named)
        for each in heads:
            for head in each:
                yield from ((*head, *tail) for tail in self._more.completions(tuple(start[behind:]), keep[behind:]))

    @cached_property
    def size(self) -> int:
        return (self._inner.size + len(self._names)) * self._more.size

    def at(self, rank: int) -> Point:
        number = operator.index(rank)
        if not 0 <= number < self.size:
            raise UserError(f"there is no architecture number {rank}: the space holds {self.size}")
        number, tail = divmod(number, self._more.size)
        beside = number - self._inner.size
        head = (0, *self._inner.at(number)) if beside < 0 else (beside + 1, *self._none)
        return (*head, *self._more.at(tail))

    # What may follow.

    def options_after(self, i: int, point: Sequence[int]) -> tuple[bool, ...] | None:
        if not 0 < i <= len(self._inner) or point[0] != 0:
            return None
        return self._inner.options_after(i - 1, point[1:])

    def options_after_each(self, i: int, points: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        if not 0 < i <= len(self._inner):
            return None
        others = points[:, :1] != 0
        found = self._inner.options_after_each(i - 1, points[:, 1:] * ~others)
        return None if found is None else found | others

    def is_ruled(self, i: int) -> bool:
        return 0 < i <= len(self._inner) and self._inner.is_ruled(i - 1)

    # Between points and labels.

    def point(self, labels: Mapping[str, Label]) -> Point:
        found = super().point({NETWORK: SEARCHED, **labels})
        self.check(found)
        return found

    def check(self, point: Sequence[int]) -> None:
        super().check(point)
        which, inner, _ = self._parts(point)
        if which == 0:
            self._inner.check(inner)
