"""Architectures as arrays of graphs whose nodes are operations, for graph convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from netwright.predictors.encodings.cells import NOTHING, Cells, cells_of

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace


class OperationGraphs:
    """Each cell with its inputs, its operations as nodes in the order of the flow, and its output.

    Operations on edges are nodes here (the line graph), as in the literature on NAS-Bench-201: each leads to those that
    read its target, unless one of the two passes nothing on ("none"). Decisions outside of cells are nodes too, in one
    chain of those that are active; of a space without cells they are all there is.
    """

    def __init__(self, space: DecisionSpace) -> None:
        self.space = space

    @cached_property
    def cells(self) -> Cells:
        return cells_of(self.space)

    @cached_property
    def _ports(self) -> list[tuple[int, int | None]]:
        """Each cell's inputs (cell, state) and its output (cell, None)."""
        cells = range(len(self.cells.states))
        return [(cell, state) for cell in cells for state in (*self.cells.inputs(cell), None)]

    @cached_property
    def _links(self) -> np.ndarray:
        """float32 (ports + slots) squared: which lead to which where both are there."""
        cells, ports, slots = self.cells, self._ports, self.cells.slots
        found = np.zeros((len(ports) + len(slots),) * 2, np.float32)
        for k, slot in enumerate(slots):
            here = len(ports) + k
            for p, (cell, state) in enumerate(ports):
                if cell == slot.cell and state == slot.source:
                    found[p, here] = 1.0
                if cell == slot.cell and state is None and slot.target in cells.ends[cell]:
                    found[here, p] = 1.0
            for other, next_slot in enumerate(slots):
                if next_slot.cell == slot.cell and next_slot.source == slot.target:
                    found[here, len(ports) + other] = 1.0
        return found

    @cached_property
    def _labels(self) -> list[str]:
        return list(dict.fromkeys(label for each in self.cells.slots for label in each.labels))

    @cached_property
    def _rest(self) -> tuple[list[int], np.ndarray]:
        """Places of decisions outside of cells, and the first column of each one's options."""
        rest = list(self.cells.rest)
        start = len(self._ports) + len(self.cells.states) + len(self._labels)
        sizes = [self.space.decisions.sizes[place] for place in rest]
        return rest, start + np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))

    @property
    def nodes(self) -> int:
        return len(self._ports) + len(self.cells.slots) + len(self.cells.rest)

    @property
    def features(self) -> int:
        return int(self._rest[1][-1])

    def arrays(self, architectures: Sequence[Architecture]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Adjacency (n, nodes, nodes) from source to target, features (n, nodes, features), and which nodes are there.

        All float32; nodes that are not there have no edges and no features. Raises InvalidArchitecture for another
        space's architectures.
        """
        points = np.array([self.space.indices(each) for each in architectures], np.int64)
        points = points.reshape(len(architectures), len(self.space.decisions))
        n, ports, slots = len(points), len(self._ports), len(self.cells.slots)
        option, is_there = self.cells.options(points)
        rest, starts = self._rest
        there = np.concatenate((np.ones((n, ports), bool), is_there, points[:, rest] >= 0), axis=1).astype(np.float32)
        features = np.zeros((n, self.nodes, self.features), np.float32)
        self._describe(features, option)
        for number, place in enumerate(rest):
            active = np.flatnonzero(points[:, place] >= 0)
            features[active, ports + slots + number, starts[number] + points[active, place]] = 1.0
        adjacency = np.zeros((n, self.nodes, self.nodes), np.float32)
        adjacency[:, : ports + slots, : ports + slots] = self._links
        adjacency[:, ports + slots :, ports + slots :] = chained(there[:, ports + slots :])
        passing = there.copy()
        passing[:, ports : ports + slots] *= self._passing(option)
        adjacency *= passing[:, :, None] * passing[:, None, :]
        return adjacency, features * there[:, :, None], there

    def _passing(self, option: np.ndarray) -> np.ndarray:
        """Whether the operation of each slot passes anything on; (n, slots)."""
        found = np.ones(option.shape, dtype=bool)
        for k, slot in enumerate(self.cells.slots):
            found[:, k] = np.array([label not in NOTHING for label in slot.labels])[option[:, k]]
        return found

    def _describe(self, features: np.ndarray, option: np.ndarray) -> None:
        """Which port a node is, or its cell and operation."""
        ports, cells = len(self._ports), len(self.cells.states)
        features[:, np.arange(ports), np.arange(ports)] = 1.0
        row = np.arange(len(features))
        for k, slot in enumerate(self.cells.slots):
            features[:, ports + k, ports + slot.cell] = 1.0
            columns = np.array([ports + cells + self._labels.index(label) for label in slot.labels])
            features[row, ports + k, columns[option[:, k]]] = 1.0


def chained(there: np.ndarray) -> np.ndarray:
    """Adjacency of the nodes that are there in one chain, in their order; float32 (n, nodes, nodes)."""
    place = np.cumsum(there, axis=1)
    return (place[:, None, :] == place[:, :, None] + 1).astype(np.float32)
