"""Trials that keep further limits, and what is left of them: "7 of 300 remain; their knee is trial 12"."""

from __future__ import annotations

import numpy as np

from netwright.charts.run_data import RunData
from netwright.core.errors import UserError, nearest
from netwright.core.fronts import knee
from netwright.core.objective import Constraint


def limits_of(text: str) -> list[Constraint]:
    """Limits that are separated by semicolons."""
    return [Constraint.parse(each) for each in text.split(";") if each.strip()]


def keeping(data: RunData, within: str) -> np.ndarray:
    """bool (n,): the trials that keep all of these limits; UserError for a metric that was not measured."""
    kept = np.ones(len(data), dtype=bool)
    for limit in limits_of(within):
        if limit.metric not in data.metrics:
            raise UserError(
                f"{limit.metric!r} was not measured in run {data.name!r}{nearest(limit.metric, data.metrics)}"
            )
        values = data.metrics[limit.metric]
        with np.errstate(invalid="ignore"):
            kept &= values <= limit.limit if limit.relation == "<=" else values >= limit.limit
    return kept


def said(data: RunData, within: str, kept: np.ndarray, places: np.ndarray) -> str:
    """The sentence about what remains: how many, the best, and the knee of their front.

    kept: bool (n,), of these places.
    """
    limits = " and ".join(map(str, limits_of(within)))
    left = places[kept]
    if not len(left):
        return f" None of the {len(places)} trials keeps {limits}."
    best = max(left.tolist(), key=lambda each: (tuple(data.scores[each]), -each))
    sentence = f" {len(left)} of {len(places)} trials keep {limits}; the best of them is trial {data.numbers[best]}"
    bend = knee_of(data, left) if data.scores.shape[1] > 1 else None
    return f"{sentence}, the knee of their front is trial {data.numbers[bend]}." if bend is not None else f"{sentence}."


def knee_of(data: RunData, places: np.ndarray) -> int | None:
    """The place of the knee of the front of these trials, in all objectives."""
    from moocore import is_nondominated  # pyright: ignore[reportMissingTypeStubs]

    scores = data.scores[places]
    front = places[np.asarray(is_nondominated(scores, maximise=True, keep_weakly=False), dtype=bool)]
    bend = knee(data.scores[front])
    return None if bend is None else int(front[bend])
