"""Architectures and networks as drawings, by a layout of our own: SVG without scripts, always the same for the same."""

from __future__ import annotations

from netwright.drawings.architectures import draw_architecture, drawing
from netwright.drawings.drawing import Drawing
from netwright.drawings.picture import Box, Line, Panel, Picture
from netwright.drawings.themes import stylesheet

__all__ = ["Box", "Drawing", "Line", "Panel", "Picture", "draw_architecture", "drawing", "stylesheet"]
