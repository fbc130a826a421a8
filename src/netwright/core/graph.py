"""The decided part of a network as a graph: for drawings, graph encodings and comparisons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """A state of the network.

    name: that edges call it by.
    operation: what computes it; empty for inputs, outputs and sums.
    group: its cell.
    """

    name: str
    operation: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """From node to node.

    source, target: names of nodes.
    operation: what is done on the way; empty where the state is passed on as it is.
    """

    source: str
    target: str
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """States and what leads from one to another.

    nodes: inputs and outputs among them.
    edges: between these nodes.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def with_output(self, group: str, states: Iterable[str]) -> Graph:
        """The same with one more node, the output of a cell.

        group: the cell; empty for the only one.
        states: names of the nodes that it is made of.
        """
        name = f"{group}/output" if group else "output"
        edges = [Edge(state, name) for state in states]
        return Graph((*self.nodes, Node(name, "", group)), (*self.edges, *edges))

    @property
    def operations(self) -> tuple[str, ...]:
        """Every operation, in the order of nodes, then edges."""
        return tuple(each.operation for each in (*self.nodes, *self.edges) if each.operation)
