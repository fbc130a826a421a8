"""The best combination of rated parts within limits, against all combinations."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from netwright.strategies.paths.combining import best_combination


def by_brute_force(ratings, costs, room):
    every = product(*(range(len(each)) for each in ratings))
    keeping = [
        each
        for each in every
        if (sum(cost[i] for cost, i in zip(costs, each, strict=True)) <= room + 1e-9 * np.abs(room)).all()
    ]
    return min((sum(rating[i] for rating, i in zip(ratings, each, strict=True)) for each in keeping), default=None)


@pytest.mark.parametrize("limits", [1, 2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_no_combination_is_better(limits, seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 8, 5)
    ratings = [rng.random(size) for size in sizes]
    costs = [rng.normal(0.5, 1, (size, limits)) for size in sizes]
    room = rng.normal(1.0, 1, limits)
    found, best = best_combination(ratings, costs, room), by_brute_force(ratings, costs, room)
    assert (found is None) == (best is None)
    if found is not None:
        assert (sum(cost[i] for cost, i in zip(costs, found, strict=True)) <= room + 1e-9).all()
        assert sum(rating[i] for rating, i in zip(ratings, found, strict=True)) == pytest.approx(best)


def test_where_nothing_fits_there_is_none():
    assert best_combination([np.ones(2)], [np.array([[2.0], [3.0]])], np.array([1.0])) is None


def test_blocks_of_thousands_of_paths_are_combined_quickly():
    rng = np.random.default_rng(0)
    ratings, costs = [rng.random(2401) for _ in range(6)], [rng.random((2401, 2)) for _ in range(6)]
    found = best_combination(ratings, costs, np.array([1.5, 1.5]))
    assert found is not None and len(found) == 6
