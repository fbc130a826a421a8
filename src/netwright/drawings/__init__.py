"""Architectures and networks as drawings, by a layout of our own: SVG without scripts, always the same for the same."""

from __future__ import annotations

from netwright.drawings.architectures import draw_architecture, drawing
from netwright.drawings.differences import draw_difference
from netwright.drawings.drawing import Drawing
from netwright.drawings.networks import draw_network
from netwright.drawings.panels import Said
from netwright.drawings.picture import Box, Line, Panel, Picture
from netwright.drawings.themes import stylesheet

__all__ = [
    "Box",
    "Drawing",
    "Line",
    "Panel",
    "Picture",
    "Said",
    "draw_architecture",
    "draw_difference",
    "draw_network",
    "drawing",
    "stylesheet",
]
