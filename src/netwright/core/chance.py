"""How far two scores may lie apart by the choice of the examples alone."""

from __future__ import annotations

from math import sqrt

PAIRED = 0.7
"""Of the standard error of one score is that of a difference, where both are of the same examples: of two networks that
are right alike often, most examples are answered alike."""


def by_chance(share: float, examples: int | None) -> float:
    """What another score may be above or below this share of so many examples without that meaning anything.

    share: from 0 to 1, of examples answered rightly or like it.
    examples: None where the score is no such share, for which this is 0.
    """
    if not examples or not 0 <= share <= 1:
        return 0.0
    return PAIRED * sqrt(share * (1 - share) / examples)
