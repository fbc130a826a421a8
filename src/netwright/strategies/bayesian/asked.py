"""What a strategy has asked already."""

from __future__ import annotations

from collections.abc import Hashable

from netwright.strategies.unseen import Unseen


class Asked(Unseen):
    """Draws what was not asked yet, and tells whether a canonical form was."""

    def __contains__(self, key: Hashable) -> bool:
        return key in self._asked
