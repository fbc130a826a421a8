"""What flows through graphs that are drawn architecture by architecture: statistics of all of their paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from netwright.predictors.encodings.cells import NOTHING
from netwright.predictors.encodings.naming import draws_itself
from netwright.predictors.encodings.vertices import vertices_of
from netwright.predictors.kernels.layers import LayerGraph, layer_graph

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.graph import Graph

IDENTITY = frozenset({"skip_connect", "identity", "skip", "Identity"})
EXAMPLES = 200  # architectures whose operations are taken for all that there are
LOOKED_AT, MOST_NEIGHBOURS = 8, 500  # architectures, and neighbours of each, that tell which decisions a graph shows


def drawn_graphs(space: DecisionSpace) -> tuple[GraphFlow, tuple[int, ...]] | None:
    """What says the columns of a space's graphs, and the places of the decisions that are not in them.

    The graphs are those that the names of decisions tell, or the space draws itself; None where neither is.
    """
    if vertices := vertices_of(space):
        return GraphFlow(space, vertices.drawn), vertices.rest
    if not draws_itself(space):
        return None

    def draw(point: Sequence[int]) -> Graph:
        return space.graph(space.from_indices(tuple(point), check=False))

    covered = _covered(space, draw)
    rest = tuple(place for place in range(len(space.decisions)) if place not in covered)
    return (GraphFlow(space, draw), rest) if covered else None


def _covered(space: DecisionSpace, draw: Callable[[Sequence[int]], Graph]) -> set[int]:
    """The decisions that change the graph of some architecture."""
    rng, found = np.random.default_rng(0), set[int]()
    for _ in range(LOOKED_AT):
        point = space.decisions.draw(rng)
        own = draw(point)
        for other in islice(space.decisions.neighbors(point), MOST_NEIGHBOURS):
            changed = [place for place, pair in enumerate(zip(point, other, strict=True)) if pair[0] != pair[1]]
            if not found.issuperset(changed) and draw(other) != own:
                found.update(changed)
    return found


class GraphFlow:
    """The columns of `Flow` for a space whose graphs are drawn: operations on vertices, on edges, or on both.

    kinds: each operation by itself, all, those that compute, those with weights. For each kind: the layers in use; the
    largest and the smallest count on a path; the sum over all paths; the paths without it, and whether a layer of the
    kind reads the input and is read by the output. Then the number of paths, of layers and of links, and how many links
    leave the input and reach the output.
    """

    def __init__(self, space: DecisionSpace, draw: Callable[[Sequence[int]], Graph]) -> None:
        self._draw = draw
        rng = np.random.default_rng(0)
        points = [space.decisions.draw(rng) for _ in range(EXAMPLES)]
        labels = {label for point in points for label in draw(point).operations} - NOTHING
        self.labels = sorted(labels)
        self._kinds = {label: self._kinds_of(label) for label in self.labels}
        self._none = self._kinds_of("")

    @property
    def dimension(self) -> int:
        return 7 * len(self._none) + 5

    def rows(self, points: np.ndarray) -> np.ndarray:
        found = [self._row(layer_graph(self._draw(point))) for point in points.tolist()]
        return np.array(found, np.float32).reshape(len(points), self.dimension)

    def _kinds_of(self, label: str) -> np.ndarray:
        own = [label == other for other in self.labels]
        computes = bool(label) and label.partition("(")[0] not in IDENTITY
        return np.array([*own, bool(label), computes, computes and "pool" not in label], np.float64)

    def _row(self, graph: LayerGraph) -> np.ndarray:
        """By following the paths from layer to layer (dynamic programming)."""
        n = len(graph.labels)
        words = [label if own else "" for label, own in zip(graph.labels, graph.is_operation, strict=True)]
        weight = np.array([self._kinds.get(word, self._none) for word in words])
        number, total, without = np.zeros(n), np.zeros(weight.shape), np.zeros(weight.shape)
        most, least = np.full(weight.shape, -1.0), np.full(weight.shape, -1.0)
        first = np.flatnonzero(graph.adjacency.sum(axis=0) == 0)
        for k in range(n):
            before = np.flatnonzero(graph.adjacency[:, k] & (number > 0))
            if k in first:
                number[k], without[k], most[k], least[k] = 1.0, 1.0, 0.0, 0.0
            elif len(before):
                number[k] = number[before].sum()
                total[k] = total[before].sum(axis=0) + number[k] * weight[k]
                without[k] = without[before].sum(axis=0) * (weight[k] == 0)
                most[k] = most[before].max(axis=0) + weight[k]
                least[k] = least[before].min(axis=0) + weight[k]
        begins = (graph.adjacency[first].max(axis=0)[:, None] * weight).max(axis=0)
        ends = (graph.adjacency[:, -1][:, None] * weight).max(axis=0)
        shape = [number[-1], n, graph.adjacency.sum(), graph.adjacency[first].sum(), graph.adjacency[:, -1].sum()]
        return np.concatenate((weight.sum(axis=0), most[-1], least[-1], total[-1], without[-1], begins, ends, shape))
