"""NSGA-II finds more of a front than random search, on a space whose front is known by listing it."""

from __future__ import annotations

import numpy as np

import netwright as nw
from netwright.core.fronts import hypervolume
from netwright.methods import nsga2
from netwright.strategies import RandomSearch

SPACE = nw.spaces.NasBench201()
WORTH = np.array([0.0, 0.6, 0.7, 1.0, 0.5])  # of each operation, and what it costs: less is gained by each step up
COST = np.array([0.0, 0.05, 0.3, 1.0, 0.1])


def scores(architecture: nw.Architecture) -> tuple[float, float]:
    """Two smooth objectives with a front between all convolutions and nothing at all; decisions count differently."""
    options, weights = list(architecture.point), np.array([1.0, 0.8, 1.2, 0.6, 1.4, 1.0])
    return float((WORTH[options] * weights).sum()), -float((COST[options] * weights[::-1]).sum())


def found(make, seed: int, trials: int) -> float:
    measured = nw.estimators.Function(lambda each: dict(zip(("worth", "rest"), scores(each), strict=True)))
    search = nw.Search(make(SPACE), measured, ("worth:maximize", "rest:maximize"), seed=seed)
    return hypervolume([each.scores for each in search.run(trials=trials).trials], (0.0, -6.0))


def test_nsga2_finds_more_of_the_front_than_random_search_with_every_seed():
    best = hypervolume([scores(each) for each in SPACE.enumerate()], (0.0, -6.0))
    ours, random = ([found(make, seed, 200) for seed in range(3)] for make in (nsga2, RandomSearch))
    assert all(a > b for a, b in zip(ours, random, strict=True))
    assert min(ours) > 0.9 * best


def test_no_network_is_measured_twice_unless_it_is_asked_for():
    def different(strategy: nw.Strategy) -> int:
        search = nw.Search(strategy, nw.estimators.Function(lambda each: scores(each)[0], "worth"), "worth:maximize")
        return len({each.architecture for each in search.run(trials=150).trials})

    assert different(nsga2(SPACE)) == 150
    assert different(nsga2(SPACE, repeats=True)) < 150
