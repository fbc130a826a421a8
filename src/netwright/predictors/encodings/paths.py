"""The path encoding (White et al. 2021, BANANAS, section 3; first version 2019)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.errors import ConfigurationError
from netwright.predictors.encodings.cells import Cells, cells_of
from netwright.predictors.encodings.encoding import Encoding, one_hot_rows
from netwright.predictors.encodings.vertices import Vertices, vertices_of

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace

MOST_PATHS = 2000


class Paths(Encoding):
    """One for each sequence of operations that some path takes from an input of a cell to its output.

    A path is told by its cell, the input it begins in and its operations in order, whatever states it leads through.
    Operations on edges count as they stand, those that pass nothing on among them, as in the authors' code for
    NAS-Bench-201 (5 + 25 + 125 = 155 paths). A cell's outputs are the states that some architecture reads nowhere: its
    last node where every node reads all earlier ones, all nodes in DARTS. Where operations are on vertices, as in
    NAS-Bench-101, a path is the operations of the vertices between input and output, none of them on the shortest
    (1 + 3 + 9 + 27 + 81 + 243 = 364 paths; 40 with longest=3, the paper's truncation). Decisions outside of cells
    follow as one-hot; a space without cells has nothing else, for its one path would be the whole network.

    space: the space whose architectures are meant.
    longest: paths of at most so many operations; by default the most with no more than 2,000 paths, at least 1 (the
        truncation of section 4: long paths are many, and each of them is rare).

    Raises ConfigurationError below 1.
    """

    def __init__(self, space: DecisionSpace, longest: int | None = None) -> None:
        super().__init__(space)
        if longest is not None and longest < 1:
            raise ConfigurationError(f"Paths: longest must be at least 1 operation, found {longest}")
        self.longest = longest

    @cached_property
    def cells(self) -> Cells:
        return cells_of(self.space)

    @cached_property
    def _table(self) -> _Table | _VertexTable:
        if vertices := vertices_of(self.space):
            return _VertexTable(vertices, self.longest)
        depth = max((len(each) for each in self.cells.states), default=1)
        if self.longest is not None:
            return _Table(self.cells, min(self.longest, depth))
        best = _Table(self.cells, 1)
        for longest in range(2, depth):
            if counted(self.cells, longest) > MOST_PATHS:
                break
            best = _Table(self.cells, longest)
        return best

    @property
    def dimension(self) -> int:
        return self._table.paths + sum(self.space.decisions.sizes[place] for place in self._table.rest)

    def rows(self, points: np.ndarray) -> np.ndarray:
        rest = list(self._table.rest)
        outside = one_hot_rows(points[:, rest], [self.space.decisions.sizes[place] for place in rest])
        paths = np.zeros((len(points), self._table.paths), dtype=np.float32)
        example, path = self._table.find(points)
        paths[example, path] = 1.0
        return np.concatenate((paths, outside), axis=1)


def counted(cells: Cells, longest: int) -> int:
    """How many different paths of at most `longest` operations the encoding tells apart."""
    total = 0
    for cell in range(len(cells.states)):
        operations = len(cells.operations(cell))
        total += sum(operations**length for _, length in _kinds(cells, cell, longest))
    return total


def _kinds(cells: Cells, cell: int, longest: int) -> list[tuple[int, int]]:
    """Each input with each length of a path from it, in order of length."""
    found = {(cells.slots[route[0]].source, len(route)) for route in _routes(cells, cell, longest)}
    return sorted(found, key=lambda each: (each[1], each[0]))


def _routes(cells: Cells, cell: int, longest: int) -> list[tuple[int, ...]]:
    """Every way through the cell's slots from an input to an end, as numbers of slots."""
    by_source: dict[int, list[int]] = {}
    for number, slot in enumerate(cells.slots):
        if slot.cell == cell:
            by_source.setdefault(slot.source, []).append(number)
    found: list[tuple[int, ...]] = []
    open_routes: list[tuple[int, ...]] = [(n,) for state in cells.inputs(cell) for n in by_source.get(state, ())]
    while open_routes:
        route = open_routes.pop()
        target = cells.slots[route[-1]].target
        if target in cells.ends[cell]:
            found.append(route)
        if len(route) < longest:
            open_routes += [(*route, n) for n in by_source.get(target, ())]
    return sorted(found)


class _Table:
    """Every route through every cell, as arrays: the column of its path is base + sum of symbol times stride."""

    def __init__(self, cells: Cells, longest: int) -> None:
        self._cells = cells
        self.rest = cells.rest
        self.paths = 0
        routes: list[tuple[int, ...]] = []
        bases: list[int] = []
        strides: list[tuple[int, ...]] = []
        for cell in range(len(cells.states)):
            operations = len(cells.operations(cell))
            start: dict[tuple[int, int], int] = {}
            for kind in _kinds(cells, cell, longest):
                start[kind] = self.paths
                self.paths += operations ** kind[1]
            for route in _routes(cells, cell, longest):
                routes.append(route)
                bases.append(start[cells.slots[route[0]].source, len(route)])
                strides.append(tuple(operations**place for place in range(len(route))))
        last = len(cells.slots)  # a slot after the last, always there, fills up short routes
        width = max(map(len, routes), default=0)
        self._routes = np.array([(*each, *[last] * (width - len(each))) for each in routes], np.int64)
        self._strides = np.array([(*each, *[0] * (width - len(each))) for each in strides], np.int64)
        self._bases = np.array(bases, np.int64)
        self._symbols = _symbols(cells)

    def find(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which examples have which paths: two arrays of equal length."""
        if not len(self._bases):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        option, there = self._cells.options(points)
        symbol = self._symbols[np.arange(option.shape[1]), option]
        symbol = np.concatenate((symbol, np.zeros((len(points), 1), np.int64)), axis=1)
        there = np.concatenate((there, np.ones((len(points), 1), bool)), axis=1)
        column = self._bases + (symbol[:, self._routes] * self._strides).sum(axis=2)
        complete = there[:, self._routes].all(axis=2)
        return np.nonzero(complete)[0], column[complete]


class _VertexTable:
    """The paths of a cell with operations on vertices, by length and then by their operations."""

    def __init__(self, cell: Vertices, longest: int | None) -> None:
        self._cell = cell
        self.rest = cell.rest
        operations = len(cell.labels)
        lengths = range(len(cell.vertices) + 1)
        counts = [operations**length for length in lengths]
        most = (
            longest if longest is not None else max(k for k in lengths if k < 2 or sum(counts[: k + 1]) <= MOST_PATHS)
        )
        self._starts = [sum(counts[:length]) for length in lengths]
        self._routes = [route for route in cell.routes if len(route) <= most]
        self.paths = sum(counts[: most + 1])

    def find(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which examples have which paths, one as often as routes lead to it: two arrays of equal length."""
        examples, columns = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for route in self._routes:
            example = np.flatnonzero(self._cell.leads(route, points))
            column = np.full(len(example), self._starts[len(route)])
            for position, vertex in enumerate(route):
                column += points[example, self._cell.vertices[vertex]] * len(self._cell.labels) ** position
            examples.append(example)
            columns.append(column)
        return np.concatenate(examples), np.concatenate(columns)


def _symbols(cells: Cells) -> np.ndarray:
    """Which of its cell's operations each option of each slot is; int64 (slots, most options)."""
    most = max((len(each.labels) for each in cells.slots), default=0)
    found = np.zeros((len(cells.slots), most), np.int64)
    for number, slot in enumerate(cells.slots):
        known = cells.operations(slot.cell)
        found[number, : len(slot.labels)] = [known.index(label) for label in slot.labels]
    return found
