"""Fronts of several objectives: how much of the space of scores they dominate, and where they bend.

Scores are oriented throughout: larger is better.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from netwright.core.errors import ConfigurationError, UserError, nearest
from netwright.core.objective import Constraint, Scored, front

BEYOND = 0.1  # of a front's range in each objective: how far below its worst lies the reference point
LEAST_FOR_A_KNEE = 3  # points of a front with a bend: two lie on a line


class Measured(Scored, Protocol):
    """A trial with what it measured: `core.trial.Trial`, and the store's own."""

    @property
    def metrics(self) -> Mapping[str, float]: ...


S = TypeVar("S", bound=Measured)


def hypervolume(scores: ArrayLike, reference: Sequence[float]) -> float:
    """The measure of all that some point dominates and that dominates the reference (Zitzler and Thiele 1999).

    scores: (n, objectives), larger is better, in the objectives' units; none of them need be on the front. Points that
        are no better than the reference somewhere, and those with a score that is not finite, add nothing.
    reference: the scores below which nothing counts; (objectives,).

    Raises UserError where the reference has another number of objectives.
    """
    points = _table(scores)
    if len(points) and points.shape[1] != len(reference):
        raise UserError(f"the reference point has {len(reference)} numbers, but there are {points.shape[1]} objectives")
    counted = (
        points[np.isfinite(points).all(axis=1) & (points > np.asarray(reference)).all(axis=1)] if len(points) else ()
    )
    if not len(counted):
        return 0.0
    from moocore import hypervolume as measured  # pyright: ignore[reportMissingTypeStubs]

    return float(measured(counted, ref=list(reference), maximise=True))


def hypervolumes(scores: ArrayLike, reference: Sequence[float]) -> list[float]:
    """The hypervolume after the first point, after two, ...: float (n,), never less than before."""
    points, kept = _table(scores), np.empty((0, len(reference)))
    found: list[float] = []
    for point in points:
        if not len(kept) or not (kept >= point).all(axis=1).any():
            kept = np.vstack((kept[~(point >= kept).all(axis=1)], point))
            found.append(hypervolume(kept, reference))
        else:
            found.append(found[-1])
    return found


def attained(scores: Sequence[np.ndarray], share: float = 0.5) -> np.ndarray:
    """float64 (points, objectives): the front that at least this share of the seeds reach or beat everywhere.

    The level set of the empirical attainment function (Grunert da Fonseca et al. 2001).

    scores: of each seed, (trials, objectives), larger is better; those that are not finite are left out.
    share: above 0 and at most 1.

    Raises ConfigurationError for another share.
    """
    if not 0 < share <= 1:
        raise ConfigurationError(f"attained: share is {share!r}; expected above 0 and at most 1")
    from moocore import eaf  # pyright: ignore[reportMissingTypeStubs]

    complete = [each[np.isfinite(each).all(axis=1)] for each in scores]
    sets = np.repeat(np.arange(1, len(complete) + 1), list(map(len, complete)))
    found = eaf(-np.vstack(complete), sets=sets, percentiles=[100 * share])
    return -found[:, :-1]


def worst(scores: ArrayLike) -> tuple[float, ...]:
    """The worst finite score in each objective, a reference point that every measured point reaches.

    scores: (n, objectives), at least one row with a finite score in each column.
    """
    points = _table(scores)
    return tuple(float(column[np.isfinite(column)].min()) for column in points.T)


def scaled(scores: ArrayLike) -> np.ndarray:
    """float64 (n, objectives): each objective from 0, its worst of these, to 1, its best; 1 where all are equal."""
    points = _table(scores)
    low, high = points.min(axis=0), points.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    return np.where(high > low, (points - low) / width, 1.0)


def knee(points_of_front: ArrayLike) -> int | None:
    """The place of the point where a front bends most: farthest beyond the line between its ends (Das 1999).

    Each objective is scaled to 0..1 over the front, so that this is the point with the largest sum; the same holds for
    the plane through the ends of three objectives and more. Of equal ones the first. None where fewer than three points
    are finite, and where no point lies beyond the line.

    points_of_front: (n, objectives), of which none dominates another.
    """
    points = _table(points_of_front)
    places = np.flatnonzero(np.isfinite(points).all(axis=1)) if len(points) else np.empty(0, int)
    if len(places) < LEAST_FOR_A_KNEE:
        return None
    sums = scaled(points[places]).sum(axis=1)
    return int(places[sums.argmax()]) if sums.max() > 1 + 1e-12 else None


def spread(points_of_front: ArrayLike, count: int) -> list[int]:
    """Places of at most `count` points that stand for a front: each adds the most hypervolume to those before it.

    Objectives are scaled to 0..1 over the front, the reference point is a tenth below its worst in each. The first is
    thus near the middle, the next ones towards the ends. In the order in which they were chosen; of equal ones the
    first.

    points_of_front: (n, objectives), finite, of which none dominates another.
    count: how many are wanted.
    """
    points = _table(points_of_front)
    if not len(points):
        return []
    unit, chosen = scaled(points), list[int]()
    reference = (-BEYOND,) * unit.shape[1]
    while len(chosen) < min(count, len(unit)):
        left = [place for place in range(len(unit)) if place not in chosen]
        chosen.append(max(left, key=lambda place: hypervolume(unit[[*chosen, place]], reference)))
    return chosen


def best_within(trials: Sequence[S], limits: Sequence[Constraint]) -> S:
    """The best trial, by the first objective, then the next, of those that keep all limits and that no other dominates.

    trials: that are compared, as `Run.compared`.
    limits: on metrics that were measured, as `Constraint.parse("params <= 50k")`.

    Raises UserError where a metric was not measured, and where no trial keeps the limits; it names the nearest.
    """
    if not trials:
        raise UserError("no trial of this search completed")
    for limit in limits:
        known = {name for each in trials for name in each.metrics}
        if limit.metric not in known:
            raise UserError(f"{limit.metric!r} was not measured in this search{nearest(limit.metric, known)}")
    within = [each for each in trials if all(_keeps(each, limit) for limit in limits)]
    if within:
        return front(within)[0]
    closest = min(trials, key=lambda each: (sum(_excess(each, limit) for limit in limits), each.number))
    broken = next(limit for limit in limits if not _keeps(closest, limit))
    found = broken.violation(closest.metrics) if broken.metric in closest.metrics else f"without {broken.metric}"
    asked = " and ".join(map(str, limits))
    raise UserError(f"none of {len(trials)} trials keeps {asked}; the nearest is trial {closest.number}: {found}")


def _keeps(trial: Measured, limit: Constraint) -> bool:
    return limit.metric in trial.metrics and limit.holds(trial.metrics)


def _excess(trial: Measured, limit: Constraint) -> float:
    """By what share of the limit it is missed."""
    if _keeps(trial, limit):
        return 0.0
    value = trial.metrics.get(limit.metric, math.inf)
    return abs(value - limit.limit) / max(abs(limit.limit), 1e-12)


def _table(scores: ArrayLike) -> np.ndarray:
    found: Any = np.asarray(scores, dtype=np.float64)
    return found.reshape(len(found), -1) if len(found) else np.empty((0, 0))
