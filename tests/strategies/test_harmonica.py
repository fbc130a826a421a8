from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from free_search import Cell, Nested, search
from sklearn.linear_model import Lasso
from torch import nn

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.strategies import RegularizedEvolution, TreeParzen
from netwright.strategies.harmonica import Harmonica
from netwright.strategies.parities import SignVariables, sparse_polynomial, values
from netwright.testing import check_strategy


class Switches(DecisionSpace):
    """Two-way decisions: the cube {-1, 1}^n of the paper."""

    count: int = 12

    def network(self, choose, shape):
        return nn.Sequential(
            *[choose.one(f"switch{k}", {"on": nn.Identity, "off": nn.Flatten}) for k in range(self.count)]
        )


def planted(architecture):
    """5 x0 x3 - 4 x5 + 3 x1 x7 x9, where option 0 is +1; its maximum is 12."""
    x = [1 - 2 * option for option in architecture.point]
    return (5.0 * x[0] * x[3] - 4.0 * x[5] + 3.0 * x[1] * x[7] * x[9],)


def test_planted_parities_are_recovered_and_their_variables_fixed():
    strategy = Harmonica(Switches(), samples=80, stages=1, monomials=3)
    trials = search(strategy, 120, score=planted)
    learnt = {monomial: coefficient for coefficient, monomial in strategy._learnt[0]}
    assert set(learnt) == {(0, 3), (5,), (1, 7, 9)}
    assert learnt[0, 3] > 0 and learnt[5,] < 0 and learnt[1, 7, 9] > 0
    assert {trial.scores for trial in trials[80:]} == {(12.0,)}


def test_the_second_stage_learns_what_the_first_left_open():
    """Four small terms under one large: each stage keeps a single term, so the second finds another one."""

    def score(architecture):
        x = [1 - 2 * option for option in architecture.point]
        return (10.0 * x[2] + 3.0 * x[4] * x[6],)

    strategy = Harmonica(Switches(), samples=60, stages=2, monomials=1, degree=2)
    trials = search(strategy, 140, score=score)
    assert [[monomial for _, monomial in each] for each in strategy._learnt] == [[(2,)], [(4, 6)]]
    assert {trial.scores for trial in trials[120:]} == {(13.0,)}


def test_several_restrictions_are_drawn_from():
    strategy = Harmonica(Switches(), samples=60, stages=1, monomials=1, degree=2, restrictions=2)
    trials = search(strategy, 100, score=lambda a: (float(a.point[0] == a.point[1]),))
    after = {trial.architecture.point[:2] for trial in trials[60:]}
    assert after == {(0, 0), (1, 1)}  # both assignments that make x0 x1 largest


def test_the_lasso_is_that_over_all_products():
    """Its terms equal those of scikit-learn's Lasso on every monomial up to degree 3, written down at once."""
    rng = np.random.default_rng(0)
    variables = rng.choice([-1.0, 1.0], (60, 9))
    targets = variables[:, 1] * variables[:, 4] + 0.5 * variables[:, 2] + 0.3 * rng.normal(size=60)
    monomials = [each for size in (1, 2, 3) for each in combinations(range(9), size)]
    direct = Lasso(alpha=0.04, max_iter=50_000, tol=1e-8).fit(values(variables, monomials), targets)
    expected = {m: c for c, m in zip(direct.coef_, monomials, strict=True) if abs(c) > 1e-4}
    found = {m: c for c, m in sparse_polynomial(variables, targets, 3, 0.04, 200) if abs(c) > 1e-4}
    assert found.keys() == expected.keys() and len(found) > 5
    assert all(found[each] == pytest.approx(expected[each], abs=1e-3) for each in found)


def test_digits_and_one_hot():
    table = Cell(2).decisions
    digits = SignVariables(table, "digits")
    assert digits.encode([(0, 4), (3, 1)]).tolist() == [[1, 1, 1, -1, 1, 1], [1, -1, -1, 1, 1, -1]]
    one_hot = SignVariables(table, "one-hot").encode([(0, 4)])
    assert one_hot.tolist() == [[1, -1, -1, -1, -1, -1, -1, -1, -1, 1]]
    assert SignVariables(Nested().decisions, "one-hot").encode([(0, -1, -1, -1, -1, -1, -1)]).tolist() == [
        [1] + [0] * 6
    ]


def test_the_best_assignment_is_one_of_options():
    """The pattern (-1, -1, -1) of five options stands for none; brute force over the options agrees."""
    signs = SignVariables(Cell(2).decisions, "digits")
    polynomial = [(-1.0, (0,)), (-0.9, (2,)), (0.5, (0, 3))]
    (best,) = signs.best(polynomial, 1)
    points = list(product(range(5), repeat=2))
    encoded = signs.encode(points)
    totals = sum(c * encoded[:, list(m)].prod(axis=1) for c, m in polynomial)
    value = sum(c * np.prod([best[each] for each in m]) for c, m in polynomial)
    assert value == pytest.approx(totals.max())
    assert signs.allowed(0, [best]) and all(encoded[5 * k, 0] == best[0] for k in signs.allowed(0, [best]))


def test_a_base_optimiser_searches_within_the_restrictions():
    space = Switches()
    base = RegularizedEvolution(space, population=5, tournament=3)
    strategy = Harmonica(space, samples=60, stages=1, monomials=1, degree=1, base=base)
    trials = search(strategy, 130, score=lambda a: (10.0 * a.point[3] + sum(a.point),), slots=3)
    assert {trial.architecture.point[3] for trial in trials[60:]} == {1}
    assert np.mean([t.scores for t in trials[-20:]]) > np.mean([t.scores for t in trials[60:70]]) + 1
    assert base._asked == 0  # its own copy was asked


def test_it_keeps_to_the_protocol():
    check_strategy(lambda space: Harmonica(space, samples=12), exhausts=True, trials=20)
    one_hot = lambda space: Harmonica(space, samples=12, variables="one-hot", restrictions=3)  # noqa: E731
    check_strategy(one_hot, Nested(), trials=16)
    check_strategy(lambda space: Harmonica(space, samples=12, base=TreeParzen(space, startup=5)), trials=16)


@pytest.mark.parametrize(
    "arguments",
    [{"penalty": 0}, {"variables": "bits"}, {"monomials": 10}, {"samples": 0}, {"base": TreeParzen(Cell(3))}],
)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ConfigurationError, match="Harmonica"):
        Harmonica(Cell(2), **arguments)
