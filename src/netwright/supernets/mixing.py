"""Writes down the network of all architectures: each hole filled with all of its options."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, cast

from torch import nn

from netwright.core.building import EdgeSum
from netwright.core.choose import Choose, Offered, offered
from netwright.core.routes import Routes, block_name, led_on
from netwright.core.vertex_graph import GraphParts, edge_name
from netwright.supernets.elastic import elastic_value
from netwright.supernets.joined import LinkedStates, OpenStates, Reader, UnreadStates
from netwright.supernets.mixed import ElasticDepth, MixedEdges, MixedOperation
from netwright.supernets.open_graph import open_graph
from netwright.supernets.open_route import OpenRoute
from netwright.supernets.selection import Selection


class Mixer(Choose):
    """Answers every question with all options at once."""

    def __init__(self, selection: Selection) -> None:
        super().__init__()
        self.selection = selection

    def one(
        self, name: str, options: Mapping[str, Callable[[], nn.Module]], *, soft: Collection[str] = ()
    ) -> nn.Module:
        labels = _hard_first(options, soft)
        made: list[nn.Module] = []
        for label in labels:
            with self.scope(name), self.scope(label):
                made.append(options[label]())
        return self._operation(self.full_name(name), labels, made, soft)

    def value(self, name: str, options: Sequence[Any]) -> Any:
        return options[0] if len(options) == 1 else elastic_value(self.full_name(name), options)

    def repeat(self, name: str, least: int, most: int, make: Callable[[int], nn.Module]) -> nn.Module:
        made: list[nn.Module] = []
        for i in range(most):
            with self.scope(name), self.scope(str(i)):
                made.append(make(i))
        return ElasticDepth(self.full_name(name) if least < most else None, least, made, self.selection)

    def edges(
        self,
        name: str,
        sources: Sequence[int],
        keep: int | None,
        options: Offered,
        *,
        soft: Collection[str] = (),
    ) -> EdgeSum:
        operations: list[MixedOperation] = []
        ordered = sorted(sources)
        with self.scope(name):
            for source in ordered:
                makers = offered(options, source)
                labels = _hard_first(makers, soft)
                made: list[nn.Module] = []
                for label in labels:
                    with self.scope(str(source)), self.scope(label):
                        made.append(makers[label](source))
                gentle = [label for label in soft if label in makers]
                operations.append(self._operation(self.full_name(str(source)), labels, made, gentle))
        # As EdgeSum, it takes the states and has `sources`; a space must ask nothing else of it.
        return cast("EdgeSum", MixedEdges(self.full_name(name), ordered, operations, self.selection))

    def unread(self, nodes: Iterable[EdgeSum], states: Iterable[int]) -> OpenStates:
        readers = [Reader(f"{cast('MixedEdges', node).name}/sources", tuple(node.sources)) for node in nodes]
        return UnreadStates(states, readers, self.selection)

    def route(self, routes: Routes) -> OpenRoute:
        blocks: list[nn.Module] = []
        ways: list[MixedOperation] = []
        for number in range(len(routes.following)):
            with self.scope(block_name(number)):
                blocks.append(routes.block(number))
            ways.append(cast("MixedOperation", led_on(self, routes, number)))
        return OpenRoute(blocks, ways, self.selection)

    def where(self, name: str, labels: Collection[Any], then: Callable[[], None]) -> None:
        then()

    def subset(self, name: str, sources: Iterable[int], *, always: Iterable[int] = ()) -> LinkedStates:
        links = {source: self.full_name(f"{name}/{source}") for source in sources}
        return LinkedStates(sorted({*links, *always}), links, self.selection)

    def vertices(self, parts: GraphParts) -> nn.Module:
        return open_graph(parts, lambda pair: self.full_name(edge_name(pair)), parts.operation, self.selection)

    def _operation(
        self, decision: str, labels: Sequence[str], made: Sequence[nn.Module], soft: Collection[str]
    ) -> MixedOperation:
        if len(labels) - len(soft) == 1:  # nothing to decide
            return MixedOperation(None, labels[:1], made[:1], self.selection)
        return MixedOperation(decision, labels, made, self.selection)


def _hard_first(options: Mapping[str, object], soft: Collection[str]) -> list[str]:
    """The labels in the order of a mixture's weights."""
    return [each for each in options if each not in soft] + [each for each in options if each in soft]
