"""The decided part of a network as a graph: for drawings, graph encodings and comparisons."""

from __future__ import annotations

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

    @property
    def operations(self) -> tuple[str, ...]:
        """Every operation, in the order of nodes, then edges."""
        return tuple(each.operation for each in (*self.nodes, *self.edges) if each.operation)
