"""What charts compute agrees with brute force, scipy and statsmodels."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from run_parts import Given, read, write
from scipy.stats import ncf, ttest_1samp
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from netwright.charts import find
from netwright.charts.best_so_far import best_of
from netwright.charts.failures import common
from netwright.charts.finalists import interval
from netwright.charts.front import ahead
from netwright.charts.grouping import Decision, explained, grouped, mean_interval
from netwright.charts.runs import holm
from netwright.charts.timeline import joined
from netwright.core.fronts import hypervolume
from netwright.core.objective import dominates


@pytest.mark.parametrize("picked", [1, 2, 4, 5])
def test_the_best_of_some_picks_is_counted_over_all_picks(picked: int) -> None:
    bests = [max(each) for each in combinations(range(5), picked)]
    np.testing.assert_allclose(best_of(5, picked), np.bincount(bests, minlength=5) / len(bests), atol=1e-12)


def test_who_is_ahead_is_not_dominated() -> None:
    scores = np.random.default_rng(0).integers(0, 6, (60, 2)).astype(float)
    found, _ = ahead(scores)
    beaten = {a for a, first in enumerate(scores) if any(dominates(other, first) for other in scores)}
    assert found.isdisjoint(beaten) and {tuple(scores[each]) for each in found} == {
        tuple(each) for place, each in enumerate(scores) if place not in beaten
    }


def test_what_a_decision_explains() -> None:
    rng = np.random.default_rng(1)
    groups = rng.integers(0, 3, 90)
    scores = groups * 0.5 + rng.normal(0, 1, 90)
    share, low, high = explained(Decision("d", ("a", "b", "c"), groups, scores))
    means = [scores[groups == each].mean() for each in range(3)]
    within = sum(((scores[groups == each] - means[each]) ** 2).sum() for each in range(3))
    total = ((scores - scores.mean()) ** 2).sum()
    assert share == pytest.approx(1 - (within / 87) / (total / 89))
    ratio = ((total - within) / 2) / (within / 87)
    for end, chance in ((low, 0.975), (high, 0.025)):
        assert ncf.cdf(ratio, 2, 87, end * 90 / (1 - end)) == pytest.approx(chance, abs=1e-5)
    useless = Decision("u", ("a", "b"), np.arange(90) % 2, scores)
    assert explained(useless)[1] == 0.0


def test_intervals_are_those_of_the_textbooks() -> None:
    values = np.array([0.5, 0.8, 0.65, 0.7])
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    assert mean_interval(values) == pytest.approx((values.mean(), expected.low, expected.high))
    assert interval([0.9], 180)[:2] == pytest.approx(proportion_confint(162, 180, method="wilson"))
    assert interval(values.tolist(), 180)[:2] == pytest.approx((expected.low, expected.high))
    assert interval([3.5], 180) == (None, None, "")


def test_several_tests_are_corrected() -> None:
    chances = [0.01, 0.04, 0.03, 0.5]
    assert holm(chances) == pytest.approx(multipletests(chances, method="holm")[1])


def test_labels_are_grouped_in_order_and_many_numbers_in_ranges() -> None:
    assert grouped(["b", "a", "b"])[0] == ("a", "b") and grouped([3, 1, 3])[0] == ("1", "3")
    assert grouped([True, False])[0] == ("no", "yes")
    names, groups = grouped(list(np.linspace(0, 1, 60)))
    assert len(names) == 6 and np.bincount(groups).tolist() == [10] * 6


def test_reasons_that_differ_in_numbers_are_one() -> None:
    assert common(["params 1,200 breaks params <= 500", "params 900 breaks params <= 500"]) == (
        "params … breaks params <= 500"
    )
    assert common(["no numbers"]) == "no numbers"


def test_short_attempts_are_joined_and_long_ones_are_not() -> None:
    def bar(start: float, end: float, kind: str = "completed") -> dict:
        return {"worker": "w", "kind": kind, "from": start, "to": end, "trial": "1", "attempts": 1}

    assert len(joined([bar(0, 1), bar(1.1, 2), bar(2.1, 3)], 2.0)) == 1
    assert len(joined([bar(0, 10), bar(10.1, 20)], 2.0)) == 2
    assert len(joined([bar(0, 1), bar(1, 2, "failed")], 2.0)) == 2
    assert joined([bar(0, 1), bar(1.1, 2)], 2.0)[0]["to"] == 2


def test_the_hypervolume_is_that_of_all_points(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    trials = [Given(float(a), float(p)) for a, p in zip(rng.random(30), rng.integers(1, 900, 30), strict=True)]
    data = read(write(tmp_path, trials, objectives=("val_accuracy", "params")))
    rows = find("hypervolume").figure(data).tables["volumes"]
    scores = data.scores
    unit = (scores - scores.min(axis=0)) / (scores.max(axis=0) - scores.min(axis=0))
    assert rows[-1]["hypervolume"] == pytest.approx(hypervolume(unit, (-0.1, -0.1)))
    assert [row["hypervolume"] for row in rows] == sorted(row["hypervolume"] for row in rows)
