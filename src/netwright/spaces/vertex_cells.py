"""Cells of so many vertices at most, with operations on the inner ones, as points: which are allowed, and their forms.

A point has a decision for each pair of vertices (is there an edge), row by row of the upper triangle, then one for the
operation of each inner vertex. Vertex 0 is the input, the last one the output (Ying et al. 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

from netwright.core.decisions import Point
from netwright.core.errors import InvalidArchitecture, OutsideSpace, nearest
from netwright.core.restricted import Restriction
from netwright.spaces.graph_cells import LabelledGraph, canonical, pruned

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
MOST_VERTICES = 7
MOST_EDGES = 9
_KEPT = 1 << 16


@dataclass(frozen=True)
class CellSize:
    """How large cells may be.

    vertices: input and output among them.
    edges: at most on paths from input to output.
    """

    vertices: int = MOST_VERTICES
    edges: int = MOST_EDGES

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Every pair of vertices between which an edge may be, row by row of the upper triangle."""
        return _pairs(self.vertices)

    @property
    def output(self) -> int:
        return self.vertices - 1

    # Points.

    def pruned(self, point: Point) -> LabelledGraph:
        """The cell without what has no effect; InvalidArchitecture where no path leads from input to output."""
        found = pruned(self.whole(point))
        if found is None:
            raise InvalidArchitecture("no path leads from input to output of this cell")
        return found

    def whole(self, point: Point) -> LabelledGraph:
        pairs = self.pairs
        edges = frozenset(edge for edge, there in zip(pairs, point, strict=False) if there)
        return LabelledGraph(edges, tuple(point[len(pairs) :]))

    def embedded(self, graph: LabelledGraph) -> Point:
        """A graph of no more vertices as a point: its output becomes the last one, what is not there has no edges."""
        last, output = graph.vertices - 1, self.output
        there = {(a, output if b == last else b) for a, b in graph.edges}
        labels = (*graph.labels, *[0] * (output - 1 - len(graph.labels)))
        return (*(int(edge in there) for edge in self.pairs), *labels)

    def fitted(self, graph: LabelledGraph) -> Point:
        """The point of a graph; of one with more vertices its pruned form.

        Raises OutsideSpace for a cell of the benchmark that is too large, InvalidArchitecture for what is no cell.
        """
        small = pruned(graph)
        if small is None:
            raise InvalidArchitecture("no path leads from input to output of this cell")
        known = len(small.edges) <= MOST_EDGES
        if small.vertices > self.vertices or (known and len(small.edges) > self.edges):
            kind = OutsideSpace if known else InvalidArchitecture
            raise kind(
                f"the cell has {small.vertices} vertices and {len(small.edges)} edges on paths from input to output, "
                f"but those of this space have at most {self.vertices} and {self.edges}"
            )
        return self.embedded(graph if graph.vertices <= self.vertices else small)

    def canonical(self, point: Point) -> Point:
        """The point that stands for all with the same network."""
        return _canonical(self, point)

    def of_matrix(self, matrix: Sequence[Sequence[int]], operations: Sequence[str]) -> Point:
        """The point of an adjacency matrix and its operations, which may break the limit on edges."""
        count = len(matrix)
        if not 2 <= count <= MOST_VERTICES or any(len(row) != count for row in matrix):
            raise InvalidArchitecture(f"expected a square matrix of 2 to {MOST_VERTICES} vertices, found {count} rows")
        if len(operations) != count:
            raise InvalidArchitecture(f"the matrix has {count} vertices, but there are {len(operations)} operations")
        if any(matrix[a][b] for a in range(count) for b in range(a + 1)):
            raise InvalidArchitecture(
                "an edge leads to the same or an earlier vertex; the matrix must be upper triangular"
            )
        odd = [each for row in matrix for each in row if each not in (0, 1)]
        if odd:
            raise InvalidArchitecture(f"the entries of the matrix are 0 and 1, found {odd[0]!r}")
        edges = frozenset((a, b) for a in range(count) for b in range(count) if matrix[a][b])
        return self.fitted(LabelledGraph(edges, tuple(_number(each) for each in operations[1:-1])))

    # Text.

    def of_text(self, text: str) -> Point:
        """The point of the digits of an upper triangle and of the operations, for a cell of any number of vertices."""
        bits, *operations = text.split() or [""]
        count = len(operations) + 2
        if set(bits) - {"0", "1"} or count > MOST_VERTICES or len(bits) != len(_pairs(count)):
            raise InvalidArchitecture(
                f"expected {len(self.pairs)} digits 0 and 1 (the upper triangle, row by row) and {self.output - 1} "
                f"operations, found {text[:200]!r}"
            )
        point = (*map(int, bits), *map(_number, operations))
        return point if count == self.vertices and not self._too_large(point) else self._moved(point, count)

    def _too_large(self, point: Point) -> bool:
        return self.edges < MOST_EDGES and self.edges < masks(point, self.pairs, self.output)[1] <= MOST_EDGES

    def _moved(self, point: Point, vertices: int) -> Point:
        """The point of the same cell, given as one of a space of so many vertices."""
        return self.fitted(CellSize(vertices).whole(point))

    def text(self, point: Point) -> str:
        edges = len(self.pairs)
        return " ".join(("".join(map(str, point[:edges])), *(OPERATIONS[option] for option in point[edges:])))


@lru_cache
def _pairs(vertices: int) -> tuple[tuple[int, int], ...]:
    return tuple(combinations(range(vertices), 2))


@lru_cache(_KEPT)
def _canonical(size: CellSize, point: Point) -> Point:
    return size.embedded(canonical(size.pruned(point)))


def _number(operation: Any) -> int:
    if operation not in OPERATIONS:
        raise InvalidArchitecture(f"there is no operation {operation!r}{nearest(operation, OPERATIONS)}")
    return OPERATIONS.index(operation)


class FewEdges(Restriction):
    """A path from input to output, and at most so many edges on such paths."""

    def __init__(self, size: CellSize) -> None:
        self.size = size
        self.leading = len(size.pairs)
        self._pairs, self._output = size.pairs, size.output

    def reason(self, point: Sequence[int]) -> str:
        kept, count = masks(point, self._pairs, self._output)
        if not kept:
            return "no path leads from input to output"
        most = self.size.edges
        return f"{count} edges lie on paths from input to output, at most {most} may" if count > most else ""

    def allowed(self) -> NDArray[np.bool_]:
        return _allowed_matrices(self.size)


def masks(point: Sequence[int], pairs: Sequence[tuple[int, int]], output: int) -> tuple[int, int]:
    """The vertices on paths from input to output, as bits, and the number of edges among them; 0, 0 without a path."""
    rows = [0] * (output + 1)
    for option, (a, b) in zip(point, pairs, strict=False):
        if option:
            rows[a] |= 1 << b
    forward = 1
    for vertex in range(output):
        if forward >> vertex & 1:
            forward |= rows[vertex]
    if not forward >> output & 1:
        return 0, 0
    backward = 1 << output
    for vertex in range(output - 1, -1, -1):
        if rows[vertex] & backward:
            backward |= 1 << vertex
    kept = forward & backward
    return kept, sum((rows[vertex] & kept).bit_count() for vertex in range(output) if kept >> vertex & 1)


@lru_cache(4)
def _allowed_matrices(size: CellSize) -> NDArray[np.bool_]:
    """`masks` of all matrices at once; the first edge is the highest bit of a matrix's number."""
    import numpy as np

    pairs, vertices, output = size.pairs, size.vertices, size.output
    numbers = np.arange(1 << len(pairs), dtype=np.uint32)
    edge = {pair: (numbers >> (len(pairs) - 1 - i) & 1).astype(bool) for i, pair in enumerate(pairs)}
    forward = [np.ones_like(edge[0, 1])]
    for b in range(1, vertices):
        forward.append(np.logical_or.reduce([forward[a] & edge[a, b] for a in range(b)]))
    backward = {output: np.ones_like(edge[0, 1])}
    for a in range(output - 1, -1, -1):
        backward[a] = np.logical_or.reduce([backward[b] & edge[a, b] for b in range(a + 1, vertices)])
    kept = [forward[v] & backward[v] for v in range(vertices)]
    count = np.zeros(len(numbers), dtype=np.uint8)
    for (a, b), there in edge.items():
        count += there & kept[a] & kept[b]
    return kept[0] & (count <= size.edges)
