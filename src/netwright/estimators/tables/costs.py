"""Whether the costs of a table are numbers of seconds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from netwright.core.spelling import option
from netwright.estimators.tables.arrangement import Arrangement
from netwright.estimators.tables.source_columns import Columns


def require_seconds(columns: Columns, where: Arrangement, cost: NDArray[np.float64], name: str, followed: bool) -> None:
    """DataError, with the rows, for costs below 0, and for those that fall where rows are one training (`followed`)."""
    negative = np.flatnonzero(cost < 0).tolist()
    if negative:
        raise columns.refuse(negative, lambda row: f"{cost[row]:g} in column {name!r} is no number of seconds")
    falling = {row: before for row, before in _steps(where) if cost[row] < cost[before]} if followed else {}
    if falling:
        raise columns.refuse(
            list(falling),
            lambda row: (
                f"{cost[row]:g} in column {name!r} is less than the {cost[falling[row]]:g} of "
                f"{columns.row(falling[row])}, which comes before it in the same training"
            ),
            f"With {option('curve', True)} {name!r} holds the seconds since the training began",
        )


def _steps(where: Arrangement) -> Iterator[tuple[int, int]]:
    """Each row with the one at the next smaller budget of the same training, where it is known which one that is."""
    step, names = max(1, len(where.budgets)), None if where.repeats is None else where.repeats.tolist()
    present, earlier = -1, {}
    for number in sorted(where.rows):
        place, rows = number // step, where.rows[number]
        if place != present:
            present, earlier = place, {}
        repeats = [0.0 if names is None else names[row] for row in rows]
        for row, repeat in zip(rows, repeats, strict=True):
            if len(rows) > 1 and repeats.count(repeat) > 1:
                continue
            if repeat in earlier:
                yield row, earlier[repeat]
            earlier[repeat] = row
