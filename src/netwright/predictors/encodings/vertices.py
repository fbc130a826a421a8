"""Cells with operations on vertices and a decision for each edge, as in NAS-Bench-101 (Ying et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.graph import Edge, Graph, Node
from netwright.core.vertex_graph import on_paths
from netwright.predictors.encodings.naming import draws_itself, is_there, named_graphs, numbered

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Decision

_CHECKED = 3  # architectures whose graphs must agree


@dataclass(frozen=True, slots=True)
class Vertices:
    """One cell.

    edges: the place of each pair's decision, of which option `there` is the edge.
    vertices: of each inner vertex, the place of its operation's decision. The input is vertex 0, and the output the
        last.
    labels: of the operations.
    rest: places of the other decisions.
    """

    edges: dict[tuple[int, int], int]
    vertices: dict[int, int]
    labels: tuple[str, ...]
    rest: tuple[int, ...]
    there: int = 1

    def drawn(self, point: Sequence[int]) -> Graph:
        """The cell of one architecture, without what lies on no path from input to output."""
        output = len(self.vertices) + 1
        pairs = [pair for pair, place in self.edges.items() if point[place] == self.there]
        kept = on_paths(pairs, output)
        nodes = {v: Node(f"vertex{v}", self.labels[point[self.vertices[v]]], "cell") for v in kept - {0, output}}
        nodes = {0: Node("input", "", "cell"), **dict(sorted(nodes.items())), output: Node("output", "", "cell")}
        edges = tuple(Edge(nodes[a].name, nodes[b].name) for a, b in pairs if a in kept and b in kept)
        return Graph(tuple(nodes.values()), edges)

    @property
    def routes(self) -> list[tuple[int, ...]]:
        """The inner vertices on every way from the input to the output, the shortest first."""
        inner = sorted(self.vertices)
        return [route for length in range(len(inner) + 1) for route in combinations(inner, length)]

    def leads(self, route: Sequence[int], points: np.ndarray) -> np.ndarray:
        """Whether all of a route's edges are there; bool (n,)."""
        steps = pairwise((0, *route, len(self.vertices) + 1))
        return np.logical_and.reduce([points[:, self.edges[step]] == self.there for step in steps])


@lru_cache(maxsize=32)
def vertices_of(space: DecisionSpace) -> Vertices | None:
    """The space's cell, where it decides on every edge ("edge0_1") and on every vertex ("vertex1") of one; else None.

    That it was read correctly is checked on some architectures' own graphs, where the space draws them.
    """
    found = _named(space.decisions)
    if found is None or not draws_itself(space):
        return found
    rng = np.random.default_rng(0)
    for _ in range(_CHECKED):
        architecture = space.sample(rng)
        if _told(found, np.array([space.indices(architecture)])) != _drawn(space.graph(architecture)):
            return None
    return found


def _named(decisions: Sequence[Decision]) -> Vertices | None:
    for graph in named_graphs(decisions):
        there = is_there(decisions[next(iter(graph.edges.values()))].options)
        inner = numbered(decisions, graph.states - 2)
        if there is None or inner is None or set(graph.edges) != set(combinations(range(graph.states), 2)):
            continue
        used = {*graph.edges.values(), *inner.values()}
        rest = tuple(place for place in range(len(decisions)) if place not in used)
        labels = tuple(map(str, decisions[inner[1]].options))
        return Vertices(graph.edges, inner, labels, rest, there)
    return None


def _told(cell: Vertices, points: np.ndarray) -> set[tuple[str, ...]]:
    """The paths of one architecture, as the decisions have them."""
    there = [route for route in cell.routes if cell.leads(route, points)[0]]
    return {tuple(cell.labels[points[0, cell.vertices[vertex]]] for vertex in route) for route in there}


def _drawn(graph: Graph) -> set[tuple[str, ...]]:
    """The operations on every path from the first drawn node to the last."""
    first, last = graph.nodes[0].name, graph.nodes[-1].name
    operation = {node.name: node.operation for node in graph.nodes}
    found: set[tuple[str, ...]] = set()
    open_paths: list[tuple[str, tuple[str, ...]]] = [(first, ())]
    while open_paths:
        here, passed = open_paths.pop()
        for edge in graph.edges:
            if edge.source == here and edge.target == last:
                found.add(passed)
            elif edge.source == here:
                open_paths.append((edge.target, (*passed, operation[edge.target])))
    return found
