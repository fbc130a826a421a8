"""An architecture as a graph of labelled layers: operations on edges become layers of their own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.decision_space import DecisionSpace
from netwright.core.graph import Edge, Graph, Node
from netwright.predictors.encodings.cells import NOTHING, cells_of

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture

INPUT, OUTPUT, SUM = "input", "output", "sum"
KINDS = ("conv", "pool")


@dataclass(frozen=True)
class LayerGraph:
    """The layers of a network and who reads whom.

    labels: what each layer does, in topological order.
    adjacency: bool (n, n), from row to column.

    A layer without predecessors is an input. Each part without successors leads to the output, the last layer.
    """

    labels: tuple[str, ...]
    adjacency: np.ndarray

    @cached_property
    def is_operation(self) -> np.ndarray:
        """bool (n,): neither input, output nor sum."""
        return np.array([label not in (INPUT, OUTPUT, SUM) for label in self.labels])

    @cached_property
    def is_kind(self) -> np.ndarray:
        """bool (3, n): operations of all kinds, convolutions, poolings."""
        words = [label if known else "" for label, known in zip(self.labels, self.is_operation, strict=True)]
        return np.array([[bool(word) for word in words], *([kind in word for word in words] for kind in KINDS)])

    @cached_property
    def paths(self) -> np.ndarray:
        """float64 (n, 18): the shortest, longest and mean random-walk path from an input, then to the output.

        Of all operations on them, of convolutions alone, and of poolings. A random walk leaves each layer by any of its
        edges with equal probability, here backwards from the layer and forwards (Kandasamy et al. 2018, section 3).
        """
        counted = self.is_kind.astype(float)
        there = _lengths(self.adjacency, counted)
        back = _lengths(self.adjacency[::-1, ::-1].T, counted[:, ::-1])[:, :, ::-1]
        return np.stack((there, back), axis=1).reshape(-1, len(self.labels)).T

    @cached_property
    def connections(self) -> list[tuple[int, int]]:
        """Links between operations, inputs and outputs, by their place among these; sums are looked through."""
        places = np.cumsum([label != SUM for label in self.labels]) - 1
        found: set[tuple[int, int]] = set()
        reach: list[set[int]] = []  # for each layer the places whose result it is, or sums up
        for k, label in enumerate(self.labels):
            into: set[int] = set().union(*(reach[source] for source in np.flatnonzero(self.adjacency[:, k])))
            if label == SUM:
                reach.append(into)
            else:
                found |= {(source, int(places[k])) for source in into}
                reach.append({int(places[k])})
        return sorted(found)


def layers_of(architecture: Architecture) -> LayerGraph:
    """The layers of an architecture; what passes nothing on is left out."""
    space = architecture.space
    cells = cells_of(space) if isinstance(space, DecisionSpace) else None
    if cells is None or not cells.slots or cells.rest:
        return layer_graph(space.graph(architecture))
    # The same as the space would draw, without building the network.
    option, there = cells.options(np.array([architecture.content]))
    nodes = [Node(state) for states in cells.states for state in states]
    edges = [
        Edge(cells.states[slot.cell][slot.source], cells.states[slot.cell][slot.target], slot.labels[option[0, k]])
        for k, slot in enumerate(cells.slots)
        if there[0, k]
    ]
    return layer_graph(Graph(tuple(nodes), tuple(edges)))


def layer_graph(graph: Graph) -> LayerGraph:
    """The layers of a graph as the space draws it."""
    layers: list[tuple[str, str]] = [(node.name, node.operation or SUM) for node in graph.nodes]
    inside = {edge.target for edge in graph.edges}
    layers = [(name, INPUT if name not in inside else label) for name, label in layers]
    layers = [(name, OUTPUT if name == "output" and label == SUM else label) for name, label in layers]
    links: list[tuple[str, str]] = []
    for number, edge in enumerate(graph.edges):
        if edge.operation in NOTHING:
            continue
        if edge.operation:
            name = f"edge {number}"
            layers.append((name, edge.operation))
            links += [(edge.source, name), (name, edge.target)]
        else:
            links.append((edge.source, edge.target))
    read = {edge.source for edge in graph.edges}
    return _in_order(dict(layers), links, [node.name for node in graph.nodes if node.name not in read])


def _in_order(labels: dict[str, str], links: list[tuple[str, str]], ends: list[str]) -> LayerGraph:
    """Layers sorted so that every link leads forward (Kahn 1962), with an output behind the ends, if there is none."""
    if OUTPUT not in labels.values():
        labels = {**labels, OUTPUT: OUTPUT}
        links = [*links, *((name, OUTPUT) for name in ends)]
    following: dict[str, list[str]] = {name: [] for name in labels}
    waiting = dict.fromkeys(labels, 0)
    for source, target in links:
        following[source].append(target)
        waiting[target] += 1
    ready = [name for name, label in labels.items() if not waiting[name] and label != OUTPUT]
    order: list[str] = []
    for name in ready:  # it grows on the way
        order.append(name)
        for target in following[name]:
            waiting[target] -= 1
            if not waiting[target] and labels[target] != OUTPUT:
                ready.append(target)
    order += [name for name, label in labels.items() if label == OUTPUT]
    places = {name: k for k, name in enumerate(order)}
    adjacency = np.zeros((len(order), len(order)), dtype=bool)
    for source, target in links:
        adjacency[places[source], places[target]] = True
    kept = _useful(adjacency, np.array([labels[name] in (INPUT, OUTPUT) for name in order]))
    found = [labels[name] for name, keep in zip(order, kept, strict=True) if keep]
    return LayerGraph(tuple(found), adjacency[np.ix_(kept, kept)])


def _useful(adjacency: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """bool (n,): what lies on a way from an input to the output; inputs and output always."""
    n = len(adjacency)
    forward, backward = ends.copy(), ends.copy()
    forward[n - 1] = backward[: n - 1] = False
    backward[n - 1] = True
    for k in range(n):
        forward[k] |= (forward & adjacency[:, k]).any()
    for k in reversed(range(n)):
        backward[k] |= (backward & adjacency[k]).any()
    return (forward & backward) | ends


def _lengths(adjacency: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Shortest, longest and mean length of the paths from a first layer to each; rows lead to columns behind them.

    counted: (kinds, n), what each layer adds; float64 (kinds, 3, n).
    """
    kinds, n = counted.shape
    found = np.zeros((3, n, kinds))  # the layer before the kind, so that all kinds of some layers are one block
    shortest, longest, walk = found
    passed = np.ascontiguousarray(counted.T)
    for k in range(n):
        before = np.flatnonzero(adjacency[:, k])
        if len(before):
            shortest[k] = (shortest[before] + passed[before]).min(axis=0)
            longest[k] = (longest[before] + passed[before]).max(axis=0)
            walk[k] = (walk[before] + passed[before]).sum(axis=0) / len(before)
    return found.transpose(2, 0, 1)
