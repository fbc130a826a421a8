"""Random graphs as wirings: drawn without directions, then directed from lower to higher numbers (Xie et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.core.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    import numpy as np

Wiring = tuple[tuple[int, ...], ...]  # of each node the earlier ones that it reads, numbered from 0

KINDS = ("er", "ba", "ws")


def check_wiring(owner: str, kind: str, nodes: int, edges: int, probability: float) -> None:
    """Raise ConfigurationError, which names the owner, for parameters of which there is no random graph."""
    if kind not in KINDS:
        raise ConfigurationError(f"{owner}: there is no wiring {kind!r}{nearest(kind, KINDS)}")
    if not 0 <= probability <= 1:
        raise ConfigurationError(f"{owner}: probability is {probability!r}; expected a number from 0 to 1")
    if kind == "ba" and not 1 <= edges < nodes:
        raise ConfigurationError(f"{owner}: edges is {edges}; expected 1 to {nodes - 1}, with {nodes} nodes")
    if kind == "ws" and (edges % 2 or not 2 <= edges < nodes):
        raise ConfigurationError(
            f"{owner}: edges is {edges}; expected an even number, at least 2 and below the {nodes} nodes"
        )


def wired(kind: str, nodes: int, edges: int, probability: float, rng: np.random.Generator) -> Wiring:
    """A random graph, of each node the earlier ones that it is connected with.

    kind: "er" connects each pair with the probability (Erdős and Rényi 1959); "ba" connects each node that comes with
        so many of those that are there, likelier with those that have many (Barabási and Albert 1999); "ws" connects
        neighbours on a ring, and leads each connection elsewhere with the probability (Watts and Strogatz 1998).
    nodes: how many.
    edges: m of "ba", or k of "ws", half of them on each side.
    probability: of "er" and "ws".
    rng: from which the seed of the graph is drawn.
    """
    from networkx import barabasi_albert_graph, gnp_random_graph, watts_strogatz_graph

    seed = int(rng.integers(2**31))
    if kind == "er":
        graph = gnp_random_graph(nodes, probability, seed=seed)
    elif kind == "ba":
        graph = barabasi_albert_graph(nodes, edges, seed=seed)
    else:
        graph = watts_strogatz_graph(nodes, edges, probability, seed=seed)
    pairs = [(min(a, b), max(a, b)) for a, b in graph.edges]
    return tuple(tuple(sorted(a for a, b in pairs if b == node)) for node in range(nodes))


def unread(wiring: Sequence[Sequence[int]]) -> list[int]:
    """The nodes that no other one reads."""
    read = {source for each in wiring for source in each}
    return [node for node in range(len(wiring)) if node not in read]
