"""Architectures as pictures: the decided parts, cells beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from netwright.core.graph import Edge, Graph, Node
from netwright.core.wording import listed
from netwright.drawings.drawing import Drawing
from netwright.drawings.kinds import kind_of, readable
from netwright.drawings.picture import Box, Line, Panel, Picture

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space


def drawing(
    graph: Graph,
    title: str = "architecture",
    *,
    facts: Mapping[str, Mapping[str, str]] | None = None,
    notes: Sequence[str] = (),
    small: bool = False,
) -> Drawing:
    """A graph as a drawing.

    graph: of an architecture. Operations on edges become boxes of their own; cells that no edge connects stand beside
        each other.
    title: one line.
    facts: of nodes, by name, what is said of each: shown where a pointer rests, the first two also in the box.
    notes: lines below.
    small: a thumbnail without text.
    """
    panels = panels_of(graph, facts or {})
    return Drawing(Picture(title, described(panels), panels, tuple(notes)), small)


def draw_architecture(space: Space, architecture: Architecture, *, title: str = "", small: bool = False) -> Drawing:
    """The decided parts of an architecture.

    space: in which it lies.
    architecture: what is drawn.
    title: by default the space's name.
    small: a thumbnail without text.

    Raises ConfigurationError for a space that draws no graphs.
    """
    return drawing(space.graph(architecture), title or f"an architecture of {space.name}", small=small)


def panels_of(graph: Graph, facts: Mapping[str, Mapping[str, str]]) -> tuple[Panel, ...]:
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
            facts,
        )
        for name in names
    )


def _heading(group: str) -> str:
    return f"{group} cell" if group in ("normal", "reduce", "reduction", "down", "up") else group


def _panel(title: str, nodes: Iterable[Node], edges: Sequence[Edge], facts: Mapping[str, Mapping[str, str]]) -> Panel:
    nodes = list(nodes)
    works = any(node.operation for node in nodes)
    boxes = [box_of(node, facts.get(node.name, {})) for node in nodes]
    lines: dict[Line, None] = {}
    for number, edge in enumerate(edges):
        if not edge.operation or (works and kind_of(edge.operation) == "skip"):
            lines[Line(edge.source, edge.target)] = None
            continue
        name = f"{edge.source} to {edge.target} by {edge.operation}"
        name = name if all(box.name != name for box in boxes) else f"{name} {number}"
        boxes.append(operation_box(name, edge.operation, facts.get(name, {})))
        lines |= {Line(edge.source, name): None, Line(name, edge.target): None}
    return Panel(title, tuple(boxes), tuple(lines))


def box_of(node: Node, facts: Mapping[str, str]) -> Box:
    """A node as a box: a state by its number, anything else by its operation."""
    if node.operation:
        return operation_box(node.name, node.operation, facts, place=node.name)
    short = node.name.rpartition("/")[2]
    if short.startswith(("input", "output", "stem")):
        return Box(node.name, short.replace("_", " "), kind="input", facts=tuple(facts.items()))
    number = short.removeprefix("node").removeprefix("vertex")
    return Box(node.name, number, kind="state", facts=(("state", node.name), *facts.items()))


def operation_box(name: str, operation: str, facts: Mapping[str, str], *, place: str = "") -> Box:
    """An operation as a box."""
    title, details = readable(operation)
    said = (("operation", operation), *((("place", place),) if place else ()), *facts.items())
    return Box(name, title, (*details, *list(facts.values())[:2]), kind_of(operation), said)


def described(panels: Sequence[Panel]) -> str:
    """A drawing in words, for who can't see it."""
    return "; ".join(filter(None, map(_in_words, panels)))


def _in_words(panel: Panel) -> str:
    titles = [box.title for box in panel.boxes if box.kind not in ("state", "input")]
    counts = {title: titles.count(title) for title in titles}
    said = listed([f"{count} {title}" if count > 1 else title for title, count in counts.items()], 8)
    return f"{panel.title}: {said}" if panel.title else said
