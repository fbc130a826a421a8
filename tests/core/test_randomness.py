from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.core.randomness import Generators, Seeds, derived_seed

numbers = st.integers(0, 2**62)


@given(st.lists(st.lists(numbers, min_size=1, max_size=4).map(tuple), min_size=2, max_size=50, unique=True))
@settings(max_examples=50, deadline=None)
def test_seeds_differ_where_their_paths_do(paths):
    seeds = [derived_seed(*path) for path in paths]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_seeds_are_spread_evenly():
    """Each bit is set half of the time, for neighbouring seeds and neighbouring trials."""
    for seeds in ([derived_seed(k) for k in range(4_000)], [derived_seed(0, k) for k in range(4_000)]):
        share = np.array([[seed >> bit & 1 for bit in range(63)] for seed in seeds]).mean(axis=0)
        assert np.abs(share - 0.5).max() < 0.04  # five standard deviations


def test_a_trials_stream_does_not_depend_on_what_was_drawn_before():
    generators = Generators(7)
    first = generators(3).random(5)
    generators(2).integers(10, size=1_001)
    generators(9).standard_normal(3)
    assert (generators(3).random(5) == first).all()
    assert (Generators(7)(3).random(5) == first).all()
    assert not (Generators(8)(3).random(5) == first).any()
    assert not (generators(4).random(5) == first).any()


def test_half_a_word_is_not_carried_over():
    """32-bit draws keep the other half of a word for later; it belongs to the trial that drew it."""
    generators = Generators(0)
    clean = generators(1).integers(2**32, size=3, dtype=np.uint32)
    generators(0).integers(2**32, dtype=np.uint32)
    assert (generators(1).integers(2**32, size=3, dtype=np.uint32) == clean).all()


def test_streams_are_uniform():
    generators = Generators(1)
    values = np.array([generators(number).random() for number in range(10_000)])
    counts = np.histogram(values, bins=20, range=(0, 1))[0]
    assert ((counts - 500) ** 2 / 500).sum() < 43.8  # 99.9 % quantile, 19 degrees of freedom


@given(st.integers(-(2**70), 2**70), numbers)
def test_seeds_of_trials_are_derived_seeds(seed, number):
    seeds = Seeds(seed)
    for each in (number, number + 1, 0, number):
        assert seeds(each) == derived_seed(seed, each)


def test_streams_and_seeds_are_those_of_earlier_versions():
    """What is stored can be resumed only while these stay."""
    assert derived_seed(7) == 3595544800446187243 and derived_seed(7, 3, 4) == 524000093260924714
    philox = np.random.Philox(key=derived_seed(7), counter=(2 << 128) + (3 << 192))
    assert (Generators(7)(3, 2).random(9) == np.random.Generator(philox).random(9)).all()
