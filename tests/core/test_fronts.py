from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.core.errors import UserError
from netwright.core.fronts import best_within, hypervolume, hypervolumes, knee, scaled, spread, worst
from netwright.core.objective import Constraint
from netwright.core.trial import Measurement, Proposal, Trial

grids = st.integers(1, 3).flatmap(
    lambda m: st.lists(st.tuples(*[st.integers(0, 5).map(float)] * m), min_size=1, max_size=8)
)


@given(grids)
@settings(max_examples=40, deadline=None)
def test_the_hypervolume_counts_the_cells_of_a_grid_that_some_point_covers(points):
    """Brute force: with whole coordinates the measure is the number of unit cells below some point."""
    cells = itertools.product(range(5), repeat=len(points[0]))
    covered = sum(any(all(c + 1 <= p for c, p in zip(cell, point, strict=True)) for point in points) for cell in cells)
    assert hypervolume(points, (0.0,) * len(points[0])) == pytest.approx(covered)


@given(grids)
@settings(max_examples=25, deadline=None)
def test_hypervolumes_are_those_of_all_points_so_far(points):
    reference = (0.5,) * len(points[0])
    expected = [hypervolume(points[: count + 1], reference) for count in range(len(points))]
    assert hypervolumes(points, reference) == pytest.approx(expected)


def test_what_is_beyond_the_reference_or_not_finite_adds_nothing():
    assert hypervolume([(2.0, 3.0), (5.0, -1.0), (math.nan, 9.0), (-math.inf, 9.0)], (0.0, 0.0)) == 6.0
    assert hypervolume([], (0.0, 0.0)) == 0.0
    with pytest.raises(UserError, match="3 numbers, but there are 2 objectives"):
        hypervolume([(1.0, 2.0)], (0.0, 0.0, 0.0))


def test_the_worst_leaves_out_what_is_not_finite():
    assert worst([(1.0, -math.inf), (0.5, 3.0), (math.nan, 2.0)]) == (0.5, 2.0)


def test_the_knee_is_farthest_from_the_line_between_the_ends():
    """Against the distance of each point from that line, in units of the range, by vectors."""
    front = np.array([(0.0, -10.0), (0.5, -30.0), (0.85, -60.0), (0.95, -300.0), (1.0, -900.0)])
    unit = scaled(front)
    along = (unit[-1] - unit[0]) / np.linalg.norm(unit[-1] - unit[0])
    away = [float(np.linalg.norm(p - unit[0] - ((p - unit[0]) @ along) * along)) for p in unit]
    assert knee(front) == int(np.argmax(away)) == 2


def test_a_front_that_does_not_bend_outwards_has_no_knee():
    assert knee([(0.0, 2.0), (1.0, 1.0), (2.0, 0.0)]) is None
    assert knee([(0.0, 2.0), (0.5, 0.5), (2.0, 0.0)]) is None
    assert knee([(0.0, 1.0), (1.0, 0.0)]) is None
    assert knee([]) is None
    assert knee([(0.0, 2.0), (math.nan, 1.0), (1.5, 1.5), (2.0, 0.0)]) == 2


def test_scaling_keeps_an_objective_that_is_the_same_everywhere():
    np.testing.assert_array_equal(scaled([(1.0, 7.0), (3.0, 7.0)]), [(0.0, 1.0), (1.0, 1.0)])


def test_the_points_that_stand_for_a_front_are_found_one_after_the_other():
    """Brute force over subsets: the first alone dominates most, and no swap of the last one dominates more."""
    front = [(0.0, 1.0), (0.1, 0.98), (0.5, 0.9), (0.55, 0.85), (0.9, 0.4), (1.0, 0.0)]

    def volume(places):
        return hypervolume([front[each] for each in places], (-0.1, -0.1))

    chosen = spread(front, 3)
    assert volume(chosen[:1]) == max(volume([each]) for each in range(6))
    assert volume(chosen) == max(volume([*chosen[:2], each]) for each in range(6) if each not in chosen[:2])
    assert sorted(spread(front, 9)) == list(range(6)) and spread([], 2) == []


def trials(*metrics: dict[str, float]) -> list[Trial]:
    """Completed trials, the accuracy to be large and the parameters small."""
    return [
        Trial(number, Proposal(None), "completed", Measurement(each), (each["acc"], -each["params"]))  # type: ignore[arg-type]
        for number, each in enumerate(metrics)
    ]


def test_the_best_within_limits_is_the_most_accurate_that_keeps_them_all():
    found = trials(
        {"acc": 0.9, "params": 900.0, "macs": 10.0},
        {"acc": 0.8, "params": 400.0, "macs": 90.0},
        {"acc": 0.7, "params": 300.0, "macs": 10.0},
        {"acc": 0.7, "params": 200.0, "macs": 10.0},
    )
    limits = [Constraint.parse("params <= 500"), Constraint.parse("macs <= 50")]
    assert best_within(found, limits[:1]).number == 1
    assert best_within(found, limits).number == 3
    assert best_within(found, [Constraint.parse("params >= 500")]).number == 0


def test_where_none_keeps_the_limits_the_nearest_is_named():
    found = trials({"acc": 0.9, "params": 900.0}, {"acc": 0.5, "params": 300.0})
    with pytest.raises(UserError, match=r"none of 2 trials keeps params <= 100; the nearest is trial 1: params 300"):
        best_within(found, [Constraint.parse("params <= 100")])
    with pytest.raises(UserError, match=r"'param' was not measured in this search; did you mean 'params'"):
        best_within(found, [Constraint.parse("param <= 100")])
    with pytest.raises(UserError, match="no trial of this search completed"):
        best_within([], [])
