"""How large boxes are: as large as what stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netwright.drawings.letters import width_of
from netwright.drawings.picture import Box, Panel

TITLE, DETAIL = 12.0, 10.0  # sizes of the fonts, in pixels
WIDEST = 190.0  # of a box, in pixels; longer text is cut


@dataclass(frozen=True, slots=True)
class Style:
    """Measures of a drawing, in pixels.

    gap: between neighbours. drop: between rows at least. small: whether it is a thumbnail, without text.
    """

    gap: float
    drop: float
    small: bool = False


USUAL = Style(gap=18.0, drop=26.0)
SMALL = Style(gap=4.0, drop=6.0, small=True)


def sizes_of(panel: Panel, style: Style) -> dict[str, tuple[float, float]]:
    """Width and height of each box."""
    return {box.name: size_of(box, style) for box in panel.boxes}


def size_of(box: Box, style: Style) -> tuple[float, float]:
    """Width and height of a box."""
    if style.small:
        return (5.0, 5.0) if box.kind == "state" else (16.0, 8.0)
    if box.kind == "state" and not box.details and width_of(box.title, DETAIL) <= 20:
        return (24.0, 24.0)
    lines = [(box.title, TITLE), *((each, DETAIL) for each in box.details)]
    wide = max(width_of(text, size) for text, size in lines) + 20 + (14 if box.mark else 0)
    return min(WIDEST, max(44.0, wide)), 14 + TITLE + sum(DETAIL + 3 for _ in box.details)


def widths(sizes: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    return {name: size[0] for name, size in sizes.items()}
