"""Strategies compared by hypervolume and attainment, on a table whose front is known."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import netwright as nw
from netwright.benchmarks import BenchmarkProblem, Comparison, FrontComparison, Searches, compare, compare_fronts
from netwright.benchmarks.budget import Budget
from netwright.benchmarks.cells import COLUMNS, Cell, Place
from netwright.benchmarks.comparison import ComparisonOfFronts
from netwright.benchmarks.elsewhere import to_cell, to_measurement
from netwright.benchmarks.plan import Plan
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.fronts import hypervolume
from netwright.core.objective import Objective

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


@pytest.fixture(scope="module")
def problem() -> BenchmarkProblem:
    return BenchmarkProblem(made_table(), objectives=("gain", "latency_ms"), name="made")


def test_a_comparison_by_several_objectives_says_what_compare_fronts_says(problem, tmp_path) -> None:
    two = {"nsga2": "nsga2", "listed": nw.strategies.Exhaustive}
    found = compare(two, problem, evaluations=30, repeats=6, folder=tmp_path)
    same = compare_fronts(two, problem.estimator, ["gain", "latency_ms"], 30, 6)
    assert isinstance(found, ComparisonOfFronts)
    assert found.reference("made") == pytest.approx(same.reference)
    ideal = np.array([problem.estimator.column("gain").max(), -problem.estimator.column("latency_ms").min()])
    whole = np.prod(ideal - np.array(same.reference))
    assert found.best("made") == pytest.approx(tuple(ideal))
    for name, values in same.hypervolumes.items():
        assert found.final(name, "made") == pytest.approx(values / whole)
        assert found.curves(name, "made").reported == pytest.approx(same.curve(name) / whole)
        half = same.attained(name) * [1, -1]
        assert found.attained(name, "made") == pytest.approx(half[np.argsort(half[:, 0])])
    assert [each.p for each in found.pairs["made"]] == [each.p for each in same.pairs]

    front = problem.front * [1, -1]
    everything = np.column_stack([problem.estimator.column("gain"), -problem.estimator.column("latency_ms")])
    best = hypervolume(everything, same.reference)
    assert hypervolume(front, same.reference) == pytest.approx(best)
    assert found.limits("made")["reported"] == pytest.approx(best / whole)
    read = Comparison.load(tmp_path)
    assert read.lines() == found.lines()
    more = compare(two, problem, evaluations=30, repeats=8, folder=tmp_path)
    assert len(more.final("nsga2", "made")) == 8  # those of before are not run again
    assert all(more.cells[place].seconds == cell.seconds for place, cell in found.cells.items())


def test_a_reference_point_is_kept_and_may_be_changed_without_searching_again(problem, tmp_path) -> None:
    asked = {"evaluations": 10, "repeats": 3, "folder": tmp_path}
    first = compare("random", problem, **asked, reference=(0.5, 6.0))
    assert first.reference("made") == (0.5, -6.0) == Comparison.load(tmp_path).reference("made")  # type: ignore[attr-defined]
    assert "reference point gain 0.5, latency_ms 6 (as asked)" in str(first)
    again = compare("random", problem, **asked, reference=(0.0, 7.0))
    assert isinstance(again, ComparisonOfFronts)
    assert all(again.cells[place].seconds == cell.seconds for place, cell in first.cells.items())
    values = again.cells[Place("random", "made", 0)].values * [1, -1]
    share = hypervolume(values, (0.0, -7.0)) / np.prod(np.array(again.best("made")) - [0.0, -7.0])
    assert again.final("random", "made")[0] == pytest.approx(share) and 0 < share < 1
    with pytest.raises(ConfigurationError, match=r"is 0\.5; expected a number for each objective: gain:maximize"):
        compare("random", problem, evaluations=10, repeats=3, reference=(0.5,))


def test_the_space_of_several_stages_is_that_of_the_first_which_has_one(problem) -> None:
    class Foretold(nw.Estimator):
        metrics = ("latency_ms",)

        def estimate(self, proposal, seed):
            return nw.Measurement({"latency_ms": 1.0})

    stages = nw.estimators.Stack(Foretold(), made_table())
    assert BenchmarkProblem(stages, "gain").space == problem.space
    with pytest.raises(ConfigurationError, match="Stack has no space"):
        BenchmarkProblem(nw.estimators.Stack(Foretold()), "latency_ms")


def test_only_the_highest_fidelity_counts(problem) -> None:
    """By hand: the point (9, -1) was seen after a part of the training only."""
    values = np.array([[9.0, 1.0], [1.0, 4.0], [3.0, 6.0], [np.nan, np.nan]])
    numbers = np.full((4, 7 + 2), np.nan)
    numbers[:, COLUMNS.index("fidelity")], numbers[:, COLUMNS.index("counted")] = [0.5, 1, 1, 1], [0.5, 1, 1, 1]
    numbers[:, 7:] = values
    plan = Plan(Budget(4), {"x": {"strategy": "x"}}, {"made": {**problem.described(), "front": []}}, 1)
    found = ComparisonOfFronts(plan, [Cell(Place("x", "made", 0), numbers)])
    assert found.reference("made") == (1.0, -6.0) and found.limits("made") == {}
    assert found.final("x", "made") == [0.0]  # either point is the worst in one objective
    assert np.isnan(found.curves("x", "made").reported[0, 0])


def test_searches_pass_through_another_process_unchanged(problem) -> None:
    searches = Searches("random", problem, evaluations=4)
    cell = searches.work.cell(0, 0, 0)
    again = to_cell(Cell(cell.place), to_measurement(cell), 2)
    assert cell.numbers.shape == (4, 9) and np.isfinite(cell.values).all()
    assert np.array_equal(again.numbers, cell.numbers, equal_nan=True) and again.architectures == cell.architectures
    assert pickle.loads(pickle.dumps(problem)).several == problem.several


def test_a_folder_keeps_its_objectives_and_what_is_wrong_is_said(problem, tmp_path) -> None:
    compare("random", problem, evaluations=2, repeats=1, folder=tmp_path)
    one = BenchmarkProblem(problem.estimator, "gain")
    with pytest.raises(UserError, match="objectives gain:maximize, latency_ms:minimize there, one here"):
        compare("random", one, evaluations=2, repeats=1, folder=tmp_path)
    with pytest.raises(ConfigurationError, match="same objectives"):
        compare("random", [problem, one], evaluations=2, repeats=1)
    for wrong in (("gain",), ("gain", "gain"), ()):
        with pytest.raises(ConfigurationError, match="two and more"):
            BenchmarkProblem(problem.estimator, objectives=wrong)
    with pytest.raises(ConfigurationError, match="give one of them"):
        BenchmarkProblem(problem.estimator, "gain", objectives=("gain", "latency_ms"))
    with pytest.raises(ConfigurationError, match="did you mean 'latency_ms'"):
        BenchmarkProblem(problem.estimator, objectives=("gain", "latency"))
