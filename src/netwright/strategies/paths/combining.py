"""The best combination of parts that were rated one by one, within limits on what they cost together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PROVIDES = ("search.dp_decode",)

MOST_KEPT = 4000  # combinations of the first parts that are followed; above, those that are spread over their ratings

Floats = NDArray[np.float64]


def best_combination(ratings: Sequence[Floats], costs: Sequence[Floats], room: Floats) -> list[int] | None:
    """One option of each part, so that their ratings sum to the least and their costs fit; None where none do.

    Exact, by dynamic programming over the parts: of the combinations of the first parts those are followed that no
    other one equals in rating and costs and that leave room for the cheapest rest. Where these are more than 4,000, as
    under several limits, some of them, the cheapest in each cost among them.

    ratings: of each part, (options,), the smaller the better.
    costs: of each part, (options, limits), of any sign.
    room: (limits,), what they may sum to.
    """
    rest = np.array([each.min(axis=0) for each in costs])[::-1].cumsum(axis=0)[::-1]
    rest = np.vstack([rest[1:], np.zeros_like(room)])
    table = np.zeros((1, 1 + len(room)))  # of each combination its rating and costs
    history: list[NDArray[np.int64]] = []
    for rating, cost, later in zip(ratings, costs, rest, strict=True):
        options = np.column_stack([rating, cost])
        grown = (table[:, None] + options[None]).reshape(-1, options.shape[1])
        kept = _worth_following(grown, room - later + 1e-9 * np.abs(room))
        if not len(kept):
            return None
        table = grown[kept]
        history.append(np.column_stack(np.divmod(kept, len(options))))
    place, found = int(table[:, 0].argmin()), list[int]()
    for steps in reversed(history):
        place, option = map(int, steps[place])
        found.append(option)
    return found[::-1]


def _worth_following(table: Floats, room: Floats) -> NDArray[np.int64]:
    """The places of the rows that fit and that no other one equals in everything."""
    from moocore import is_nondominated  # pyright: ignore[reportMissingTypeStubs]

    fits = np.flatnonzero((table[:, 1:] <= room).all(axis=1))
    if not len(fits):
        return fits
    front = fits[is_nondominated(table[fits], keep_weakly=False)]
    if len(front) <= MOST_KEPT:
        return front
    order = front[table[front, 0].argsort(kind="stable")]
    spread = order[np.linspace(0, len(order) - 1, MOST_KEPT).round().astype(int)]
    return np.union1d(spread, front[table[front].argmin(axis=0)])
