"""A cell as a graph of vertices: which vertices count, what each reads, and how many channels it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import nn

Pair = tuple[int, int]


@dataclass(frozen=True)
class VertexGraph:
    """What lies on paths from the input, vertex 0, to the output, the last one.

    widths: channels of each inner vertex.
    reads: for each inner vertex the inner ones that it reads, ascending.
    projected: the vertices that read the input, the output among them, ascending.
    joined: inner ones that the output reads, ascending.
    """

    widths: Mapping[int, int]
    reads: Mapping[int, Sequence[int]]
    projected: Sequence[int]
    joined: Sequence[int]


class GraphParts(Protocol):
    """What a cell with operations on vertices is made of; `Choose.vertices` puts it together.

    vertices: input and output among them.
    shared: whether the widths of vertices follow from the edges.
    """

    vertices: int
    shared: bool

    def graph(self, edges: tuple[Pair, ...]) -> VertexGraph:
        """The graph of these edges; the same whenever it is asked."""
        ...

    def most(self, vertex: int) -> int:
        """The most channels that a vertex may have."""
        ...

    def operation(self, vertex: int, channels: int) -> nn.Module:
        """The operation of an inner vertex, asked for."""
        ...

    def projection(self, channels: int) -> nn.Module:
        """What brings the cell's input to so many channels."""
        ...

    def cell(
        self, graph: VertexGraph, operations: Mapping[int, nn.Module], projections: Mapping[int, nn.Module]
    ) -> nn.Module:
        """The cell of one graph."""
        ...


def edge_name(pair: Pair) -> str:
    """The name of the decision whether there is an edge."""
    return f"edge{pair[0]}_{pair[1]}"


def on_paths(edges: Sequence[Pair], output: int) -> set[int]:
    """The vertices on paths from input to output.

    edges: ascending.
    """
    forward, backward = {0}, {output}
    for source, target in edges:  # row by row: every edge into a vertex comes before those out of it
        if source in forward:
            forward.add(target)
    for source, target in sorted(edges, key=lambda edge: edge[0], reverse=True):
        if target in backward:
            backward.add(source)
    return forward & backward
