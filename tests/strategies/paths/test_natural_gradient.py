from __future__ import annotations

import math

import numpy as np
import pytest
from path_parts import TRUTH, Driver, Fitting, Terms, continues_alike
from torch import nn

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.strategies.paths import NaturalGradient
from netwright.strategies.paths.natural_gradient import Ascent, utilities


class Independent(DecisionSpace):
    """So many decisions of different sizes."""

    count: int = 30

    def network(self, choose, shape):
        options = [dict.fromkeys("abcdef"[: 2 + k % 4], nn.Identity) for k in range(self.count)]
        return nn.Sequential(*[choose.one(f"d{k:02}", each) for k, each in enumerate(options)])


class Plain:
    """Algorithm 1 once more, in one flat vector, with the Fisher matrix written out and its root by eigenvalues."""

    def __init__(self, sizes, alpha=1.5):
        self.sizes, self.alpha = sizes, alpha
        self.p = [[1 / size] * size for size in sizes]
        self.n = sum(size - 1 for size in sizes)
        self.s, self.gamma, self.big = [np.zeros(size - 1) for size in sizes], 0.0, 1.0

    def update(self, points, losses):
        order = sorted(range(2), key=lambda k: losses[k])
        best, worst = points[order[0]], points[order[1]]
        directions, squares = [], 0.0
        for i, size in enumerate(self.sizes):
            first, second = (np.eye(size)[point[i]] if point[i] >= 0 else None for point in (best, worst))
            p = np.array(self.p[i])
            g = np.zeros(size)
            g += 0.5 * (first - p) if first is not None else 0
            g -= 0.5 * (second - p) if second is not None else 0
            fisher = np.diag(1 / p[:-1]) + 1 / p[-1]
            squares += g[:-1] @ fisher @ g[:-1]
            directions.append((g, fisher))
        norm = math.sqrt(squares)
        if norm == 0:
            return
        delta = 1 / self.big
        beta = delta / math.sqrt(self.n)
        length = 0.0
        for i, (g, fisher) in enumerate(directions):
            size = self.sizes[i]
            p = np.array(self.p[i]) + delta * g / norm
            low = 1 / (len(self.sizes) * (size - 1))
            p = np.maximum(p, low)
            over = p.sum() - 1  # is taken from what is above the least, in proportion
            p = p - over * (p - low) / (p - low).sum()
            values, vectors = np.linalg.eigh(fisher)
            root = vectors @ np.diag(values**0.5) @ vectors.T
            self.s[i] = (1 - beta) * self.s[i] + math.sqrt(beta * (2 - beta)) * (root @ g[:-1]) / norm
            length += self.s[i] @ self.s[i]
            self.p[i] = p
        self.gamma = (1 - beta) ** 2 * self.gamma + beta * (2 - beta)
        self.big *= math.exp(beta * (self.gamma - length / self.alpha))


def test_the_first_update_equals_a_plain_computation():
    space = Independent(5)
    ascent, plain = Ascent(space), Plain(space.decisions.sizes)
    points = [(0, 1, 2, 0, 1), (1, 1, 0, 0, 0)]
    ascent.update(points, [0.3, 0.9])
    plain.update(points, [0.3, 0.9])
    for ours, theirs in zip(ascent.theta.probabilities, plain.p, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-12)
    assert sum(float(s @ s) for s in ascent.signal) == pytest.approx(sum(s @ s for s in plain.s))
    assert ascent.gamma == pytest.approx(plain.gamma)
    assert ascent.capital_delta == pytest.approx(plain.big)


@pytest.mark.parametrize("sizes_of_two", [True, False])
def test_many_updates_equal_a_plain_computation(sizes_of_two):
    """With options in pairs the root of the Fisher matrix is a number, so that s is unique along the whole way.

    Otherwise two roots differ by a rotation that moves with the probabilities, and only single steps can be compared.
    """

    class Pairs(DecisionSpace):
        def network(self, choose, shape):
            return nn.Sequential(*[choose.one(f"d{k}", dict.fromkeys("ab", nn.Identity)) for k in range(8)])

    space = Pairs() if sizes_of_two else Terms(uneven=True)
    ascent, plain = Ascent(space), Plain(space.decisions.sizes)
    rng = np.random.default_rng(0)
    for _ in range(60 if sizes_of_two else 1):
        points = [ascent.theta.draw(rng).point for _ in range(2)]
        losses = rng.random(2).tolist()
        ascent.update(points, losses)
        plain.update(points, losses)
        for ours, theirs in zip(ascent.theta.probabilities, plain.p, strict=True):
            assert ours == pytest.approx(theirs, abs=1e-10)
        assert ascent.capital_delta == pytest.approx(plain.big)


def test_only_decisions_that_were_active_move():
    space = Terms(uneven=True)
    place = space.decisions.places["term2/nested/extra"]
    without = [(0, 0, 0, -1), (1, 1, 0, -1)]
    assert place == 3
    ascent = Ascent(space)
    ascent.update(without, [0.0, 1.0])
    assert ascent.theta.probabilities[place] == pytest.approx([1 / 3] * 3)
    assert ascent.theta.probabilities[0][0] > 0.25 > ascent.theta.probabilities[0][1]
    ascent.update([(0, 0, 1, 2), (0, 0, 0, -1)], [0.0, 1.0])
    assert ascent.theta.probabilities[place].argmax() == 2


def test_utilities():
    assert utilities([0.5, 0.1]) == [-1, 1]
    assert utilities([0.1, 0.1]) == [0, 0]
    assert utilities([3.0, 1.0, 2.0, 4.0]) == [0, 1, 0, -1]
    assert utilities([float("nan"), 1.0]) == [-1, 1]
    assert utilities([1.0, 1.0, 2.0, 3.0, 4.0, 5.0]) == [0.5, 0.5, 0, 0, -0.5, -0.5]
    assert utilities([2.0, 1.0, 2.0, 3.0]) == [0, 1, 0, -1]


def test_alike_points_teach_nothing():
    ascent = Ascent(Independent(4))
    before = ascent.state()
    ascent.update([(0, 0, 0, 0)] * 2, [0.0, 1.0])
    ascent.update([(0, 0, 0, 0), (1, 1, 1, 1)], [0.5, 0.5])
    assert ascent.state() == before


@pytest.mark.parametrize("seed", range(3))
def test_it_solves_a_problem_of_independent_decisions(seed):
    """OneMax with up to five options: the loss is the number of decisions that do not take their last option."""
    space = Independent(30)
    wanted = np.array(space.decisions.sizes) - 1
    ascent, rng = Ascent(space), np.random.default_rng(seed)
    for _ in range(4000):
        points = [ascent.theta.draw(rng).point for _ in range(2)]
        ascent.update(points, [float((np.array(point) != wanted).sum()) for point in points])
        if ascent.theta.likeliest().point == tuple(wanted) and ascent.theta.certainty > 0.85:
            break
    assert ascent.theta.likeliest().point == tuple(wanted)
    for p in ascent.theta.probabilities:
        assert p.sum() == pytest.approx(1)
        assert p.min() >= 1 / (30 * (len(p) - 1)) - 1e-12


def test_weights_and_probabilities_alternate_and_the_likeliest_is_evaluated():
    space = Terms()
    driver = Driver(NaturalGradient(space), Fitting(space, epochs=10, steps=25), seed=2).go()
    steps = [(each.purpose, each.again) for each in driver.asked]
    expected = [("accumulate", False), ("train", False), ("probe", False), ("probe", True)]
    assert steps == expected * 250 + [("evaluate", False)]
    assert driver.stopped == "the weight training is over"
    found = driver.trials[-1].architecture
    assert driver.strategy.recommend(driver.trials) == found
    assert set(found.decisions.values()) == set(TRUTH)
    assert driver.strategy.figures()["certainty"] > 0.3
    assert space.discretize(driver.strategy.mixture()) == found


@pytest.mark.parametrize("rounds", [0, 5, 6, 7, 40, 159, 160])
def test_a_state_taken_at_any_time_continues_identically(rounds):
    space = Terms(uneven=True)
    continues_alike(lambda: NaturalGradient(space), Fitting(space), rounds)


def test_arguments_are_checked():
    with pytest.raises(ConfigurationError, match="samples is 1"):
        NaturalGradient(Terms(), samples=1)
    with pytest.raises(ConfigurationError, match="alpha is 0"):
        NaturalGradient(Terms(), alpha=0)
