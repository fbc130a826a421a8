"""Counting, numbering, drawing and changing, against plain enumeration."""

from __future__ import annotations

from collections import Counter
from math import prod

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_spaces import FromRecipe, all_points, decisions, everything, recipes

from netwright.core.decisions import Condition, Decision, DecisionTable, in_order
from netwright.core.errors import InvalidArchitecture, SpaceExhausted, UserError

quick = settings(max_examples=100, deadline=None)
seeds = st.integers(0, 2**32 - 1)


@given(recipes)
@quick
def test_a_traced_space_holds_what_its_recipe_says(recipe):
    space, expected = FromRecipe(recipe), everything(recipe)
    assume(len(expected) <= 3_000)
    found = [each.decisions for each in space.enumerate()]
    assert Counter(tuple(sorted(each.items())) for each in found) == Counter(
        tuple(sorted(each.items())) for each in expected
    )
    assert space.size == len(expected)
    assert [space.at(rank).decisions for rank in range(min(space.size, 200))] == found[:200]


@given(decisions())
@quick
def test_a_table_holds_every_point_once_in_order(made):
    table, expected = DecisionTable(made), all_points(made)
    assert table.size == len(expected)
    assert sorted(table.completions()) == sorted(expected)
    assert [table.at(rank) for rank in range(table.size)] == list(table.completions())
    for rank in (-1, table.size):
        with pytest.raises(UserError, match=f"the space holds {table.size}"):
            table.at(rank)


@given(decisions(), seeds)
@quick
def test_neighbors_are_the_points_one_mutation_away(made, seed):
    table, everywhere, rng = DecisionTable(made), all_points(made), np.random.default_rng(seed)
    point = table.draw(rng)

    def one_differs(other):
        both = [(a, b) for a, b in zip(point, other, strict=True) if a >= 0 and b >= 0]
        return sum(a != b for a, b in both) == 1

    expected = sorted(filter(one_differs, everywhere))
    found = list(table.neighbors(point))
    assert sorted(found) == expected
    if not made:
        with pytest.raises(SpaceExhausted, match="one architecture only"):
            table.mutate(point, rng)
    elif len(found) < 30:
        reached = {table.mutate(point, rng) for _ in range(60 * len(found))}
        assert reached <= set(found)
        if len(found) <= 8:
            assert reached == set(found)


@given(decisions(), seeds)
@quick
def test_what_is_drawn_is_a_point(made, seed):
    table, everywhere, rng = DecisionTable(made), set(all_points(made)), np.random.default_rng(seed)
    first, second = table.draw(rng), table.draw_uniform(rng)
    child = table.cross(first, second, rng)
    wanted = [option if rng.random() < 0.5 else -1 for option in first]
    completed = table.complete(wanted, rng)
    for point in (first, second, child, completed):
        assert point in everywhere
        table.check(point)
        assert table.point(table.labels(point)) == point
    for parent_a, parent_b, option in zip(first, second, child, strict=True):
        assert option < 0 or max(parent_a, parent_b) < 0 or option in (parent_a, parent_b)
    for wish, option in zip(wanted, completed, strict=True):
        assert wish < 0 or option in (wish, -1)


@given(decisions(most=4), st.lists(st.integers(-2, 3), max_size=5))
@quick
def test_check_refuses_exactly_what_is_no_point(made, point):
    table = DecisionTable(made)
    if tuple(point) in set(all_points(made)):
        table.check(point)
    else:
        with pytest.raises(InvalidArchitecture, match="expected"):
            table.check(point)


UNEVEN = (
    ("one", ((), (("value", 3), ("value", 2)), (("one", ((), (("value", 4),))),))),
    ("repeat", 0, 2, (("value", 2),)),
)


def chi_square(counts, expected):
    return sum((counts.get(point, 0) - wanted) ** 2 / wanted for point, wanted in expected.items())


def test_uniform_over_architectures():
    table, rng = FromRecipe(UNEVEN).decisions, np.random.default_rng(0)
    assert table.size == 12 * 7
    counts = Counter(table.draw_uniform(rng) for _ in range(84 * 100))
    expected = dict.fromkeys(table.completions(), 100.0)
    assert chi_square(counts, expected) < 128.6  # 99.9 % quantile, 83 degrees of freedom
    biased = Counter(table.draw(rng) for _ in range(84 * 100))
    assert chi_square(biased, expected) > 1_000  # the test would notice


def test_uniform_over_decisions():
    """Each point has the product of 1 / options over its active decisions."""
    table, rng = FromRecipe(UNEVEN).decisions, np.random.default_rng(1)
    draws = 30_000
    expected = {
        point: draws * prod(1 / size for size, option in zip(table.sizes, point, strict=True) if option >= 0)
        for point in table.completions()
    }
    assert sum(expected.values()) == pytest.approx(draws)
    assert chi_square(Counter(table.draw(rng) for _ in range(draws)), expected) < 128.6


def test_mutation_draws_the_decision_uniformly_then_another_option():
    table, rng = FromRecipe((("value", 3), ("value", 2))).decisions, np.random.default_rng(2)
    counts = Counter(table.mutate((0, 0), rng) for _ in range(8_000))
    assert chi_square(counts, {(1, 0): 2_000.0, (2, 0): 2_000.0, (0, 1): 4_000.0}) < 13.8  # 2 degrees of freedom


def test_sizes_far_beyond_64_bits_are_exact():
    table = FromRecipe((("repeat", 0, 60, (("value", 7),)),)).decisions
    assert table.size == sum(7**depth for depth in range(61))
    last = table.at(table.size - 1)
    assert last == (60, *[6] * 60)
    assert len(table.draw_uniform(np.random.default_rng(0))) == 61


def test_what_is_wrong_with_labels_is_said():
    table = FromRecipe((("one", ((), (("value", 3),))), ("edges", 3, 2, 2))).decisions
    good = {"one0": "o1", "one0/o1/value0": 2, "edges1/sources": (0, 2), "edges1/0": "e0", "edges1/2": "e1"}
    assert table.labels(table.point(good)) == good
    for change, message in [
        ({"one9": "o1"}, "no decision 'one9' in this space; did you mean 'one0'"),
        ({"one0": "o2"}, r"'one0' cannot take 'o2'; did you mean"),
        ({"one0": "o0"}, r"'one0/o1/value0' is not asked here: it needs one0 in \['o1'\]"),
        ({"one0/o1/value0": 2.0}, "cannot take 2.0"),
        ({"one0/o1/value0": True}, "cannot take True"),
        ({"one0/o1/value0": {}}, "cannot take {}"),
        ({"one0/o1/value0": ([1],)}, "cannot take"),
        ({"edges1/sources": (2, 0)}, "cannot take"),
    ]:
        with pytest.raises(InvalidArchitecture, match=message):
            table.point({**good, **change})
    del good["one0/o1/value0"]
    with pytest.raises(InvalidArchitecture, match=r"'one0/o1/value0' is missing; it takes one of \[0, 1, 2\]"):
        table.point(good)


def test_circles_are_refused():
    def needs(name, other):
        return Decision(name, (0, 1), "value", conditions=(Condition(other, frozenset({0})),))

    with pytest.raises(UserError, match="a -> b -> a"):
        in_order({"a": needs("a", "b"), "b": needs("b", "a")})
    free = Decision("c", (0, 1), "value")
    assert [each.name for each in in_order({"b": needs("b", "c"), "c": free})] == ["c", "b"]
