"""An encoding: what turns architectures into rows of numbers, once each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.configuration import Configured

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Point

MOST_BYTES = 1 << 26  # of rows that are kept; all are dropped when there are more


class Encoding(Configured, ABC):
    """Gives each architecture of a space a row of `dimension` numbers; rows are kept, so each is made once.

    space: the space whose architectures are meant.
    """

    def __init__(self, space: DecisionSpace) -> None:
        self.space = space
        self._places: dict[Point, int] = {}
        self._rows = np.zeros((0, 0), dtype=np.float32)

    @property
    @abstractmethod
    def dimension(self) -> int:
        """How many numbers a row has."""

    @abstractmethod
    def rows(self, points: np.ndarray) -> np.ndarray:
        """float32 of shape (n, dimension) for option indices of shape (n, decisions), -1 where not active."""

    def encode(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """float32 of shape (n, dimension), a copy. Raises InvalidArchitecture for another space's architectures."""
        known = self._places
        wanted = [self.space.indices(each) for each in architectures]
        new = [point for point in dict.fromkeys(wanted) if point not in known]
        if new:
            if (len(known) + len(new)) * self.dimension * 4 > MOST_BYTES:
                known.clear()
                new = list(dict.fromkeys(wanted))
            self._keep(new)
        return self._rows[[known[point] for point in wanted]] if wanted else np.zeros((0, self.dimension), np.float32)

    def _keep(self, points: list[Point]) -> None:
        """Append the rows of these points, to an array that doubles when it is full."""
        start, end = len(self._places), len(self._places) + len(points)
        if end > len(self._rows):
            larger = np.zeros((max(end, 2 * len(self._rows), 64), self.dimension), dtype=np.float32)
            larger[:start] = self._rows[:start] if start else 0.0
            self._rows = larger
        width = len(self.space.decisions)
        self._rows[start:end] = self.rows(np.array(points, dtype=np.int64).reshape(len(points), width))
        self._places.update(zip(points, range(start, end), strict=True))


def with_columns(rows: np.ndarray) -> np.ndarray:
    """The rows; one column of zeros where they have none, as in a space of one architecture."""
    return rows if rows.shape[1] else np.zeros((len(rows), 1), dtype=rows.dtype)


def one_hot_rows(points: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """float32 of shape (n, sum of sizes): a one for the option that each column of `points` takes, none for -1."""
    offsets = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
    rows = np.zeros((len(points), int(offsets[-1])), dtype=np.float32)
    example, column = np.nonzero(points >= 0)
    rows[example, offsets[column] + points[example, column]] = 1.0
    return rows
