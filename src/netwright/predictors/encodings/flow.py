"""What flows through a cell: statistics of all its paths and of the edges that they use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from netwright.predictors.encodings.cells import NOTHING, Cells, cells_of
from netwright.predictors.encodings.encoding import Encoding, one_hot_rows

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.predictors.encodings.graph_flow import GraphFlow

IDENTITY = frozenset({"skip_connect", "identity", "skip", "Identity"})
STANDARD = 512  # random architectures whose columns have mean 0 and deviation 1


class Flow(Encoding):
    """For each cell and each kind of operation: how often it is used, and how often on the paths from input to output.

    Edges that pass nothing on ("none") and those on no path from an input to an output are left out, so cells that
    compute the same have the same row. The kinds are each operation by itself, all of them (so that a path's count
    is its length), those that compute something, and those with weights (neither identity nor pooling). For each kind:
    the edges in use; its largest and smallest count on a path, -1 where there is no path; its sum over all paths; and
    the paths without it. With them goes the number of paths. Columns are brought to mean 0 and deviation 1 over
    512 random architectures of the space.

    Cells with operations on vertices, as in NAS-Bench-101, and spaces that draw a graph of their own (`Space.graph`)
    have the same statistics of each architecture's graph, and how many links there are. Decisions outside of cells and
    graphs follow as one-hot, and for those that are asked repeatedly ("block/0/kernel",
    "block/1/kernel") how often each option is taken. Not from a paper; docs/predictors.md says what it is worth.

    space: the space whose architectures are meant.
    """

    def __init__(self, space: DecisionSpace) -> None:
        super().__init__(space)
        self._standard: tuple[np.ndarray, np.ndarray] | None = None

    @cached_property
    def cells(self) -> Cells:
        return cells_of(self.space)

    @cached_property
    def _graphs(self) -> tuple[GraphFlow, tuple[int, ...]] | None:
        """For a space whose graphs are drawn one by one what says their columns, and the other decisions' places."""
        if self.cells.slots:
            return None
        from netwright.predictors.encodings.graph_flow import drawn_graphs  # which needs the kernels' graphs

        return drawn_graphs(self.space)

    @cached_property
    def _rest(self) -> tuple[int, ...]:
        return self._graphs[1] if self._graphs else self.cells.rest

    @cached_property
    def _kinds(self) -> list[np.ndarray]:
        """For each cell the kinds that each operation belongs to, 0 or 1; float32 (operations, kinds)."""
        return [_kinds(self.cells.operations(cell)) for cell in range(len(self.cells.states))]

    @cached_property
    def _repeated(self) -> list[tuple[list[int], int]]:
        """Places of decisions that are one asked repeatedly, with their number of options."""
        groups: dict[tuple[str, int], list[int]] = {}
        for place in self._rest:
            decision = self.space.decisions[place]
            name = "/".join(part for part in decision.name.split("/") if not part.isdecimal())
            groups.setdefault((name, len(decision.options)), []).append(place)
        return [(places, size) for (_, size), places in groups.items() if len(places) > 1]

    @cached_property
    def dimension(self) -> int:
        sizes = self.space.decisions.sizes
        cells = sum(1 + 5 * kinds.shape[1] for kinds in self._kinds)
        graphs = self._graphs[0].dimension if self._graphs else 0
        return cells + graphs + sum(sizes[place] for place in self._rest) + sum(size for _, size in self._repeated)

    def rows(self, points: np.ndarray) -> np.ndarray:
        mean, deviation = self._scales()
        return (self._raw(points) - mean) / deviation

    def _scales(self) -> tuple[np.ndarray, np.ndarray]:
        if self._standard is None:
            rng = np.random.default_rng(0)
            points = [self.space.decisions.draw(rng) for _ in range(STANDARD)]
            raw = self._raw(np.array(points, np.int64).reshape(STANDARD, len(self.space.decisions)))
            deviation = raw.std(axis=0)
            self._standard = raw.mean(axis=0), np.where(deviation > 1e-6, deviation, 1.0).astype(np.float32)
        return self._standard

    def _raw(self, points: np.ndarray) -> np.ndarray:
        option, there = self.cells.options(points)
        parts = [self._cell(cell, option, there) for cell in range(len(self.cells.states))]
        parts += [self._graphs[0].rows(points)] if self._graphs else []
        rest, sizes = list(self._rest), self.space.decisions.sizes
        parts.append(one_hot_rows(points[:, rest], [sizes[place] for place in rest]))
        for places, size in self._repeated:
            parts.append((points[:, places, None] == np.arange(size)).sum(axis=1).astype(np.float32))
        return np.concatenate(parts, axis=1)

    def _cell(self, cell: int, option: np.ndarray, there: np.ndarray) -> np.ndarray:
        """One cell's columns, by following its paths from state to state for all rows at once."""
        cells, kinds = self.cells, self._kinds[cell]
        known = cells.operations(cell)
        own = sorted(
            (k for k, each in enumerate(cells.slots) if each.cell == cell), key=lambda k: cells.slots[k].target
        )
        weight: dict[int, np.ndarray] = {}
        passes: dict[int, np.ndarray] = {}
        for k in own:
            operation = np.array([known.index(label) for label in cells.slots[k].labels])[option[:, k]]
            weight[k] = kinds[operation]
            open_labels = np.array([label not in NOTHING for label in cells.slots[k].labels])
            passes[k] = there[:, k] & open_labels[option[:, k]]
        flow = _Paths(cells, cell, own, weight, passes)
        return np.concatenate(
            [flow.number[:, None], flow.live, flow.most, flow.least, flow.total, flow.without], axis=1
        )


class _Paths:
    """Sums, extremes and counts over all paths of a cell from its inputs to its ends (dynamic programming)."""

    def __init__(
        self, cells: Cells, cell: int, own: list[int], weight: dict[int, np.ndarray], passes: dict[int, np.ndarray]
    ) -> None:
        n, kinds = weight[own[0]].shape
        states, inputs = len(cells.states[cell]), cells.inputs(cell)
        number = np.zeros((states, n), np.float32)
        total, without = np.zeros((states, n, kinds), np.float32), np.zeros((states, n, kinds), np.float32)
        most, least = np.full((states, n, kinds), -np.inf, np.float32), np.full((states, n, kinds), np.inf, np.float32)
        for state in inputs:
            number[state], most[state], least[state], without[state] = 1.0, 0.0, 0.0, 1.0
        for k in own:
            source, target, is_open = cells.slots[k].source, cells.slots[k].target, passes[k]
            wide = is_open[:, None]
            number[target] += number[source] * is_open
            total[target] += (total[source] + number[source][:, None] * weight[k]) * wide
            without[target] += without[source] * (weight[k] == 0) * wide
            most[target] = np.maximum(most[target], np.where(wide, most[source] + weight[k], -np.inf))
            least[target] = np.minimum(least[target], np.where(wide, least[source] + weight[k], np.inf))
        ends = list(cells.ends[cell])
        self.number, self.total, self.without = (each[ends].sum(axis=0) for each in (number, total, without))
        self.most, self.least = most[ends].max(axis=0), least[ends].min(axis=0)
        self.most[~np.isfinite(self.most)] = self.least[~np.isfinite(self.least)] = -1.0
        leads = np.zeros((states, n), bool)
        leads[ends] = True
        self.live = np.zeros((n, kinds), np.float32)
        for k in reversed(own):
            source, target = cells.slots[k].source, cells.slots[k].target
            onward = passes[k] & leads[target]
            leads[source] |= onward
            self.live += (onward & (number[source] > 0))[:, None] * weight[k]


def _kinds(operations: tuple[str, ...]) -> np.ndarray:
    columns = [[label == other for label in operations] for other in operations if other not in NOTHING]
    columns.append([True] * len(operations))
    columns.append([label not in IDENTITY for label in operations])
    columns.append([label not in IDENTITY and "pool" not in label for label in operations])
    return np.array(columns, np.float32).T
