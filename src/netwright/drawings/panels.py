"""From a graph of decisions to panels of boxes and lines: cells beside each other, operations as boxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwright.core.errors import ConfigurationError
from netwright.core.graph import Edge, Graph, Node
from netwright.core.wording import listed
from netwright.drawings.kinds import kind_of, readable
from netwright.drawings.picture import Box, Line, Panel

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


def _panel(title: str, nodes: Iterable[Node], edges: Sequence[Edge], said: Mapping[str, Said]) -> Panel:
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
