"""Cells with operations on vertices and a decision for each edge, as in NAS-Bench-101 (Ying et al. 2019)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from netwright.core.decisions import Decision
    from netwright.core.graph import Graph
    from netwright.core.space import Space

_CHECKED = 3  # architectures whose graphs must agree
_EDGE, _VERTEX = re.compile(r"edge(\d+)_(\d+)"), re.compile(r"vertex(\d+)")


@dataclass(frozen=True, slots=True)
class Vertices:
    """One cell: edges: the place of each pair's decision, whose second option is the edge. vertices: of each inner
    vertex, the place of its operation's decision. The input is vertex 0, and the output the last. labels: of the
    operations. rest: places of the other decisions.
    """

    edges: dict[tuple[int, int], int]
    vertices: dict[int, int]
    labels: tuple[str, ...]
    rest: tuple[int, ...]

    @property
    def routes(self) -> list[tuple[int, ...]]:
        """The inner vertices on every way from the input to the output, the shortest first."""
        inner = sorted(self.vertices)
        return [route for length in range(len(inner) + 1) for route in combinations(inner, length)]

    def leads(self, route: Sequence[int], points: np.ndarray) -> np.ndarray:
        """Whether all of a route's edges are there; bool (n,)."""
        steps = pairwise((0, *route, len(self.vertices) + 1))
        return np.logical_and.reduce([points[:, self.edges[step]] > 0 for step in steps])


@lru_cache(maxsize=32)
def vertices_of(space: Space) -> Vertices | None:
    """The space's cell, where it decides on every edge ("edge0_1") and on every vertex ("vertex1") of one; else None.

    That it was read correctly is checked on some architectures' own graphs.
    """
    found = _named(space.decisions)
    if found is None:
        return None
    rng = np.random.default_rng(0)
    for _ in range(_CHECKED):
        architecture = space.sample(rng)
        if _told(found, np.array([architecture.point])) != _drawn(space.graph(architecture)):
            return None
    return found


def _named(decisions: Sequence[Decision]) -> Vertices | None:
    edges: dict[tuple[int, int], int] = {}
    vertices: dict[int, int] = {}
    rest: list[int] = []
    labels: set[tuple[str, ...]] = set()
    for place, each in enumerate(decisions):
        if (edge := _EDGE.fullmatch(each.name)) and tuple(each.options) == (0, 1):
            edges[int(edge[1]), int(edge[2])] = place
        elif vertex := _VERTEX.fullmatch(each.name):
            vertices[int(vertex[1])] = place
            labels.add(tuple(map(str, each.options)))
        else:
            rest.append(place)
    last = len(vertices) + 1
    if sorted(vertices) != list(range(1, last)) or set(edges) != set(combinations(range(last + 1), 2)):
        return None
    return Vertices(edges, vertices, labels.pop(), tuple(rest)) if len(labels) == 1 else None


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
