"""What a reward may know of how a network is connected: its density, and how like it is to networks made by people.

Guo et al. (2019, "IRLAS") learn by inverse reinforcement learning what sets an expert's topology apart from those that
an agent draws (Abbeel and Ng 2004): features are weighted such that the expert is ahead of all others by the largest
margin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.errors import ConfigurationError, InvalidArchitecture, nearest
from netwright.core.graph import Edge, Graph, Node

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space

NOTHING = ("none", "zero")  # operations that connect nothing
STEPS = 10  # towards the nearest point of the hull, with each architecture


def _block(count: int, edges: tuple[tuple[int, int], ...]) -> Graph:
    names = [str(number) for number in range(count)]
    return Graph(tuple(map(Node, names)), tuple(Edge(names[source], names[target]) for source, target in edges))


EXPERTS: Mapping[str, Graph] = {
    "resnext": _block(4, ((0, 1), (1, 2), (2, 3), (0, 3))),
    "resnet": _block(3, ((0, 1), (1, 2), (0, 2))),
    "densenet": _block(4, ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))),
    "chain": _block(4, ((0, 1), (1, 2), (2, 3))),
}
"""The blocks of networks that people made: states, and which lead to which."""


def connected(graph: Graph) -> list[tuple[str, str]]:
    """The edges of a graph that carry something."""
    return [(each.source, each.target) for each in graph.edges if each.operation not in NOTHING]


def density(graph: Graph) -> float:
    """Edges for each node (Zhong et al. 2018); at least 1e-3, so that it has a logarithm."""
    return max(len(connected(graph)) / max(1, len(graph.nodes)), 1e-3)


def features(graph: Graph) -> NDArray[np.float64]:
    """How the nodes of a graph are connected, as shares from 0 to 1: float64 (10,).

    Of the nodes that read others: those that read 1, 2, and more; whose farthest one is 1, 2, 3 and more steps before,
    where steps are counted along the longest way from the inputs. Of the nodes that are read: by 1, 2, and more.
    """
    edges = connected(graph)
    found = np.zeros(10)
    depth = _depths(graph, edges)
    for name in depth:
        before = [source for source, target in edges if target == name]
        if before:
            found[min(len(before), 3) - 1] += 1
            found[3 + min(max(depth[name] - depth[source] for source in before), 4) - 1] += 1
        readers = sum(source == name for source, _ in edges)
        if readers:
            found[7 + min(readers, 3) - 1] += 1
    for start, end in ((0, 3), (3, 7), (7, 10)):
        found[start:end] /= max(1.0, found[start:end].sum())
    return found


def _depths(graph: Graph, edges: list[tuple[str, str]]) -> dict[str, int]:
    """For each node the longest way to it, in edges."""
    depth = {each.name: 0 for each in graph.nodes}
    for _ in depth:
        deeper = {target: depth[source] + 1 for source, target in edges if depth[source] + 1 > depth[target]}
        if not deeper:
            break
        depth |= deeper
    return depth


class Likeness:
    """How like an architecture is to an expert's, by the features that set the expert apart from what was seen.

    expert: a name in `EXPERTS`, or the text of an architecture of the space.
    space: that is searched.
    """

    def __init__(self, expert: str, space: Space) -> None:
        self._expert = features(_graph_of(expert, space))
        self._seen: list[NDArray[np.float64]] = []
        self._mean: NDArray[np.float64] | None = None

    def see(self, architecture: Architecture) -> float:
        """Take note of an architecture; how like it is, by the weights after it, at most about 1."""
        own = features(architecture.space.graph(architecture))
        if not any(np.array_equal(own, each) for each in self._seen):
            self._seen.append(own)
        self._approach()
        return float(self.weights @ own / max(float(np.linalg.norm(self._expert)), 1e-12))

    @property
    def weights(self) -> NDArray[np.float64]:
        """Of the features, of length 1: by them the expert is ahead of all that was seen; 0 where it cannot be."""
        assert self._mean is not None
        apart = self._expert - self._mean
        length = float(np.linalg.norm(apart))
        return apart / length if length > 1e-9 else 0 * apart

    def _approach(self) -> None:
        """Move the mean to the point nearest to the expert among all means of what was seen (their section 3.1)."""
        every = np.array(self._seen)
        mean = every[0] if self._mean is None else self._mean
        for _ in range(STEPS):
            way = every[int(np.argmax(every @ (self._expert - mean)))] - mean
            length = float(way @ way)
            share = 0.0 if length < 1e-18 else float(way @ (self._expert - mean)) / length
            mean = mean + min(max(share, 0.0), 1.0) * way
        self._mean = mean

    def memory(self) -> dict[str, Any]:
        """What was seen."""
        return {"seen": np.array(self._seen).reshape(len(self._seen), 10), "mean": self._mean}

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._seen, self._mean = list(memory["seen"]), memory["mean"]


def _graph_of(expert: str, space: Space) -> Graph:
    """The graph of an expert."""
    if expert in EXPERTS:
        return EXPERTS[expert]
    try:
        architecture = space.parse(expert)
    except InvalidArchitecture:
        known = ", ".join(EXPERTS)
        raise ConfigurationError(
            f"expert is {expert!r}{nearest(expert, EXPERTS)} Expected {known}, or an architecture of the space"
        ) from None
    return architecture.space.graph(architecture)
