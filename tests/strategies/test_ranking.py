from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from netwright.core.objective import dominates
from netwright.core.trial import Proposal, Trial
from netwright.strategies.evolution.ranking import Population, crowding_distances, front_numbers, keys

points = st.integers(1, 3).flatmap(
    lambda m: st.lists(st.tuples(*[st.integers(0, 4).map(float)] * m), min_size=1, max_size=12)
)


def trials(scores):
    return [Trial(number, Proposal(None), "completed", scores=each) for number, each in enumerate(scores)]


@given(points)
@settings(max_examples=150, deadline=None)
def test_fronts_are_what_peeling_by_the_definition_gives(scores):
    expected, left, number = {}, set(range(len(scores))), 0
    while left:
        front = {i for i in left if not any(dominates(scores[j], scores[i]) for j in left)}
        expected.update(dict.fromkeys(front, number))
        left -= front
        number += 1
    assert front_numbers(np.array(scores)).tolist() == [expected[i] for i in range(len(scores))]


def test_crowding_of_a_front_by_hand():
    scores = np.array([[0.0, 10.0], [1.0, 6.0], [3.0, 2.0], [4.0, 0.0], [0.0, 0.0]])
    fronts = front_numbers(scores)
    assert fronts.tolist() == [0, 0, 0, 0, 1]
    distances = crowding_distances(scores, fronts)
    assert distances[[0, 3, 4]].tolist() == [math.inf] * 3
    np.testing.assert_allclose(distances[1:3], [3 / 4 + 8 / 10, 3 / 4 + 6 / 10])


def test_crowding_is_scaled_by_the_range_of_each_front_alone():
    front = np.array([[0.0, 10.0], [1.0, 6.0], [3.0, 2.0], [4.0, 0.0]])
    far = np.array([[1000.0, 1000.0]])
    scores = np.concatenate((front, far))
    distances = crowding_distances(scores, front_numbers(scores))
    np.testing.assert_allclose(distances[:4], crowding_distances(front, front_numbers(front)))
    np.testing.assert_allclose(distances[1:3], [3 / 4 + 8 / 10, 3 / 4 + 6 / 10])


def test_minus_infinity_and_equal_scores_give_no_nan():
    scores = np.array([[-math.inf, 1.0], [1.0, 1.0], [1.0, 1.0], [2.0, 0.0], [-math.inf, -math.inf]])
    assert not np.isnan(crowding_distances(scores, front_numbers(scores))).any()
    assert not np.isnan(crowding_distances(scores[:1], np.array([0]))).any()


def test_one_objective_is_its_own_key():
    assert keys(trials([(3.0,), (1.0,)])) == [3.0, 1.0]
    assert keys([]) == []


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3).map(float), st.integers(0, 3).map(float)), max_size=30))
@settings(max_examples=50, deadline=None)
def test_keys_follow_the_members(steps):
    """Kept while members are put in, the keys are those computed afresh."""
    for objectives in (1, 2):
        population = Population()
        for number, (place, *scores) in enumerate(steps):
            trial = Trial(number, Proposal(None), "completed", scores=tuple(scores[:objectives]))
            population.put(trial, place if place < len(population) else None)
            assert population.keys == keys(population.members)


def test_ordered_is_best_first_then_oldest():
    ordered = Population(trials([(1.0,), (3.0,), (2.0,), (3.0,)])).ordered()
    assert [trial.number for trial in ordered] == [1, 3, 2, 0]


def replaced(objectives, steps):
    """A population in which members were added and replaced, with their ranks at hand from the first on."""
    population, rng = Population(), np.random.default_rng(0)
    for number, (place, *scores) in enumerate(steps):
        trial = Trial(number, Proposal(None), "completed", scores=tuple(map(float, scores[:objectives])))
        population.put(trial, place if place < len(population) else None)
        population.tournament(1, rng)
    return population


STEPS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 3)), min_size=1)


@given(STEPS, st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_a_tournament_of_fronts_is_the_best_of_the_drawn_while_members_are_replaced(steps, seed):
    population = replaced(2, steps)
    shares = np.random.default_rng(seed).random(7).tolist()
    places = [int(share * len(population)) for share in shares]
    assert population.tournament(7, np.random.default_rng(seed)) is population.best(places)


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize(
    "steps",
    [
        [(9, 1), (9, 3), (9, 2), (9, 0)],
        [(9, 2), (9, 2), (9, 1), (9, 2), (9, 0)],
        [(9, 1), (9, 2), (9, 3), (1, 3), (0, 0), (9, 3), (0, 3)],
    ],
)
def test_a_tournament_wins_whom_drawing_would_let_win(steps, size):
    """Against all ways to draw: the winner of each, the first drawn of equal ones."""
    population, rng = replaced(1, steps), np.random.default_rng(3)
    draws = list(itertools.product(range(len(population)), repeat=size))
    expected = Counter(population.best(places).number for places in draws)
    rounds = 4_000
    found = Counter(population.tournament(size, rng).number for _ in range(rounds))
    assert found.keys() <= expected.keys()
    numbers = sorted(expected)
    shares = [rounds * expected[number] / len(draws) for number in numbers]
    assert chisquare([found[number] for number in numbers], shares).pvalue > 1e-4
