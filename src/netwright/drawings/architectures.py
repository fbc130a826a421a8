"""Architectures as drawings: the decided parts, with what they cost where the data's shape is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from netwright.core.graph import Graph
from netwright.drawings.drawing import Drawing
from netwright.drawings.panels import Said, decided, described, on_meta, panels_of
from netwright.drawings.picture import Picture

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.task import TaskShape


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
