"""Nodes of one cell that read the same states: what leaves a state is computed for all of them at once."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import channel_shuffle

from netwright.networks.cells import PairSum
from netwright.supernets.fusion import layout
from netwright.supernets.fusion.fans import Leaving, leave
from netwright.supernets.fusion.reading import read
from netwright.supernets.mixed import MixedEdges, MixedOperation, brought_to
from netwright.supernets.preparing import PartialEdge

Place = tuple[int, int]  # of a node in its group, and of an edge in the node


def fuse(network: nn.Module) -> None:
    """Let the mixed nodes of each cell share their work. Call it when nothing in the network is replaced any more."""
    for members in _families(network):
        group = Group(members)
        for i, node in enumerate(members):
            node.group = Member(group, i)


def is_fused(network: nn.Module) -> bool:
    """Whether any nodes of the network share their work."""
    return any(isinstance(each, MixedEdges) and each.group is not None for each in network.modules())


@contextmanager
def unfused(network: nn.Module) -> Generator[None]:
    """Inside, every option is computed alone, by operations that can be differentiated twice."""
    nodes = [(each, each.group) for each in network.modules() if isinstance(each, MixedEdges)]
    try:
        for node, _ in nodes:
            node.group = None
        yield
    finally:
        for node, group in nodes:
            node.group = group


def _families(module: nn.Module) -> Iterator[list[MixedEdges]]:
    """Nodes that have one parent, which gives all of them the same states."""
    family = list(_given_the_same(module))
    if family:
        yield family
    for child in module.children():
        if not isinstance(child, (MixedEdges, PairSum)):
            yield from _families(child)


def _given_the_same(module: nn.Module) -> Iterator[MixedEdges]:
    for child in module.children():
        if isinstance(child, MixedEdges):
            yield child
        elif isinstance(child, PairSum):
            yield from _given_the_same(child)


class Member:
    """A node's place in its group: what its MixedEdges asks for its value."""

    def __init__(self, group: Group, place: int) -> None:
        self.group = group
        self.place = place

    def node_sum(self, node: MixedEdges, states: Sequence[Tensor]) -> Tensor:
        """The sum of the node's edges, each mixed and weighted."""
        under_way = cast("dict[Any, Shared]", node.selection.scratch)
        shared = under_way.get(self.group)
        if shared is None or (shared.states and shared.states[0] is not states[0]):
            shared = under_way[self.group] = Shared(self.group)
        return shared.node_sum(self.place, node, states)


class Group:
    """The edges of such nodes, with their options as they were recognised."""

    def __init__(self, nodes: Sequence[MixedEdges]) -> None:
        self.selection = nodes[0].selection
        self.names = [f"{node.name}/sources" for node in nodes]
        self.sources = [node.sources for node in nodes]
        self.operations = [[cast("MixedOperation", each) for each in node.operations] for node in nodes]
        self.options = [[[read(option) for option in each.options] for each in node] for node in self.operations]
        self.parts = [_parts(operations) for operations in self.operations]

    def edges(self, states: Sequence[Tensor], new: range) -> Iterator[tuple[Place, Leaving]]:
        """Every edge that leaves one of the new states and computes anything, by state."""
        for source in new:
            for i, sources in enumerate(self.sources):
                for j in range(len(sources)):
                    if sources[j] == source and self.parts[i]:
                        options = [(column, self.options[i][j][column]) for column in self.operations[i][j].computed()]
                        if options:
                            yield (i, j), Leaving(source, tuple(options), self._weights(i, j, states[source]))

    def _weights(self, i: int, j: int, state: Tensor) -> Tensor:
        """Of an edge's options, times that of the edge."""
        decision = self.operations[i][j].decision
        weights = state.new_ones(1) if decision is None else self.selection.weights[decision]
        of_edges = self.of_edges(i)
        return weights if of_edges is None else weights * of_edges[j]

    def of_edges(self, i: int) -> Tensor | None:
        """The weights of a node's edges, None where all are 1."""
        return self.selection.weights.get(self.names[i])


class Shared:
    """What the nodes of a group share while one forward pass is under way: the terms not yet asked for."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.states: list[Tensor] = []  # those whose leaving edges are computed
        self.terms: dict[Place, list[Tensor]] = {}
        self.asked: set[int] = set()

    def node_sum(self, i: int, node: MixedEdges, states: Sequence[Tensor]) -> Tensor:
        if i in self.asked or not self._fits(i, states):
            return node.mixed(states)
        self.asked.add(i)
        self._compute(states)
        terms = [term for j in range(len(node.sources)) for term in self.terms.pop((i, j), ())]
        if not terms:
            return node.mixed(states)
        total = _sum(terms)
        k = self.group.parts[i]
        return total if k == 1 else self._with_others(total, i, k)

    def _fits(self, i: int, states: Sequence[Tensor]) -> bool:
        """Whether these are the states that the other nodes were given, and of a form that can be shared."""
        known = zip(self.states, states, strict=False)
        read = (states[source] for source in self.group.sources[i])
        return bool(self.group.parts[i]) and all(a is b for a, b in known) and all(_image(state) for state in read)

    def _compute(self, states: Sequence[Tensor]) -> None:
        """The terms of all edges that leave states which were not known."""
        new = range(len(self.states), len(states))
        self.states.extend(states[i] for i in new)
        alike: dict[Any, list[tuple[Place, Leaving]]] = {}
        for place, edge in self.group.edges(self.states, new):
            k = self.group.parts[place[0]]
            state = self.states[edge.source]
            alike.setdefault((k, edge.kinds, state.shape, state.dtype), []).append((place, edge))
        for (k, *_), found in alike.items():
            used = {edge.source: _first_part(self.states[edge.source], k) for _, edge in found}
            for (place, _), terms in zip(found, leave(used, [edge for _, edge in found]), strict=True):
                self.terms[place] = terms

    def _with_others(self, total: Tensor, i: int, k: int) -> Tensor:
        """Join the channels that passed no operation, and mix the order of all (Xu et al. 2020, section 3.2)."""
        of_edges = self.group.of_edges(i)
        others: Tensor | None = None
        for j, source in enumerate(self.group.sources[i]):
            other = self.states[source][:, self.states[source].shape[1] // k :]
            other = brought_to(total, other)
            other = other if of_edges is None else other * of_edges[j]
            others = other if others is None else others + other
        assert others is not None
        return channel_shuffle(torch.cat((total, others), 1), k)


def _parts(operations: Sequence[MixedOperation]) -> int:
    """1 over the share of the channels that pass the operations of a node's edges; 0 where it cannot be shared."""
    kinds = {(type(each), getattr(each, "k", 1)) for each in operations}
    (made, k), *others = kinds
    return k if not others and made in (MixedOperation, PartialEdge) else 0


def _sum(terms: Sequence[Tensor]) -> Tensor:
    """On a CPU with the fewest bytes moved, elsewhere with the fewest launches."""
    if len(terms) > 3 and not layout.on_cpu(terms[0]) and len({term.shape for term in terms}) == 1:
        return torch.stack(tuple(terms)).sum(0)
    total = terms[0]
    for i, term in enumerate(terms[1:]):
        own = i > 0 and (term.shape, term.dtype) == (total.shape, total.dtype)
        total = total.add_(term) if own else total + term
    return total


def _first_part(state: Tensor, k: int) -> Tensor:
    return state if k == 1 else state[:, : state.shape[1] // k]


def _image(state: Tensor) -> bool:
    """Whether it has the form (n, c, h, w), and more than one value a channel even after its extents are halved."""
    if state.dim() != 4 or not state.is_floating_point():
        return False
    n, _, h, w = state.shape
    return n * -(-h // 2) * -(-w // 2) > 1
