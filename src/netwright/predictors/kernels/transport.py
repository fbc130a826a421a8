"""Optimal transport between layers of which some may be left out (Kandasamy et al. 2018, equation 1)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment, linprog

_LARGEST = 8  # for which 2^n sets are fewer operations than an assignment for each problem


def transport_cost(costs: np.ndarray, supply: float, demand: float, penalty: float = 1.0) -> float:
    """The least cost of matching masses: `supply` in each row, `demand` in each column.

    A mass that is matched costs `costs`, one that is left unassigned `penalty`, on either side. The problem is that of
    saving: without a match all pay the penalty, and matching a unit saves 2 penalty - cost where that is positive.
    """
    rows, columns = costs.shape
    return penalty * (supply * rows + demand * columns) + best_saving(
        np.minimum(costs - 2 * penalty, 0.0), supply, demand
    )


def best_saving(changes: np.ndarray, supply: float, demand: float) -> float:
    """The least sum of Z * changes, none of them positive; rows of Z sum to at most `supply`, columns to `demand`."""
    if not changes.size:
        return 0.0
    if changes.shape == (1, 1):
        return min(supply, demand) * float(changes[0, 0])
    if supply == demand:  # a transport problem of equal masses has a solution that moves each of them whole
        return supply * float(changes[linear_sum_assignment(changes)].sum())
    return _linear_program(changes, supply, demand)


def best_savings(changes: np.ndarray) -> np.ndarray:
    """`best_saving` with masses of 1 for many problems (pairs, rows, columns); pad smaller ones with zeros; (pairs,).

    Up to 8 rows and columns, all problems at once: the least sum for the first rows with each set of columns follows
    from that for one row less (dynamic programming). Larger ones are solved one by one. Which way a problem is solved,
    and how its sum is rounded, depends on its own size alone.
    """
    heights, widths = _extents(changes)
    small = np.maximum(heights, widths) <= _LARGEST
    found = np.empty(len(changes))
    for k in np.flatnonzero(~small).tolist():
        own = changes[k, : heights[k], : widths[k]]
        found[k] = own[linear_sum_assignment(own)].sum()
    found[small] = _small_savings(changes[small, :_LARGEST, :_LARGEST])
    return found


def _extents(changes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many rows and columns there are up to the last one that is not all zeros, int64 (pairs,) each."""
    used = changes != 0
    sides = used.any(axis=2), used.any(axis=1)
    heights, widths = ((np.arange(1, each.shape[1] + 1) * each).max(axis=1, initial=0) for each in sides)
    return heights, widths


def _small_savings(changes: np.ndarray) -> np.ndarray:
    """Those of at most 8 rows and columns."""
    size = max(changes.shape[1:])
    costs = np.zeros((size, size, len(changes)))
    costs[: changes.shape[1], : changes.shape[2]] = changes.transpose(1, 2, 0)
    least = np.full((1 << size, len(changes)), np.inf)
    least[0] = 0.0
    for taken in range(1, 1 << size):
        row = costs[taken.bit_count() - 1]
        for column in range(size):
            if taken >> column & 1:
                np.minimum(least[taken], least[taken ^ 1 << column] + row[column], out=least[taken])
    return least[-1]


def _linear_program(changes: np.ndarray, supply: float, demand: float) -> float:
    rows, columns = changes.shape
    sums = np.concatenate((np.kron(np.eye(rows), np.ones(columns)), np.kron(np.ones(rows), np.eye(columns))))
    limits = np.concatenate((np.full(rows, supply), np.full(columns, demand)))
    found = linprog(changes.ravel(), A_ub=sums, b_ub=limits, bounds=(0, None), method="highs")
    assert found.status == 0, found.message
    return float(found.fun)
