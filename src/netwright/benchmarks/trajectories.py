"""The best network so far over a search's budget: chosen by the metric that was searched, shown by the one reported."""

from __future__ import annotations

import numpy as np


def incumbents(scores: np.ndarray, fidelities: np.ndarray) -> np.ndarray:
    """For each evaluation in the order they ended, the index of the best one so far; -1 while none has a score.

    scores: (n,), larger is better, NaN where an evaluation has none. Evaluations at the highest fidelity so far are
        compared by score; of equal ones the earlier stays.
    """
    n = len(scores)
    usable = ~np.isnan(scores)
    if not usable.any():
        return np.full(n, -1)
    ranks = np.where(usable, scores, -np.inf)
    if np.ptp(fidelities[usable]) > 0:
        keys = np.stack([fidelities[usable], scores[usable]], axis=1)
        ranks[usable] = np.unique(keys, axis=0, return_inverse=True)[1].ravel()
    before = np.maximum.accumulate(np.concatenate([[-np.inf], ranks[:-1]]))
    first = np.cumsum(usable) == 1  # a score may be minus infinity
    return np.maximum.accumulate(np.where((ranks > before) | (usable & first), np.arange(n), -1))


def sampled(positions: np.ndarray, values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Values at the points of a grid, each held until the next position; NaN before the first.

    positions: (n,), where on the budget each value begins, in ascending order.
    """
    places = np.searchsorted(positions, grid, side="right") - 1
    return np.where(places >= 0, values[np.maximum(places, 0)] if len(values) else np.nan, np.nan)
