"""Fewer rows where there are too many for a picture, always the same ones, and never without saying so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

MOST_POINTS = 4000
MOST_LINES = 2000
R = TypeVar("R")


def sampled(rows: Sequence[R], most: int, keep: Callable[[R], bool] = lambda _: False) -> list[R]:
    """At most about so many of the rows, in their order: those to keep, and an even random pick of the others."""
    if len(rows) <= most:
        return list(rows)
    kept = [bool(keep(each)) for each in rows]
    others = [place for place, each in enumerate(kept) if not each]
    room = max(0, most - sum(kept))
    chosen = np.random.default_rng(0).choice(len(others), size=min(room, len(others)), replace=False)
    places = {*(place for place, each in enumerate(kept) if each), *(others[each] for each in chosen)}
    return [rows[place] for place in sorted(places)]


def sampled_note(shown: int, there: int, what: str) -> str:
    """ " 4,000 of 50,000 trials are shown." where some are not; "" otherwise."""
    return f" {shown:,} of {there:,} {what} are shown, picked at random." if shown < there else ""
