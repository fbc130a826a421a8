"""A part of a space, architecture by architecture: the same drawing, changing and numbering of what is listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from netwright.core.decisions import Decision, DecisionTable, Point
from netwright.core.errors import ConfigurationError, InvalidArchitecture, SpaceExhausted, UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


MOST_LISTED = 1_000_000


class ListedTable(DecisionTable):
    """Those points of a table that are listed, in that order.

    What the whole table would draw or change is replaced by the nearest that is listed: the one that differs in the
    fewest decisions, of several any with equal probability.
    """

    def __init__(self, table: DecisionTable, points: Sequence[Point]) -> None:
        super().__init__(table[:])
        self.points = tuple(dict.fromkeys(points))
        self._known = frozenset(self.points)

    def followed_by(self, more: Sequence[Decision]) -> ListedTable:
        """Each listed point with every combination of the further decisions; ConfigurationError for too many."""
        count = len(self.points) * prod(len(each.options) for each in more)
        if count > MOST_LISTED:
            raise ConfigurationError(
                f"{len(self.points):,} listed architectures with every combination of {len(more)} further decisions "
                f"would be {count:,}, expected at most {MOST_LISTED:,}; list fewer, or give fewer values"
            )
        return ListedWithMore(self, more)

    @cached_property
    def _array(self) -> NDArray[np.int64]:
        import numpy as np

        return np.array(self.points, dtype=np.int64).reshape(len(self.points), len(self.sizes))

    def _distances(self, wanted: Sequence[int], *, wishes: bool = False) -> NDArray[np.int64]:
        """In how many decisions each listed point differs; wishes: -1 is no wish, rather than inactive."""
        import numpy as np

        row = np.array(wanted, dtype=np.int64)
        different = self._array != row
        return (different & (row >= 0) if wishes else different).sum(axis=1)

    def _nearest(self, distances: NDArray[np.int64], rng: np.random.Generator) -> Point:
        import numpy as np

        best = np.flatnonzero(distances == distances.min())
        return self.points[int(best[int(rng.integers(len(best)))])]

    def nearest(self, point: Sequence[int], rng: np.random.Generator) -> Point:
        """The listed point that differs from this one in the fewest decisions."""
        return self._nearest(self._distances(point), rng)

    def allowed_or_heaviest(self, point: Point, weights: Callable[[Decision], Sequence[float]]) -> Point:
        """The point, or where it is not listed, the listed one whose options' weights have the largest product."""
        import numpy as np

        if point in self._known:
            return point
        score = np.zeros(len(self.points))
        for place, decision in enumerate(self):
            logs = np.log(np.maximum(weights(decision), np.finfo(float).tiny))
            taken = self._array[:, place]
            score += np.where(taken >= 0, logs[taken], 0.0)
        return self.points[int(score.argmax())]

    def draw(self, rng: np.random.Generator) -> Point:
        return self.points[int(rng.integers(len(self.points)))]

    def draw_uniform(self, rng: np.random.Generator) -> Point:
        return self.draw(rng)

    def complete(self, wanted: Sequence[int], rng: np.random.Generator) -> Point:
        return self._nearest(self._distances(wanted, wishes=True), rng)

    def mutate(self, point: Point, rng: np.random.Generator) -> Point:
        """The nearest listed one to a mutation, never the point itself."""
        if len(self.points) < 2:
            raise SpaceExhausted("one architecture is listed only, so there is nothing to mutate")
        distances = self._distances(super().mutate(point, rng))
        distances[(self._array == self._row(point)).all(axis=1)] = len(self.sizes) + 1
        return self._nearest(distances, rng)

    def _row(self, point: Point) -> NDArray[np.int64]:
        import numpy as np

        return np.array(point, dtype=np.int64)

    def cross(self, first: Point, second: Point, rng: np.random.Generator) -> Point:
        return self.nearest(super().cross(first, second, rng), rng)

    def neighbors(self, point: Point) -> Iterator[Point]:
        """As many of the nearest as there are decisions, and those that are as near as the last of them."""
        import numpy as np

        distances = self._distances(point)
        others = np.sort(distances[distances > 0])[: max(1, len(self.sizes))]
        if len(others):
            yield from (self.points[place] for place in np.flatnonzero((distances > 0) & (distances <= others[-1])))

    def completions(self, start: Point = (), keep: Sequence[int] = ()) -> Iterator[Point]:
        for point in self.points:
            rest = zip(keep[len(start) :], point[len(start) :], strict=False)
            if point[: len(start)] == tuple(start) and all(min(pair) < 0 or pair[0] == pair[1] for pair in rest):
                yield point

    @cached_property
    def size(self) -> int:
        return len(self.points)

    def at(self, rank: int) -> Point:
        if not 0 <= rank < self.size:
            raise UserError(f"there is no architecture number {rank}: {self.size} are listed")
        return self.points[rank]

    def check(self, point: Sequence[int]) -> None:
        super().check(point)
        if tuple(point) not in self._known:
            raise InvalidArchitecture(f"this architecture is none of the {self.size:,} that are listed")


class ListedWithMore(ListedTable):
    """Each point of a list with every combination of further decisions; one of either is changed at a time.

    listed: the points.
    more: decisions that are always asked, behind those of the points.
    """

    def __init__(self, listed: ListedTable, more: Sequence[Decision]) -> None:
        tails = list(product(*(range(len(each.options)) for each in more)))
        super().__init__(DecisionTable((*listed, *more)), [(*each, *tail) for each in listed.points for tail in tails])
        self._listed, self._more = listed, DecisionTable(more)

    def _parts(self, point: Point) -> tuple[Point, Point]:
        return point[: len(self._listed)], point[len(self._listed) :]

    def mutate(self, point: Point, rng: np.random.Generator) -> Point:
        head, tail = self._parts(point)
        active = sum(option >= 0 for option in head) if len(self._listed.points) > 1 else 0
        if rng.random() * (active + len(tail)) < active:
            return (*self._listed.mutate(head, rng), *tail)
        return (*head, *self._more.mutate(tail, rng))

    def cross(self, first: Point, second: Point, rng: np.random.Generator) -> Point:
        (head, tail), (other_head, other_tail) = self._parts(first), self._parts(second)
        return (*self._listed.cross(head, other_head, rng), *self._more.cross(tail, other_tail, rng))

    def neighbors(self, point: Point) -> Iterator[Point]:
        head, tail = self._parts(point)
        yield from ((*each, *tail) for each in self._listed.neighbors(head))
        yield from ((*head, *each) for each in self._more.neighbors(tail))
