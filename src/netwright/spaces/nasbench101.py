"""The space of NAS-Bench-101: one cell of up to seven vertices and nine edges (Ying et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.decisions import Point
from netwright.core.errors import ConfigurationError, InvalidArchitecture, nearest
from netwright.core.graph import Edge, Graph, Node
from netwright.core.restricted import Restriction
from netwright.core.serial import parse_json
from netwright.core.space import Space, text_of
from netwright.core.task import TaskShape
from netwright.networks.blocks import conv_bn
from netwright.networks.graph_cell import GraphCell, shared_channels
from netwright.networks.heads import pooled_classifier
from netwright.networks.operations import max_pool
from netwright.spaces.graph_cells import LabelledGraph, canonical, module_hash, pruned

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
VERTICES = 7
OUTPUT = VERTICES - 1
MOST_EDGES = 9
EDGES = tuple(combinations(range(VERTICES), 2))  # row by row of the upper triangle
_KEPT = 1 << 16


class NasBench101(Space):
    """Three stacks of three equal cells; between the stacks the resolution is halved and the channels doubled.

    channels: of the stem and the first stack, at least 5. stacks, modules: how many stacks, and cells in each. With the
    defaults these are the benchmark's networks, but for the momentum of the normalisations, which is PyTorch's.

    There are 21 decisions on edges and 5 on operations. A path must lead from input to output, and at most nine edges
    may lie on such paths; other vertices and edges have no effect. That makes 423,624 distinct cells (`canonical`).
    `str(architecture)` is the upper triangle of the adjacency matrix, row by row, and the operations of the five inner
    vertices: "111111011111011100000 conv3x3-bn-relu maxpool3x3 ...".

    The edges decide how many channels each vertex has, so that the space has no supernet.
    """

    channels: int = 128
    stacks: int = 3
    modules: int = 3

    def __post_init__(self) -> None:
        for name, least in (("channels", 5), ("stacks", 1), ("modules", 1)):
            if getattr(self, name) < least:
                raise ConfigurationError(f"NasBench101 needs {name} of at least {least}, found {getattr(self, name)}")

    width_parameter: ClassVar[str] = "channels"

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        width = self.channels
        blocks: list[nn.Module] = [conv_bn(shape.channels, width, 3)]
        inputs = width
        for stack in range(self.stacks):
            if stack:
                blocks.append(nn.MaxPool2d(2, 2, ceil_mode=True))
                width *= 2
            for _ in range(self.modules):
                blocks.append(_cell(choose, inputs, width))
                inputs = width
        return nn.Sequential(*blocks, pooled_classifier(width, shape.classes))

    def tracing_twin(self) -> Space:
        return self.replace(channels=5, stacks=1, modules=1)

    def restriction(self) -> Restriction:
        return _FewEdges()

    # Architectures as graphs.

    def canonical(self, architecture: Architecture) -> Architecture:
        """The representative of the isomorphic cells: pruned, and its vertices in a canonical order.

        Where channels cannot be shared out evenly, the first vertices get one more, so that the networks of isomorphic
        cells may differ by a channel; the benchmark has trained one of them.
        """
        self.require_own(architecture)
        return Architecture(architecture.space, canonical_point(architecture.point))

    def cell(self, architecture: Architecture) -> LabelledGraph:
        """The cell without what has no effect; labels are numbers in `OPERATIONS`."""
        self.require_own(architecture)
        return _pruned(architecture.point)

    def module_hash(self, architecture: Architecture) -> str:
        """The name that the benchmark gives to this network."""
        return module_hash(self.cell(architecture))

    def graph(self, architecture: Architecture) -> Graph:
        """The cell without what has no effect: operations on nodes, plain edges."""
        cell = self.cell(architecture)
        inner = [Node(f"vertex{i}", OPERATIONS[label], "cell") for i, label in enumerate(cell.labels, start=1)]
        nodes = (Node("input", "", "cell"), *inner, Node("output", "", "cell"))
        return Graph(nodes, tuple(Edge(nodes[a].name, nodes[b].name) for a, b in sorted(cell.edges)))

    def from_matrix(self, matrix: Sequence[Sequence[int]], operations: Sequence[str]) -> Architecture:
        """The architecture of an adjacency matrix of 2 to 7 vertices and as many operations, as the benchmark has them.

        The first and the last operation are those of input and output, and are not looked at. Raises
        InvalidArchitecture for what is no cell of this space.
        """
        point = point_of_matrix(matrix, operations)
        self.decisions.check(point)
        return Architecture(self, point)

    # Text.

    def format(self, architecture: Architecture) -> str:
        point = architecture.point
        bits = "".join(map(str, point[: len(EDGES)]))
        return " ".join((bits, *(OPERATIONS[option] for option in point[len(EDGES) :])))

    def parse(self, text: str) -> Architecture:
        """Read `str(architecture)`, JSON, or the benchmark's JSON of `module_adjacency` and `module_operations`.

        Raises InvalidArchitecture, or UserError for broken JSON.
        """
        text = text_of(text).strip()
        if not text.startswith(("{", "[")):
            point = _point_of_text(text)
            self.decisions.check(point)
            return Architecture(self, point)
        data = parse_json(text)
        if isinstance(data, dict) and "module_adjacency" in data and "module_operations" in data:
            return self.from_matrix(data["module_adjacency"], data["module_operations"])
        return super().parse(text)


def _cell(choose: Choose, inputs: int, channels: int) -> GraphCell:
    """One cell; vertices that have no effect are asked for, and left out."""
    taken = [choose.value(f"edge{a}_{b}", (0, 1)) for a, b in EDGES]
    edges = [edge for edge, there in zip(EDGES, taken, strict=True) if there]
    kept = _on_paths(edges)
    feeds = {v: [b for a, b in edges if a == v and b in kept] for v in range(1, OUTPUT) if v in kept}
    widths = shared_channels(channels, feeds, OUTPUT)
    place = {vertex: i for i, vertex in enumerate(sorted(feeds))}
    operations = [_operation(choose, vertex, widths.get(vertex, 1)) for vertex in range(1, OUTPUT)]
    readers = [b for a, b in edges if a == 0 and b in kept]
    projections = {
        place.get(vertex, len(place)): conv_bn(inputs, widths.get(vertex, channels), 1) for vertex in readers
    }
    reads = [[place[a] for a, b in edges if b == vertex and a in place] for vertex in sorted(feeds)]
    output = [place[vertex] for vertex in sorted(feeds) if OUTPUT in feeds[vertex]]
    inner = [operations[vertex - 1] for vertex in sorted(feeds)]
    return GraphCell(inner, projections, reads, output, [widths[vertex] for vertex in sorted(feeds)])


def _operation(choose: Choose, vertex: int, channels: int) -> nn.Module:
    return choose.one(
        f"vertex{vertex}",
        {
            OPERATIONS[0]: lambda: conv_bn(channels, channels, 3),
            OPERATIONS[1]: lambda: conv_bn(channels, channels, 1),
            OPERATIONS[2]: lambda: max_pool(3),
        },
    )


def _on_paths(edges: Sequence[tuple[int, int]]) -> set[int]:
    """The vertices on paths from input to output."""
    forward, backward = {0}, {OUTPUT}
    for source, target in edges:  # row by row: every edge into a vertex comes before those out of it
        if source in forward:
            forward.add(target)
    for source, target in sorted(edges, key=lambda edge: edge[0], reverse=True):
        if target in backward:
            backward.add(source)
    return forward & backward


class _FewEdges(Restriction):
    """A path from input to output, and at most nine edges on such paths."""

    leading = len(EDGES)

    def reason(self, point: Sequence[int]) -> str:
        kept, count = _masks(point)
        if not kept:
            return "no path leads from input to output"
        return (
            f"{count} edges lie on paths from input to output, at most {MOST_EDGES} may" if count > MOST_EDGES else ""
        )

    def allowed(self) -> NDArray[np.bool_]:
        return _allowed_matrices()


def _masks(point: Sequence[int]) -> tuple[int, int]:
    """The vertices on paths from input to output, as bits, and the number of edges among them; 0, 0 without a path."""
    rows = [0] * VERTICES
    for option, (a, b) in zip(point, EDGES, strict=False):
        if option:
            rows[a] |= 1 << b
    forward = 1
    for vertex in range(OUTPUT):
        if forward >> vertex & 1:
            forward |= rows[vertex]
    if not forward >> OUTPUT & 1:
        return 0, 0
    backward = 1 << OUTPUT
    for vertex in range(OUTPUT - 1, -1, -1):
        if rows[vertex] & backward:
            backward |= 1 << vertex
    kept = forward & backward
    return kept, sum((rows[vertex] & kept).bit_count() for vertex in range(OUTPUT) if kept >> vertex & 1)


@lru_cache(1)
def _allowed_matrices() -> NDArray[np.bool_]:
    """`_masks` of all 2^21 matrices at once; the first edge is the highest bit of a matrix's number."""
    import numpy as np

    numbers = np.arange(1 << len(EDGES), dtype=np.uint32)
    edge = {pair: (numbers >> (len(EDGES) - 1 - i) & 1).astype(bool) for i, pair in enumerate(EDGES)}
    forward = [np.ones_like(edge[0, 1])]
    for b in range(1, VERTICES):
        forward.append(np.logical_or.reduce([forward[a] & edge[a, b] for a in range(b)]))
    backward = {OUTPUT: np.ones_like(edge[0, 1])}
    for a in range(OUTPUT - 1, -1, -1):
        backward[a] = np.logical_or.reduce([backward[b] & edge[a, b] for b in range(a + 1, VERTICES)])
    kept = [forward[v] & backward[v] for v in range(VERTICES)]
    count = np.zeros(len(numbers), dtype=np.uint8)
    for (a, b), there in edge.items():
        count += there & kept[a] & kept[b]
    return kept[0] & (count <= MOST_EDGES)


# Points.


def _pruned(point: Point) -> LabelledGraph:
    edges = frozenset(edge for edge, there in zip(EDGES, point, strict=False) if there)
    found = pruned(LabelledGraph(edges, tuple(point[len(EDGES) :])))
    if found is None:
        raise InvalidArchitecture("no path leads from input to output of this cell")
    return found


@lru_cache(_KEPT)
def canonical_point(point: Point) -> Point:
    """The point that stands for all with the same network."""
    return _embedded(canonical(_pruned(point)))


def _embedded(graph: LabelledGraph) -> Point:
    """A graph of fewer vertices as a point: its output becomes the last vertex, what is not there has no edges."""
    last = graph.vertices - 1
    there = {(a, OUTPUT if b == last else b) for a, b in graph.edges}
    labels = (*graph.labels, *[0] * (OUTPUT - 1 - len(graph.labels)))
    return (*(int(edge in there) for edge in EDGES), *labels)


def point_of_matrix(matrix: Sequence[Sequence[int]], operations: Sequence[str]) -> Point:
    """The point of an adjacency matrix and its operations, which may break the limit on edges."""
    count = len(matrix)
    if not 2 <= count <= VERTICES or any(len(row) != count for row in matrix):
        raise InvalidArchitecture(f"expected a square matrix of 2 to {VERTICES} vertices, found {count} rows")
    if len(operations) != count:
        raise InvalidArchitecture(f"the matrix has {count} vertices, but there are {len(operations)} operations")
    if any(matrix[a][b] for a in range(count) for b in range(a + 1)):
        raise InvalidArchitecture("an edge leads to the same or an earlier vertex; the matrix must be upper triangular")
    odd = [each for row in matrix for each in row if each not in (0, 1)]
    if odd:
        raise InvalidArchitecture(f"the entries of the matrix are 0 and 1, found {odd[0]!r}")
    edges = frozenset((a, b) for a in range(count) for b in range(count) if matrix[a][b])
    return _embedded(LabelledGraph(edges, tuple(_number(each) for each in operations[1:-1])))


def _number(operation: Any) -> int:
    if operation not in OPERATIONS:
        raise InvalidArchitecture(f"there is no operation {operation!r}{nearest(operation, OPERATIONS)}")
    return OPERATIONS.index(operation)


def _point_of_text(text: str) -> Point:
    bits, *operations = text.split()
    if len(bits) != len(EDGES) or set(bits) - {"0", "1"} or len(operations) != OUTPUT - 1:
        raise InvalidArchitecture(
            f"expected {len(EDGES)} digits 0 and 1 (the upper triangle, row by row) and {OUTPUT - 1} operations, "
            f"found {text[:200]!r}"
        )
    return (*map(int, bits), *map(_number, operations))
