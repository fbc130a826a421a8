"""A cell with operations on vertices in a network of all architectures: every vertex, every edge.

An architecture takes of each operation the first channels, as many as its vertex has, so that its path is its own
network. Where all vertices have the same channels (NAS-Bench-1Shot1, Zela et al. 2020) a mixture can be computed: each
vertex sums what it may read, times the weight of the edge, and the output puts all of them side by side, each times
the weight of its edge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any, cast

import torch
from torch import Tensor, nn

from netwright.core.errors import UserError
from netwright.core.vertex_graph import GraphParts, Pair, VertexGraph
from netwright.supernets.elastic import Elastic
from netwright.supernets.selection import Selection

Graphs = Callable[[tuple[Pair, ...]], VertexGraph]


def graph_of(graphs: Graphs, names: Mapping[Pair, str], chosen: Mapping[str, Any]) -> VertexGraph:
    """The graph of an architecture."""
    return graphs(tuple(pair for pair, name in names.items() if chosen[name]))


class VertexWidth(Elastic, int):
    """The channels of a vertex, which follow from all edges of its cell."""

    def __new__(cls, most: int, graphs: Graphs, names: Mapping[Pair, str], vertex: int) -> VertexWidth:
        made = int.__new__(cls, most)
        made.arguments = (most, graphs, names, vertex)
        return made

    arguments: tuple[int, Graphs, Mapping[Pair, str], int]

    def __reduce__(self) -> Any:
        return VertexWidth, self.arguments

    def value(self, chosen: Mapping[str, Any]) -> int:
        _, graphs, names, vertex = self.arguments
        return graph_of(graphs, names, chosen).widths.get(vertex, 1)

    def values(self) -> Any:
        raise UserError(WITHOUT_MIXTURE)

    def _with(self, name: str, *parts: Any) -> Any:
        if name == "floordiv" and parts[0] is self and parts[1] == 1:  # a convolution of one group
            return self
        raise UserError("the width of a vertex can be the size of a layer only; it follows from the edges of its cell")


WITHOUT_MIXTURE = (
    "the channels of each vertex follow from the edges of its cell, so that a mixture of all architectures has no "
    "sizes; methods that draw one architecture a step can search this space (single-path-one-shot, asng, mdenas), and "
    "those that mix the networks of NAS-Bench-1Shot1, whose vertices are equally wide: "
    "NasBench101(one_shot=True), nasbench101:one_shot=true"
)


class OpenGraphCell(nn.Module):
    """All vertices of a cell; runs the selected architecture, or a mixture where all vertices are equally wide."""

    def __init__(
        self,
        parts: GraphParts,
        operations: Mapping[int, nn.Module],
        projections: Mapping[int, nn.Module],
        names: Mapping[Pair, str],
        selection: Selection,
    ) -> None:
        super().__init__()
        self.inner = nn.ModuleDict({str(vertex): module for vertex, module in operations.items()})
        self.projections = nn.ModuleDict({str(vertex): module for vertex, module in projections.items()})
        self.names, self.graphs, self.selection = dict(names), parts.graph, selection
        self.shared, self.output, self.width = parts.shared, parts.vertices - 1, parts.most(1) if operations else 0

    def chosen(self) -> VertexGraph:
        assert self.selection.chosen is not None
        return graph_of(self.graphs, self.names, self.selection.chosen)

    def kept(self) -> list[list[nn.Module]]:
        """The operations and the projections of the selected architecture, in the order of its own network."""
        graph = self.chosen()
        inner = [self.inner[str(vertex)] for vertex in sorted(graph.widths)]
        return [inner, [self.projections[str(vertex)] for vertex in graph.projected]]

    def forward(self, x: Tensor) -> Tensor:
        if self.selection.chosen is not None:
            return self._path(x, self.chosen())
        if self.shared:
            raise UserError(WITHOUT_MIXTURE)
        return self._mixture(x)

    def _path(self, x: Tensor, graph: VertexGraph) -> Tensor:
        states: dict[int, Tensor] = {}
        for vertex in sorted(graph.widths):
            terms = [states[other][:, : graph.widths[vertex]] for other in graph.reads[vertex]]
            if vertex in graph.projected:
                terms.append(self.projections[str(vertex)](x))
            states[vertex] = self.inner[str(vertex)](_sum(terms))
        past = [self.projections[str(self.output)](x)] if self.output in graph.projected else []
        return _sum([torch.cat(blocks, 1) for blocks in [self._blocks(x, states, graph)] if blocks] + past)

    def _blocks(self, x: Tensor, states: Mapping[int, Tensor], graph: VertexGraph) -> list[Tensor]:
        """What stands side by side in the output."""
        if self.shared:
            return [states[vertex] for vertex in graph.joined]
        empty = x.new_zeros(x.shape[0], self.width, *x.shape[2:])
        return [states[vertex] if vertex in graph.joined else empty for vertex in range(1, self.output)]

    def _mixture(self, x: Tensor) -> Tensor:
        states: dict[int, Tensor] = {}
        for vertex in range(1, self.output):
            terms = [states[other] * self._weight((other, vertex)) for other in range(1, vertex)]
            terms.append(self.projections[str(vertex)](x) * self._weight((0, vertex)))
            states[vertex] = self.inner[str(vertex)](_sum(terms))
        past = self.projections[str(self.output)](x) * self._weight((0, self.output))
        blocks = [states[vertex] * self._weight((vertex, self.output)) for vertex in range(1, self.output)]
        return torch.cat(blocks, 1) + past if blocks else past

    def _weight(self, pair: Pair) -> Tensor:
        return self.selection.weights[self.names[pair]][1]


def open_graph(
    parts: GraphParts, name: Callable[[Pair], str], operation: Callable[..., nn.Module], selection: Selection
) -> OpenGraphCell:
    """The cell of all graphs.

    name: of an edge's decision.
    operation: makes that of a vertex.
    """
    names = {pair: name(pair) for pair in combinations(range(parts.vertices), 2)}
    inner, output = range(1, parts.vertices - 1), parts.vertices - 1

    def width(vertex: int) -> int:
        return VertexWidth(parts.most(vertex), parts.graph, names, vertex) if parts.shared else parts.most(vertex)

    operations = {vertex: operation(vertex, width(vertex)) for vertex in inner}
    projections = {vertex: parts.projection(width(vertex)) for vertex in inner}
    projections[output] = parts.projection(parts.most(output))
    return OpenGraphCell(parts, operations, projections, names, selection)


def _sum(terms: list[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return cast("Tensor", total)
