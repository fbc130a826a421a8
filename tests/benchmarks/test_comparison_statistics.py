from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from netwright.benchmarks import statistics
from netwright.benchmarks.statistics import (
    holm,
    leaning,
    mean_band,
    mean_interval,
    mean_ranks,
    pairwise,
    signed_rank_p,
    superiority,
    win_share,
)


def test_the_band_is_that_of_scipy():
    values = np.random.default_rng(0).exponential(size=(60, 3))
    low, high = mean_band(values)
    for column in range(3):
        rng = np.random.default_rng(1)
        known = stats.bootstrap((values[:, column],), np.mean, method="percentile", n_resamples=20_000, rng=rng)
        width = known.confidence_interval.high - known.confidence_interval.low
        assert low[column] == pytest.approx(known.confidence_interval.low, abs=0.06 * width)
        assert high[column] == pytest.approx(known.confidence_interval.high, abs=0.06 * width)


def test_intervals_of_means_cover_them():
    rng = np.random.default_rng(0)
    draws = rng.normal(3.0, 1.0, size=(60, 25))
    inside = sum(low <= 3.0 <= high for low, high in map(mean_interval, draws))
    assert inside >= 50  # of 60, at 95 %


def test_an_interval_of_equal_values_is_a_point_and_one_of_a_single_value_unknown():
    assert mean_interval(np.full(5, 2.0)) == (2.0, 2.0)
    assert np.isnan(mean_interval(np.array([2.0]))).all()


def test_the_signed_rank_test_is_exact_for_few_pairs_however_many_are_equal():
    differences = np.array([1.0, 2.0, 2.0, -3.0, 5.0, 7.0, 11.0])
    ranks = stats.rankdata(np.abs(differences))
    observed = abs(ranks @ np.sign(differences))
    signs = np.array(list(product((-1, 1), repeat=7)))
    known = np.mean(np.abs(signs @ ranks) >= observed - 1e-9)
    assert signed_rank_p(differences, np.zeros(7)) == pytest.approx(known)
    many = np.concatenate([differences, np.zeros(193)])
    assert signed_rank_p(many, np.zeros(200)) == pytest.approx(known)


def test_equal_strategies_are_not_told_apart():
    values = np.arange(20.0)
    (pair,) = pairwise({"a": values, "b": values})
    assert pair.p == 1.0 and pair.better == "" and pair.superiority == 0.5 and pair.ties == 20


def test_effect_sizes_count_pairs_and_halve_ties():
    first, second = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 0.0, 5.0])
    known = np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a in first for b in second])
    assert superiority(first, second) == pytest.approx(known)
    assert superiority(second, first) == pytest.approx(1 - known)
    assert leaning(np.array([3.0, 1.0]), np.array([0.0, 2.0])) == pytest.approx((2 - 1) / 3)


def test_the_share_of_wins_has_an_interval_that_does_not_shrink_to_a_point():
    share, (low, high) = win_share(np.arange(1.0, 11.0), np.zeros(10))
    assert share == 1.0 and high == pytest.approx(1.0) and low == pytest.approx(1 / (1 + 1.959964**2 / 10))
    assert win_share(np.zeros(4), np.zeros(4))[0] == 0.5


def test_holm_multiplies_the_smallest_by_all_and_never_descends():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == [] and holm([0.2]) == [0.2]


def test_ranks_are_means_over_seeds_with_ties_shared_and_nothing_last():
    values = np.array([[1.0, 5.0], [2.0, 5.0], [np.nan, 7.0]])
    assert mean_ranks(values).tolist() == [(2 + 2.5) / 2, (1 + 2.5) / 2, (3 + 1) / 2]


def test_one_that_is_better_on_most_seeds_but_not_on_average_is_not_called_better():
    rng = np.random.default_rng(0)
    base = rng.normal(size=40)
    shifted = base + 0.5 + 0.01 * np.arange(40)
    (pair,) = pairwise({"base": base, "shifted": shifted})
    assert pair.better == "shifted" and pair.difference < 0 and pair.interval[1] < 0
    shifted[0] = -100.0
    (pair,) = pairwise({"base": base, "shifted": shifted})
    assert pair.p < statistics.LEVEL and pair.leaning < 0 < pair.difference and pair.better == ""


def test_holm_and_wilson_are_those_of_statsmodels():
    rng = np.random.default_rng(0)
    for count in (1, 2, 7, 40):
        values = np.round(rng.beta(0.3, 3.0, count), 3)
        assert holm(values.tolist()) == pytest.approx(multipletests(values, method="holm")[1])
        first, second = rng.integers(0, 3, (2, count))
        share, interval = win_share(first, second)
        assert share == pytest.approx(np.mean((first > second) + 0.5 * (first == second)))
        assert interval == pytest.approx(proportion_confint(share * count, count, method="wilson"))


def test_two_copies_of_random_search_are_rarely_declared_different():
    """Finals of random search on a table with many equal results; 300 comparisons at a level of 5 %."""
    rng = np.random.default_rng(0)
    valid = rng.normal(size=2000)
    test = np.round(valid + rng.normal(size=2000), 1)
    comparisons, seeds, evaluations = 300, 40, 50
    drawn = rng.integers(2000, size=(comparisons, 2, seeds, evaluations))
    best = np.take_along_axis(drawn, valid[drawn].argmax(axis=-1, keepdims=True), axis=-1)[..., 0]
    declared = 0
    for first, second in test[best]:
        if signed_rank_p(first, second) < statistics.LEVEL:  # the rest is quick to say, and slow to find out
            declared += pairwise({"one": first, "other": second})[0].better != ""
    # At most 5 % are allowed; more than this would happen by chance in one of 1,000 runs of this test.
    assert declared <= stats.binom.ppf(0.999, comparisons, 0.05)
    assert declared > 0  # a test that never rejects would be no test
