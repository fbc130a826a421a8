"""Strategies compared by hypervolume and attainment, on a table whose front is known."""

from __future__ import annotations

import numpy as np
import pytest

import netwright as nw
from netwright.benchmarks import FrontComparison, compare_fronts
from netwright.core.errors import ConfigurationError
from netwright.core.fronts import hypervolume
from netwright.core.objective import Objective

pytest.importorskip("statsmodels")
SPACE = nw.spaces.NasBench201()


def made_table() -> nw.estimators.Table:
    cells = list(SPACE.enumerate())
    gain = [
        float(np.array([0.0, 0.4, 0.7, 1.0, 0.2])[list(each.point)] @ [1.0, 0.8, 1.2, 0.6, 1.4, 1.0]) for each in cells
    ]
    cost = [
        float(np.array([0.1, 0.15, 0.3, 1.0, 0.1])[list(each.point)] @ [1.0, 1.4, 0.6, 1.2, 0.8, 1.0]) for each in cells
    ]
    return nw.estimators.Table(SPACE, {"arch": cells, "gain": gain, "latency_ms": cost})


def test_what_finds_more_is_told_apart_and_the_reference_is_said() -> None:
    two = {"nsga2": "nsga2", "listed": nw.strategies.Exhaustive}
    found = compare_fronts(two, made_table(), ["gain", "latency_ms"], 30, 7, reference=(0.0, 7.0))
    assert found.reference == (0.0, -7.0)
    assert found.hypervolumes["nsga2"].min() > found.hypervolumes["listed"].max()
    for own, value in zip(found.scores["nsga2"], found.hypervolumes["nsga2"], strict=True):
        assert value == pytest.approx(hypervolume(own, (0.0, -7.0)))
    curve = found.curve("nsga2")
    assert curve.shape == (7, 30) and (np.diff(curve) >= 0).all()
    text = "\n".join(found.lines())
    assert "reference point gain 0, latency_ms 7" in text and "nsga2 finds a larger hypervolume than listed" in text


def test_the_median_front_is_what_half_of_the_seeds_attain() -> None:
    """Brute force on a grid: a place counts where at least so many seeds have a point no worse in both."""
    draws = np.random.default_rng(0)
    seeds = [draws.integers(0, 6, (4, 2)).astype(float) for _ in range(4)]
    objectives = Objective("a"), Objective("b")
    found = FrontComparison(objectives, (0.0, 0.0), {"x": seeds}, {}, ())
    for share in (0.25, 0.5, 1.0):
        level = found.attained("x", share)
        for place in np.argwhere(np.ones((7, 7))).astype(float):
            count = sum((each >= place).all(axis=1).any() for each in seeds)
            assert (level >= place).all(axis=1).any() == (count >= 4 * share)


def test_one_objective_has_no_front() -> None:
    with pytest.raises(ConfigurationError, match="needs two objectives"):
        compare_fronts("random", made_table(), ["gain"], 5, 2)
