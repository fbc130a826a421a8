"""Draws an architecture's graph by building it once more on the meta device and noting the outermost decisions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from netwright.core.building import Builder, EdgeSum
from netwright.core.choose import Offered, each_maker
from netwright.core.graph import Edge, Graph, Node

if TYPE_CHECKING:
    from torch import nn

    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Label


def outline(space: DecisionSpace, architecture: Architecture) -> Graph:
    """The graph of what was decided: cells with their edges, everything else one after the other."""
    draft = Draft(architecture.decisions, space.decisions.places)
    with torch.device("meta"):
        space.network(draft, space.traced_shape)
    return draft.graph()


class Draft(Builder):
    """Builds on the meta device and notes the outermost decisions as it goes."""

    def __init__(self, labels: Mapping[str, Label], known: Collection[str]) -> None:
        super().__init__(labels, known)
        self._nodes: dict[str, Node] = {}
        self._edges: list[Edge] = []
        self._states: dict[str, list[str]] = {}
        self._last = "input"
        self._depth = 0
        self._details: list[str] = []

    def one(
        self, name: str, options: Mapping[str, Callable[[], nn.Module]], *, soft: Collection[str] = ()
    ) -> nn.Module:
        full = self.full_name(name)
        module, operation = self._described(lambda: super(Draft, self).one(name, options, soft=soft), full)
        if self._depth:
            self._details.append(f"{name}={operation}")
        elif full not in self._nodes:
            self._nodes[full] = Node(full, operation, "/".join(self._path))
            self._edges.append(Edge(self._last, full))
            self._last = full
        return module

    def value(self, name: str, options: Sequence[Any]) -> Any:
        chosen = super().value(name, options)
        if self._depth:
            self._details.append(f"{name}={chosen}")
        return chosen

    def edges(
        self,
        name: str,
        sources: Sequence[int],
        keep: int | None,
        options: Offered,
        *,
        soft: Collection[str] = (),
    ) -> EdgeSum:
        operations: dict[int, str] = {}

        def noted(label: str, make: Callable[[int], nn.Module]) -> Callable[[int], nn.Module]:
            def make_noted(source: int) -> nn.Module:
                module, operations[source] = self._described(lambda: make(source), "", label)
                return module

            return make_noted

        node = super().edges(name, sources, keep, each_maker(options, noted), soft=soft)
        group, full = "/".join(self._path), self.full_name(name)
        if full not in self._nodes:
            self._add_state(group, full, sources, [(source, operations[source]) for source in node.sources])
        return node

    def _add_state(self, group: str, full: str, sources: Sequence[int], links: list[tuple[int, str]]) -> None:
        """A cell's first node sees its inputs; each node is a state that later nodes may read."""
        states = self._states.setdefault(group, [])
        while len(states) <= max(sources):
            states.append("/".join(filter(None, (group, f"input{len(states)}"))))
            self._nodes[states[-1]] = Node(states[-1], "", group)
        self._nodes[full] = Node(full, "", group)
        self._edges.extend(Edge(states[source], full, operation) for source, operation in links)
        states.append(full)

    def _described(self, make: Callable[[], nn.Module], full: str, label: str = "") -> tuple[nn.Module, str]:
        """The module, and its label with what was decided inside it: "mbconv(kernel=5)"."""
        outer, self._details = self._details, []
        self._depth += 1
        module = make()
        self._depth -= 1
        inner, self._details = self._details, outer
        label = label or str(self._labels.get(full, module.__class__.__name__))
        return module, f"{label}({', '.join(inner)})" if inner else label

    def graph(self) -> Graph:
        chained = [Edge(self._last, "output")] if self._last != "input" else []
        nodes = dict(self._nodes)
        if chained:
            nodes = {"input": Node("input"), **nodes, "output": Node("output")}
        return Graph(tuple(nodes.values()), (*self._edges, *chained))
