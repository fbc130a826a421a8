"""Stratified splits: disjoint, covering, every class on both sides, the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.core.errors import DataError, UserError
from netwright.tasks.splits import TEST, VALIDATION, allot, kept, limited, pick, split

labels = st.lists(st.integers(2, 30), min_size=2, max_size=8).flatmap(
    lambda counts: st.permutations([c for c, n in enumerate(counts) for _ in range(n)])
)
shares = st.floats(0.01, 0.99)
seeds = st.integers(0, 2**62)


@settings(max_examples=200, deadline=None)
@given(labels, shares, seeds)
def test_parts_are_disjoint_cover_all_and_hold_every_class(values, share, seed):
    codes = np.array(values)
    aside, rest = split(codes, share, seed, VALIDATION)
    assert sorted([*aside, *rest]) == list(range(len(codes)))
    assert set(codes[aside]) == set(codes[rest]) == set(codes)


@settings(max_examples=200, deadline=None)
@given(labels, shares, seeds)
def test_each_class_gives_its_share_within_one_example(values, share, seed):
    codes = np.array(values)
    aside, _ = split(codes, share, seed, VALIDATION)
    for code, count in enumerate(np.bincount(codes)):
        given_away = (codes[aside] == code).sum()
        assert abs(given_away - count * share) < 1 or given_away in (1, count - 1)


@settings(max_examples=100, deadline=None)
@given(labels, shares, seeds)
def test_every_beginning_of_the_rest_is_stratified(values, share, seed):
    codes = np.array(values)
    _, rest = split(codes, share, seed, VALIDATION)
    totals = np.bincount(codes[rest])
    for length in range(len(totals), len(rest) + 1):
        counts = np.bincount(codes[rest[:length]], minlength=len(totals))
        assert counts.min() >= 1
        # Rounding every class up costs at most one example a class.
        assert np.abs(counts - totals * length / len(rest)).max() <= len(totals)


@settings(max_examples=50, deadline=None)
@given(labels, shares, seeds)
def test_the_same_seed_gives_the_same_split(values, share, seed):
    codes = np.array(values)
    once, twice = split(codes, share, seed, VALIDATION), split(codes, share, seed, VALIDATION)
    assert all(np.array_equal(a, b) for a, b in zip(once, twice, strict=True))


def test_other_seeds_and_other_purposes_give_other_splits():
    codes = np.arange(1000) % 10
    chosen = {split(codes, 0.1, seed, purpose)[0].tobytes() for seed in range(50) for purpose in (VALIDATION, TEST)}
    assert len(chosen) == 100


def test_every_example_is_as_likely_to_be_set_aside():
    codes = np.repeat([0, 1], [60, 40])
    times = np.zeros(100)
    for seed in range(2000):
        times[split(codes, 0.25, seed, VALIDATION)[0]] += 1
    # Binomial(2000, 1/4) has the standard deviation 19.4: five of them hold 100 examples with certainty enough.
    assert np.abs(times - 500).max() < 5 * 19.4


@pytest.mark.parametrize(("counts", "share", "expected"), [([10, 10], 0.1, [1, 1]), ([5, 3, 2], 0.3, [1, 1, 1])])
def test_allot_rounds_and_keeps_one_on_each_side(counts, share, expected):
    assert allot(counts, share) == expected


def test_allot_gives_the_total_that_was_asked_for():
    assert sum(allot([105, 95, 101, 99], 0.1)) == 40


def test_a_class_of_one_is_refused():
    with pytest.raises(DataError, match="one example"):
        split(np.array([0, 0, 1]), 0.5, 0, VALIDATION)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_shares_outside_0_to_1_are_refused(share):
    with pytest.raises(UserError, match="between 0 and 1"):
        split(np.array([0, 0, 1, 1]), share, 0, VALIDATION)


@pytest.mark.parametrize(("limit", "count"), [(None, 200), (50, 50), (0.25, 50), (1.0, 200), (500, 200), (1, 1)])
def test_a_limit_is_a_number_or_a_share(limit, count):
    assert kept(200, limit) == count


@pytest.mark.parametrize("limit", [0, -3, 1.5, 0.0, True])
def test_a_limit_of_nothing_is_refused(limit):
    with pytest.raises(UserError, match="limit"):
        kept(200, limit)


def test_a_limit_keeps_every_class_and_enough_test_examples():
    codes, codes_test = np.arange(5000) % 10, np.arange(3000) % 10
    chosen, chosen_test, notes = limited(codes, codes_test, 100, 0)
    assert np.bincount(codes[chosen]).tolist() == [10] * 10
    assert chosen_test is not None and np.bincount(codes_test[chosen_test]).tolist() == [100] * 10
    assert notes == ("limit: 100 of 5,000 training examples kept, 1,000 of 3,000 test examples",)
    assert len(pick(codes, 1, 0)) == 10
