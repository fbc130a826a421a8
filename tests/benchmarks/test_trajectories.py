from __future__ import annotations

import numpy as np

from netwright.benchmarks.trajectories import incumbents, sampled


def by_hand(scores, fidelities):
    """The plain definition, one after the other."""
    best, found = -1, []
    for i, (score, fidelity) in enumerate(zip(scores, fidelities, strict=True)):
        if not np.isnan(score) and (best < 0 or (fidelity, score) > (fidelities[best], scores[best])):
            best = i
        found.append(best)
    return found


def test_the_best_so_far_is_that_of_the_plain_definition():
    rng = np.random.default_rng(0)
    for case in range(300):
        n = int(rng.integers(1, 25))
        scores = rng.integers(0, 6, n).astype(float)
        scores[rng.random(n) < 0.3] = np.nan
        scores[rng.random(n) < 0.1] = -np.inf
        fidelities = rng.choice([1 / 9, 1 / 3, 1.0], n) if case % 2 else np.ones(n)
        assert incumbents(scores, fidelities).tolist() == by_hand(scores, fidelities)


def test_a_score_at_a_higher_fidelity_takes_over_even_if_it_is_lower():
    assert incumbents(np.array([5.0, 9.0, 1.0, 2.0]), np.array([0.5, 0.5, 1.0, 1.0])).tolist() == [0, 1, 2, 3]


def test_values_are_held_until_the_next_one():
    grid = np.array([0.5, 1.0, 2.5, 3.0, 9.0])
    found = sampled(np.array([1.0, 3.0]), np.array([7.0, 8.0]), grid)
    assert np.isnan(found[0]) and found[1:].tolist() == [7.0, 7.0, 8.0, 8.0]
    assert np.isnan(sampled(np.empty(0), np.empty(0), grid)).all()
