"""Where the parts of a drawing are: spots of boxes, and the ways of lines between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netwright.drawings.picture import Line

Point = tuple[float, float]  # pixels from the left and from the top


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a box stands, in pixels: its middle, its width and its height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Way:
    """The way of a line.

    line: whose it is.
    bends: points from box to box.
    straight: the numbers of the points from which it goes straight to the next one; from others it goes in a curve.
    heading: where it goes at its end, "down", "up" or "right".
    """

    line: Line
    bends: tuple[Point, ...]
    straight: frozenset[int] = frozenset()
    heading: str = "down"


@dataclass(frozen=True, slots=True)
class Laid:
    """A panel with places.

    spots: by the name of the box.
    ways: one a line.
    width, height: in pixels.
    """

    spots: Mapping[str, Spot]
    ways: tuple[Way, ...]
    width: float
    height: float
