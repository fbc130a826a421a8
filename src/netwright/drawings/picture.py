"""What is drawn, before it has a place: boxes, lines between them, and panels that stand side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MARKS = ("", "added", "removed", "changed")


@dataclass(frozen=True, slots=True)
class Box:
    """One thing that is computed.

    name: that lines call it by, once in its panel.
    title: what stands in it.
    details: smaller lines below the title.
    kind: one of `kinds.KINDS`, which gives its colour; "state" is a small circle.
    facts: names and values that are shown where a pointer rests on it.
    mark: of a difference, one of MARKS.
    side: of what it gives, in pixels or steps; 0 where there is none.
    """

    name: str
    title: str = ""
    details: tuple[str, ...] = ()
    kind: str = "other"
    facts: tuple[tuple[str, str], ...] = ()
    mark: str = ""
    side: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """From box to box.

    source, target: names of boxes.
    mark: of a difference, one of MARKS.
    """

    source: str
    target: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph without circles that is laid out by itself.

    title: above it; may be empty.
    boxes: in an order that the layout keeps where nothing speaks against it.
    lines: between these boxes.
    """

    title: str
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that one drawing shows.

    title: one line.
    description: one sentence or two for who can't see it.
    panels: side by side.
    notes: lines at the foot, such as what was measured.
    """

    title: str
    description: str
    panels: tuple[Panel, ...]
    notes: tuple[str, ...] = ()

    @property
    def boxes(self) -> Iterable[Box]:
        """Those of every panel."""
        return (box for panel in self.panels for box in panel.boxes)
