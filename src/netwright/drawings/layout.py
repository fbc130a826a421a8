"""Where everything of a panel stands: from top to bottom, in columns where that is too high, or as a U."""

from __future__ import annotations

from netwright.drawings.columns import in_columns
from netwright.drawings.picture import Panel
from netwright.drawings.places import Laid
from netwright.drawings.rows import arranged, at_heights
from netwright.drawings.sizes import Style
from netwright.drawings.u_shape import in_u, way_up


def laid_out(panel: Panel, style: Style) -> Laid:
    """The places of everything in a panel; the same for the same panel, always.

    Raises UserError for lines that go in a circle.
    """
    up = way_up(panel)
    if up:
        return in_u(panel, up, style)
    found = arranged(panel, style)
    laid = at_heights(found, found.tops)
    return laid if style.small else in_columns(laid, tuple(zip(found.tops, found.heights, strict=True)))
