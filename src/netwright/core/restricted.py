"""Decisions that may not be combined at will: the same drawing, changing, counting and numbering of what is allowed."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from math import prod
from typing import TYPE_CHECKING, cast

from netwright.core.decisions import Decision, DecisionTable, Label, Point
from netwright.core.errors import InvalidArchitecture, UserError
from netwright.core.joint_table import TRIES, JointTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Restriction(ABC):
    """Which points of a space are allowed, as far as its first decisions say.

    leading: how many decisions it looks at; what the others take is free.
    """

    leading: int

    @abstractmethod
    def reason(self, point: Sequence[int]) -> str:
        """Why a point is not allowed, in one line; empty where it is. Longer than `leading` it may be."""

    @abstractmethod
    def allowed(self) -> NDArray[np.bool_]:
        """For each combination of the leading decisions, in the order of `enumerate`, whether it is allowed."""


class RestrictedTable(JointTable):
    """The points of a table without conditions that a restriction allows.

    Draws are repeated until they are allowed. Where nothing allowed is found that is as asked, `complete` gives up one
    wish after the other.
    """

    def __init__(self, table: DecisionTable, restriction: Restriction) -> None:
        super().__init__(table[:])
        assert self._free, "a restriction applies to decisions that are always active"
        self._restriction = restriction
        self._count = restriction.leading

    def followed_by(self, more: Sequence[Decision]) -> RestrictedTable:
        return RestrictedTable(super().followed_by(more), self._restriction)

    def holds(self, point: Sequence[int]) -> bool:
        return not self._restriction.reason(point)

    @cached_property
    def _leading(self) -> NDArray[np.int64]:
        """The numbers of the allowed combinations of the leading decisions, ascending."""
        import numpy as np

        return np.flatnonzero(self._restriction.allowed())

    @cached_property
    def _rest(self) -> int:
        """How many ways there are to take the free decisions."""
        return prod(self.sizes[self._count :])

    # What may follow.

    @cached_property
    def _possible(self) -> list[NDArray[np.bool_]]:
        """For so many first decisions, by the number of what they take, whether an allowed point can follow."""
        import numpy as np

        found: list[NDArray[np.bool_]] = [self._restriction.allowed()]
        for size in reversed(self.sizes[: self._count]):
            found.append(np.any(found[-1].reshape(-1, size), axis=1))
        return found[::-1]

    def options_after(self, i: int, point: Sequence[int]) -> tuple[bool, ...] | None:
        if i >= self._count:
            return None
        number, size = 0, self.sizes[i]
        for option, many in zip(point[:i], self.sizes, strict=False):
            number = number * many + option
        return tuple(self._possible[i + 1][number * size : (number + 1) * size].tolist())

    def options_after_each(self, i: int, points: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        if i >= self._count:
            return None
        number = points[:, 0] * 0
        for place, many in enumerate(self.sizes[:i]):
            number = number * many + points[:, place]
        return self._possible[i + 1].reshape(-1, self.sizes[i])[number]

    # Drawing and changing.

    def draw(self, rng: np.random.Generator) -> Point:
        while True:
            point = super().draw(rng)
            if self.holds(point):
                return point

    def complete(self, wanted: Sequence[int], rng: np.random.Generator) -> Point:
        wishes = list(wanted)
        order = cast("list[int]", rng.permutation(self._count).tolist())
        tries = TRIES if min(wishes[: self._count]) < 0 else 1
        while True:
            for _ in range(tries):
                point = super().complete(wishes, rng)
                if self.holds(point):
                    return point
            if order:
                wishes[order.pop()] = -1
            tries = 1

    def completions(self, start: Point = (), keep: Sequence[int] = ()) -> Iterator[Point]:
        if start or keep:
            return filter(self.holds, super().completions(start, keep))
        return self._all()

    def _all(self) -> Iterator[Point]:
        for number in self._leading:
            head = self._head(int(number))
            for tail in product(*map(range, self.sizes[self._count :])):
                yield (*head, *tail)

    def allowed_or_heaviest(self, point: Point, weights: Callable[[Decision], Sequence[float]]) -> Point:
        """The point, or where it is not allowed, with the leading options whose weights have the largest product."""
        import numpy as np

        if self.holds(point):
            return point
        rest, score = self._leading.copy(), np.zeros(len(self._leading))
        for decision, size in zip(reversed(self[: self._count]), reversed(self.sizes[: self._count]), strict=True):
            score += np.log(np.maximum(weights(decision), np.finfo(float).tiny))[rest % size]
            rest //= size
        return (*self._head(int(self._leading[int(score.argmax())])), *point[self._count :])

    # Counting and numbering.

    @cached_property
    def size(self) -> int:
        return len(self._leading) * self._rest

    def at(self, rank: int) -> Point:
        number = operator.index(rank)
        if not 0 <= number < self.size:
            raise UserError(f"there is no architecture number {rank}: the space holds {self.size}")
        place, rest = divmod(number, self._rest)
        return (*self._head(int(self._leading[place])), *_digits(rest, self.sizes[self._count :]))

    def _head(self, number: int) -> Point:
        return _digits(number, self.sizes[: self._count])

    # Between points and labels.

    def point(self, labels: Mapping[str, Label]) -> Point:
        point = super().point(labels)
        self._require(point)
        return point

    def check(self, point: Sequence[int]) -> None:
        super().check(point)
        self._require(point)

    def _require(self, point: Sequence[int]) -> None:
        reason = self._restriction.reason(point)
        if reason:
            raise InvalidArchitecture(f"these decisions do not go together: {reason}")


def _digits(number: int, sizes: Sequence[int]) -> Point:
    """The options with this number, the last decision changing fastest."""
    options: list[int] = []
    for size in reversed(sizes):
        number, option = divmod(number, size)
        options.append(option)
    return tuple(reversed(options))
