"""What a strategy has asked already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.strategies.unseen import Unseen

if TYPE_CHECKING:
    from netwright.core.decisions import Point


class Asked(Unseen):
    """Draws what was not asked yet, and tells whether a canonical form was."""

    def __contains__(self, point: Point) -> bool:
        return point in self._asked
