"""What a notebook shows of architectures, spaces, trials and runs: `core.display.drawn` asks for it by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.drawings.architectures import draw_architecture

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture

MOST = 200  # boxes, from which on nobody reads a drawing between other outputs


def architecture(found: Architecture) -> str:
    """An architecture as SVG; empty for one of too many boxes."""
    drawing = draw_architecture(found.space, found)
    return drawing.svg() if sum(1 for _ in drawing.picture.boxes) <= MOST else ""
