"""The space of NAS-Bench-101: one cell of up to seven vertices and nine edges (Ying et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from typing import ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.graph import Edge, Graph, Node
from netwright.core.restricted import Restriction
from netwright.core.serial import parse_json
from netwright.core.space import text_of
from netwright.core.task import TaskShape
from netwright.core.vertex_graph import Pair, VertexGraph, on_paths
from netwright.networks.blocks import conv_bn
from netwright.networks.graph_cell import GraphCell, OneShotGraphCell, shared_channels
from netwright.networks.heads import pooled_classifier
from netwright.networks.operations import max_pool, relu_conv_norm
from netwright.spaces.graph_cells import LabelledGraph, module_hash
from netwright.spaces.vertex_cells import MOST_EDGES, MOST_VERTICES, OPERATIONS, CellSize, FewEdges

PROVIDES = ("space.free_dag",)


class NasBench101(DecisionSpace):
    """Three stacks of three equal cells; between the stacks the resolution is halved and the channels doubled.

    channels: of the stem and the first stack, at least one for each inner vertex.
    stacks, modules: how many stacks, and cells in each.
    vertices: of a cell, input and output among them, 2 to 7.
    edges: at most on paths from input to output, 1 to 21.
    one_shot: the networks of NAS-Bench-1Shot1 (Zela et al. 2020) instead, which have mixtures, too.

    With the defaults these are the benchmark's networks, but for the momentum of the normalisations, which is
    PyTorch's.

    There is a decision for each pair of vertices, 21 of seven, and one for the operation of each inner vertex. A path
    must lead from input to output, and at most nine edges may lie on such paths; other vertices and edges have no
    effect. That makes 423,624 distinct cells (`canonical`). `str(architecture)` is the upper triangle of the adjacency
    matrix, row by row, and the operations of the inner vertices: "111111011111011100000 conv3x3-bn-relu
    maxpool3x3 ...". A cell of fewer or more vertices is read in the same form, where what has an effect in it fits; a
    smaller space takes the rows that do from a table for the whole one.

    The edges decide how many channels each vertex has. In a network of all architectures (a supernet) an architecture
    takes the first channels of each operation, so that its path is its own network; a mixture of all has no sizes and
    is refused.

    In the networks of `one_shot` every vertex has `channels`, the output has a place for each inner vertex and so as
    many times the channels, filled with zeros where there is no edge, and a 1x1 convolution goes before the classifier.
    Other than there each edge is a decision by itself, where the authors take a softmax over what a vertex may read.
    """

    called = "nasbench101"

    channels: int = 128
    stacks: int = 3
    modules: int = 3
    vertices: int = MOST_VERTICES
    edges: int = MOST_EDGES
    one_shot: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.vertices <= MOST_VERTICES:
            raise ConfigurationError(f"NasBench101 needs vertices from 2 to {MOST_VERTICES}, found {self.vertices}")
        most = len(self.size_of_cells.pairs)
        if not 1 <= self.edges <= max(most, MOST_EDGES):
            raise ConfigurationError(
                f"NasBench101 needs edges from 1 to {most}, as many as {self.vertices} vertices can have, found "
                f"{self.edges}"
            )
        for name, least in (("channels", max(1, self.vertices - 2)), ("stacks", 1), ("modules", 1)):
            if getattr(self, name) < least:
                raise ConfigurationError(f"NasBench101 needs {name} of at least {least}, found {getattr(self, name)}")

    width_parameter: ClassVar[str] = "channels"

    @cached_property
    def size_of_cells(self) -> CellSize:
        return CellSize(self.vertices, self.edges)

    @cached_property
    def id(self) -> str:
        """That of the decisions, and the limit on edges where it is another one than the benchmark's."""
        plain: str = super().id
        same = min(self.edges, len(self.size_of_cells.pairs)) == min(MOST_EDGES, len(self.size_of_cells.pairs))
        return plain if same else f"{plain}-{self.edges}edges"

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        width = self.channels
        blocks: list[nn.Module] = [conv_bn(shape.channels, width, 3)]
        inputs = width
        for stack in range(self.stacks):
            if stack:
                blocks.append(nn.MaxPool2d(2, 2, ceil_mode=True))
                width *= 2
            for _ in range(self.modules):
                parts = _Parts(choose, self.vertices, inputs, width, self.one_shot)
                blocks.append(choose.vertices(parts))
                inputs = parts.most(self.vertices - 1)
        if self.one_shot:
            blocks.append(relu_conv_norm(inputs, width, 1))
        return nn.Sequential(*blocks, pooled_classifier(width, shape.classes))

    def tracing_twin(self) -> DecisionSpace:
        return self.replace(channels=max(1, self.vertices - 2), stacks=1, modules=1)

    def restriction(self) -> Restriction:
        return FewEdges(self.size_of_cells)

    # Architectures as graphs.

    def canonical(self, architecture: Architecture) -> Architecture:
        """The representative of the isomorphic cells: pruned, and its vertices in a canonical order.

        Where channels cannot be shared out evenly, the first vertices get one more, so that the networks of isomorphic
        cells may differ by a channel; the benchmark has trained one of them.
        """
        self.require_own(architecture)
        return architecture.space.from_content(self.size_of_cells.canonical(architecture.content), check=False)

    def cell(self, architecture: Architecture) -> LabelledGraph:
        """The cell without what has no effect; labels are numbers in `OPERATIONS`."""
        self.require_own(architecture)
        return self.size_of_cells.pruned(architecture.content)

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
        point = self.size_of_cells.of_matrix(matrix, operations)
        self.decisions.check(point)
        return Architecture(self, point)

    # Text.

    def format(self, architecture: Architecture) -> str:
        return self.size_of_cells.text(architecture.content)

    def parse(self, text: str) -> Architecture:
        """Read `str(architecture)`, JSON, or the benchmark's JSON of `module_adjacency` and `module_operations`.

        Raises InvalidArchitecture, or UserError for broken JSON.
        """
        text = text_of(text).strip()
        if not text.startswith(("{", "[")):
            point = self.size_of_cells.of_text(text)
            self.decisions.check(point)
            return Architecture(self, point)
        data = parse_json(text)
        if isinstance(data, dict) and "module_adjacency" in data and "module_operations" in data:
            return self.from_matrix(data["module_adjacency"], data["module_operations"])
        return super().parse(text)


class _Parts:
    """What a cell of this space is made of; vertices that have no effect are asked for, and left out."""

    def __init__(self, choose: Choose, vertices: int, inputs: int, channels: int, one_shot: bool) -> None:
        self.vertices, self.shared = vertices, not one_shot
        self._choose, self._inputs, self._channels = choose, inputs, channels
        self.graph = partial(_one_shot_graph if one_shot else _graph, channels, vertices - 1)

    def most(self, vertex: int) -> int:
        output = vertex == self.vertices - 1
        return self._channels * max(1, self.vertices - 2) if output and not self.shared else self._channels

    def operation(self, vertex: int, channels: int) -> nn.Module:
        return self._choose.one(
            f"vertex{vertex}",
            {
                OPERATIONS[0]: lambda: conv_bn(channels, channels, 3),
                OPERATIONS[1]: lambda: conv_bn(channels, channels, 1),
                OPERATIONS[2]: lambda: max_pool(3),
            },
        )

    def projection(self, channels: int) -> nn.Module:
        return conv_bn(self._inputs, channels, 1)

    def cell(
        self, graph: VertexGraph, operations: Mapping[int, nn.Module], projections: Mapping[int, nn.Module]
    ) -> nn.Module:
        kept = sorted(graph.widths)
        place = {vertex: i for i, vertex in enumerate(kept)}
        inner = [operations[vertex] for vertex in kept]
        moved = {place.get(vertex, len(kept)): module for vertex, module in projections.items()}
        reads = [[place[other] for other in graph.reads[vertex]] for vertex in kept]
        widths = [graph.widths[vertex] for vertex in kept]
        if self.shared:
            return GraphCell(inner, moved, reads, [place[vertex] for vertex in graph.joined], widths)
        places = [place[vertex] if vertex in graph.joined else None for vertex in range(1, self.vertices - 1)]
        return OneShotGraphCell(inner, moved, reads, places or [None], widths, self._channels)


@lru_cache(1 << 12)
def _graph(channels: int, output: int, edges: tuple[Pair, ...]) -> VertexGraph:
    """Vertices before the output share its channels, the others have as many as they feed."""
    kept = on_paths(edges, output)
    feeds = {v: [b for a, b in edges if a == v and b in kept] for v in range(1, output) if v in kept}
    reads = {v: tuple(a for a, b in edges if b == v and a in feeds) for v in feeds}
    projected = tuple(b for a, b in edges if a == 0 and b in kept)
    joined = tuple(v for v in feeds if output in feeds[v])
    return VertexGraph(shared_channels(channels, feeds, output), reads, projected, joined)


@lru_cache(1 << 12)
def _one_shot_graph(channels: int, output: int, edges: tuple[Pair, ...]) -> VertexGraph:
    """All vertices have the same channels."""
    graph = _graph(channels, output, edges)
    return replace(graph, widths=dict.fromkeys(graph.widths, channels))
