"""Architectures as pictures: the decided parts, cells beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from netwright.core.errors import ConfigurationError
from netwright.core.graph import Edge, Graph, Node
from netwright.core.wording import listed
from netwright.drawings.drawing import Drawing
from netwright.drawings.kinds import kind_of, readable
from netwright.drawings.picture import Box, Line, Panel, Picture

if TYPE_CHECKING:
    from torch import nn

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.task import TaskShape


TWO_INPUTS = ("normal", "reduce", "down", "up")  # cells that read the outputs of the two cells before them


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a box besides its operation.

    details: lines in the box.
    facts: names and values, shown where a pointer rests.
    """

    details: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


NOTHING = Said()


def drawing(
    graph: Graph,
    title: str = "architecture",
    *,
    said: Mapping[str, Said] = MappingProxyType({}),
    notes: Sequence[str] = (),
    small: bool = False,
) -> Drawing:
    """A graph as a drawing.

    graph: of an architecture. Operations on edges become boxes of their own; cells that no edge connects stand beside
        each other.
    title: one line.
    said: by the name of a node, or `edge_box` of an edge, what is said of it besides its operation.
    notes: lines below.
    small: a thumbnail without text.
    """
    panels = panels_of(graph, said)
    return Drawing(Picture(title, described(panels), panels, tuple(notes)), small)


def draw_architecture(
    space: Space,
    architecture: Architecture,
    shape: TaskShape | None = None,
    *,
    latencies: Mapping[str, float] | None = None,
    title: str = "",
    small: bool = False,
) -> Drawing:
    """The decided parts of an architecture; the whole network where a space decides on numbers alone.

    space: in which it lies.
    architecture: what is drawn.
    shape: of the data; with it, each operation has what it gives and costs.
    latencies: with a shape, milliseconds by the name of the network's module that takes them.
    title: by default the space's name.
    small: a thumbnail without text.
    """
    title = title or f"an architecture of {space.name}"
    graph = decided(space, architecture)
    if not graph.operations:
        from netwright.drawings.networks import draw_network

        network = on_meta(space, architecture, shape or space.traced_shape)
        example = (shape or space.traced_shape).input
        return draw_network(network, example, title=title, latencies=latencies, small=small)
    if shape is None or small:
        return drawing(graph, title, small=small)
    from netwright.drawings.costs import said_of

    said, notes = said_of(space, architecture, graph, shape, latencies or {})
    return drawing(graph, title, said=said, notes=notes)


def decided(space: Space, architecture: Architecture) -> Graph:
    """The graph of what was decided; without nodes for a space that draws none."""
    try:
        return space.drawn(architecture)
    except ConfigurationError:
        return Graph((), ())


def on_meta(space: Space, architecture: Architecture, shape: TaskShape) -> nn.Module:
    """The network without its numbers, which takes no memory."""
    import torch

    with torch.device("meta"):
        return space.build(architecture, shape)


def edge_box(edge: Edge) -> str:
    """The name of the box of an operation on an edge."""
    return f"{edge.source} to {edge.target} by {edge.operation}"


def panels_of(graph: Graph, said: Mapping[str, Said]) -> tuple[Panel, ...]:
    """One panel for each cell that nothing connects to others, or one for everything."""
    group = {node.name: node.group for node in graph.nodes}
    apart = all(group[edge.source] == group[edge.target] for edge in graph.edges)
    names = list(dict.fromkeys(group.values())) if apart else [""]
    alone = len(names) == 1
    return tuple(
        _panel(
            "" if alone else _heading(name),
            [node for node in graph.nodes if alone or node.group == name],
            [edge for edge in graph.edges if alone or group[edge.source] == name],
            said,
        )
        for name in names
    )


def _heading(group: str) -> str:
    return f"{group} cell" if group in TWO_INPUTS else group


def _panel(
    title: str, nodes: Iterable[Node], edges: Sequence[Edge], said: Mapping[str, Said] = MappingProxyType({})
) -> Panel:
    nodes = list(nodes)
    works = any(node.operation for node in nodes)
    boxes = [box_of(node, said.get(node.name, NOTHING)) for node in nodes]
    lines: dict[Line, None] = {}
    for number, edge in enumerate(edges):
        if not edge.operation or (works and kind_of(edge.operation) == "skip"):
            lines[Line(edge.source, edge.target)] = None
            continue
        own = edge_box(edge)
        name = own if all(box.name != own for box in boxes) else f"{own} {number}"
        boxes.append(operation_box(name, edge.operation, said.get(own, NOTHING)))
        lines |= {Line(edge.source, name): None, Line(name, edge.target): None}
    return Panel(title, tuple(boxes), tuple(lines))


def box_of(node: Node, said: Said) -> Box:
    """A node as a box: a state by its number, anything else by its operation."""
    if node.operation:
        return operation_box(node.name, node.operation, said, place=node.name)
    short = node.name.rpartition("/")[2]
    if short.startswith(("input", "output", "stem")):
        title = {"input0": "cell k−2", "input1": "cell k−1"}.get(short, short) if node.group in TWO_INPUTS else short
        return Box(node.name, title.removesuffix("0"), said.details, "input", (("state", node.name), *said.facts))
    number = short.removeprefix("node").removeprefix("vertex")
    return Box(node.name, number, kind="state", facts=(("state", node.name), *said.facts))


def operation_box(name: str, operation: str, said: Said, *, place: str = "") -> Box:
    """An operation as a box."""
    title, details = readable(operation)
    facts = (("operation", operation), *((("place", place),) if place else ()), *said.facts)
    return Box(name, title, (*details, *said.details), kind_of(operation), facts)


def described(panels: Sequence[Panel]) -> str:
    """A drawing in words, for who can't see it."""
    return "; ".join(filter(None, map(_in_words, panels)))


def _in_words(panel: Panel) -> str:
    titles = [box.title for box in panel.boxes if box.kind not in ("state", "input")]
    counts = {title: titles.count(title) for title in titles}
    said = listed([f"{count} {title}" if count > 1 else title for title, count in counts.items()], 8)
    return f"{panel.title}: {said}" if panel.title else said
