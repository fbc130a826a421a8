"""A picture with places for everything, to be shown or kept as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from netwright.core.errors import MissingExtra
from netwright.drawings.layout import Laid, laid_out
from netwright.drawings.picture import Picture
from netwright.drawings.sizes import SMALL, USUAL
from netwright.drawings.svg import written
from netwright.drawings.themes import theme_named


@dataclass(frozen=True)
class Drawing:
    """A picture that can be shown.

    picture: what is in it.
    small: whether it is a thumbnail without text.
    """

    picture: Picture
    small: bool = False

    @cached_property
    def panels(self) -> tuple[Laid, ...]:
        """Where everything stands, one of each panel."""
        return tuple(laid_out(panel, self._style) for panel in self.picture.panels)

    @property
    def _style(self) -> Any:
        return SMALL if self.small else USUAL

    def svg(self, theme: str = "auto") -> str:
        """The drawing as the text of an SVG file, the same for the same picture.

        theme: "light", "dark", "print", or "auto" for light that turns dark where its reader prefers that, by a style
            of its own; a page that allows no styles takes "light" and `stylesheet`.
        """
        return written(self.picture, self.panels, self._style, theme_named(theme), auto=theme == "auto")

    def png(self, theme: str = "light", scale: float = 2.0) -> bytes:
        """The drawing as a PNG file; MissingExtra without the extra `dashboard`.

        scale: pixels of the file to one of the drawing.
        """
        return _converter().svg_to_png(self.svg(theme), scale=scale)

    def pdf(self, theme: str = "print") -> bytes:
        """The drawing as a PDF file; MissingExtra without the extra `dashboard`."""
        return _converter().svg_to_pdf(self.svg(theme))

    def __str__(self) -> str:
        return f"{self.picture.title}: {self.picture.description}"

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, str]:
        """What a notebook shows: the drawing, and beside it text."""
        return {"text/html": self.svg(), "text/plain": str(self)}


def _converter() -> Any:
    try:
        import vl_convert
    except ImportError:
        raise MissingExtra("vl_convert", "dashboard") from None
    return vl_convert
