"""A space whose decisions may not be combined at will: everything stays inside, and is counted and numbered."""

import itertools
from collections import Counter

import numpy as np
import pytest
from torch import nn

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import InvalidArchitecture, SpaceExhausted, UserError
from netwright.core.restricted import Restriction
from netwright.core.task import TaskShape
from netwright.testing import check_space


class AtMost(Restriction):
    """The first three decisions may add up to a limit."""

    leading = 3

    def __init__(self, limit, least=0):
        self.limit, self.least = limit, least

    def reason(self, point):
        total = sum(point[:3])
        return "" if self.least <= total <= self.limit else f"{total} is not from {self.least} to {self.limit}"

    def allowed(self):
        return np.array([self.least <= sum(each) <= self.limit for each in itertools.product(range(3), repeat=3)])


class Sums(DecisionSpace):
    """Four decisions of three options; the first three keep a limit."""

    limit: int = 3
    least: int = 0

    def restriction(self):
        return AtMost(self.limit, self.least)

    def network(self, choose, shape):
        kernels = [choose.value(name, (1, 3, 5)) for name in "abcd"]
        layers = [nn.Conv2d(shape.channels, shape.channels, each, padding=each // 2) for each in kernels]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(shape.channels, shape.classes))


EVERY = [point for point in itertools.product(range(3), repeat=4) if sum(point[:3]) <= 3]


def test_it_is_a_space_like_any_other():
    check_space(Sums(), TaskShape((3, 8, 8), 4), samples=20, networks=1)


def test_it_holds_what_is_allowed():
    space = Sums()
    assert space.size == len(EVERY)
    assert [each.point for each in space.enumerate()] == EVERY
    assert [space.at(i).point for i in range(len(EVERY))] == EVERY
    for architecture in space.enumerate():
        changed = [p for p in EVERY if sum(a != b for a, b in zip(p, architecture.point, strict=True)) == 1]
        assert sorted(each.point for each in space.neighbors(architecture)) == changed
    with pytest.raises(InvalidArchitecture, match="do not go together: 4 is not from 0 to 3"):
        space.architecture({"a": 5, "b": 5, "c": 1, "d": 1})
    with pytest.raises(UserError, match=f"holds {len(EVERY)}"):
        space.at(len(EVERY))


def test_uniform_draws_are_uniform():
    space, rng = Sums(), np.random.default_rng(0)
    counts = Counter(space.sample(rng, uniform_over="architectures").point for _ in range(6_000))
    expected = 6_000 / len(EVERY)
    assert set(counts) == set(EVERY)
    assert sum((counts[p] - expected) ** 2 / expected for p in EVERY) < 90  # chi-square, 50 degrees: 99.95 %


def test_wishes_are_kept_where_they_can_be():
    table, rng = Sums().decisions, np.random.default_rng(0)
    for _ in range(100):
        assert table.complete((2, -1, -1, 1), rng)[0::3] == (2, 1)
        assert table.complete((1, 1, 1, 2), rng) == (1, 1, 1, 2)
        unwelcome = table.complete((2, 2, 2, 0), rng)
        assert unwelcome in EVERY and unwelcome[3] == 0


def test_a_point_without_allowed_changes_is_said_to_have_none():
    space = Sums(limit=0)
    architecture = space.at(0)
    assert {space.mutate(architecture, np.random.default_rng(i)).point for i in range(9)} == {
        (0, 0, 0, 1),
        (0, 0, 0, 2),
    }

    class Alone(Sums):
        def network(self, choose, shape):
            kernels = [choose.value(name, (1, 3, 5)) for name in "abc"]
            return nn.Sequential(*(nn.Conv2d(1, 1, each) for each in kernels))

    with pytest.raises(SpaceExhausted, match="no single change"):
        Alone(limit=0).mutate(Alone(limit=0).at(0), np.random.default_rng(0))
