"""The adjacency encoding with one-hot operations (White et al. 2020, A Study on Encodings, section 3)."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from netwright.predictors.encodings.cells import NOTHING, Cells, cells_of
from netwright.predictors.encodings.encoding import Encoding, one_hot_rows
from netwright.predictors.encodings.vertices import Vertices, vertices_of


class Adjacency(Encoding):
    """For each pair of a cell's states that an edge may join: how many edges there are, and each operation's share.

    An edge whose operation passes nothing on ("none") is no edge; its operation is told all the same. Two edges between
    the same states count two. Where operations are on vertices, as in NAS-Bench-101: one number for each pair of
    vertices, whether there is an edge, then each vertex's operation as one-hot (21 + 15 there). Decisions outside of
    cells follow as one-hot; a space without cells has nothing else.

    space: the space whose architectures are meant.
    """

    @cached_property
    def cells(self) -> Cells:
        return cells_of(self.space)

    @cached_property
    def _columns(self) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        """Width, the first column of each slot's pair, and for each slot's options: column offset, whether an edge."""
        cells = self.cells
        first: dict[tuple[int, int, int], int] = {}
        width = 0
        for each in cells.slots:
            pair = (each.cell, each.source, each.target)
            if pair not in first:
                first[pair] = width
                width += 1 + len(cells.operations(each.cell))
        most = max((len(each.labels) for each in cells.slots), default=0)
        offsets, passes = np.zeros((len(cells.slots), most), np.int64), np.zeros((len(cells.slots), most), np.float32)
        for number, slot in enumerate(cells.slots):
            known = cells.operations(slot.cell)
            for option, label in enumerate(slot.labels):
                offsets[number, option] = 1 + known.index(label)
                passes[number, option] = label not in NOTHING
        starts = np.array([first[each.cell, each.source, each.target] for each in cells.slots], np.int64)
        return width, starts, offsets, passes

    @property
    def dimension(self) -> int:
        if self._vertices:
            sizes = self.space.decisions.sizes
            return len(self._vertices.edges) + sum(sizes[place] for place in self._others)
        return self._columns[0] + sum(self.space.decisions.sizes[place] for place in self.cells.rest)

    @cached_property
    def _vertices(self) -> Vertices | None:
        return vertices_of(self.space)

    @cached_property
    def _others(self) -> list[int]:
        """Places of the decisions that are not on edges, where operations are on vertices."""
        return [*self._vertices.vertices.values(), *self._vertices.rest] if self._vertices else []

    def rows(self, points: np.ndarray) -> np.ndarray:
        if self._vertices:
            edges = points[:, list(self._vertices.edges.values())].astype(np.float32)
            sizes = [self.space.decisions.sizes[place] for place in self._others]
            return np.concatenate((edges, one_hot_rows(points[:, self._others], sizes)), axis=1)
        width, starts, offsets, passes = self._columns
        rest = list(self.cells.rest)
        outside = one_hot_rows(points[:, rest], [self.space.decisions.sizes[place] for place in rest])
        matrix = np.zeros((len(points), width), np.float32)
        option, there = self.cells.options(points)
        example, slot = np.nonzero(there)
        chosen = option[example, slot]
        np.add.at(matrix, (example, starts[slot]), passes[slot, chosen])
        np.add.at(matrix, (example, starts[slot] + offsets[slot, chosen]), 1.0)
        return np.concatenate((matrix, outside), axis=1)
