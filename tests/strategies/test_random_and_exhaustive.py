from __future__ import annotations

import time

import numpy as np
import pytest
from free_search import Cell, Nested, Single, Sorted, search
from torch import nn

from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, SpaceExhausted
from netwright.core.randomness import Generators
from netwright.strategies import Exhaustive, RandomSearch


class Uneven(DecisionSpace):
    """60 architectures, a number with many factors."""

    def network(self, choose: Choose, shape: object) -> nn.Module:
        options = [dict.fromkeys("abcde"[:count], nn.Identity) for count in (3, 4, 5)]
        return nn.Sequential(*[choose.one(f"edge{k}", each) for k, each in enumerate(options)])


def ask_all(strategy, seed=0):
    generators, asked = Generators(seed), []
    with pytest.raises(SpaceExhausted) as end:
        while True:
            asked.append(strategy.ask(generators(len(asked))).candidate)
    return asked, str(end.value)


@pytest.mark.parametrize("space", [Cell(3), Nested(), Sorted(), Single()], ids=repr)
@pytest.mark.parametrize("uniform_over", ["decisions", "architectures"])
def test_random_search_asks_each_network_once(space, uniform_over):
    asked, message = ask_all(RandomSearch(space, uniform_over))
    expected = {space.canonical(each) for each in space.enumerate()}
    assert len(asked) == len(expected)
    assert {space.canonical(each) for each in asked} == expected
    assert f"all {space.size} architectures" in message


def test_exhaustion_says_how_many_differ():
    _, message = ask_all(RandomSearch(Sorted()))
    assert message == "all 25 architectures of the space, which are 15 different ones, were asked"
    _, message = ask_all(Exhaustive(Sorted()))
    assert message == "all 15 different architectures of the space were asked"


def test_exhaustive_keeps_the_order_and_the_canonical_forms():
    asked, _ = ask_all(Exhaustive(Cell(3)))
    assert asked == [Cell(3).at(rank) for rank in range(125)]
    asked, _ = ask_all(Exhaustive(Sorted()))
    assert len(asked) == 15
    assert all(each.point[0] <= each.point[1] for each in asked)


def test_the_last_architectures_are_found_without_endless_rejection():
    space = Cell()
    began = time.perf_counter()
    asked, _ = ask_all(RandomSearch(space))
    assert len(set(asked)) == space.size == 15_625
    assert time.perf_counter() - began < 10  # rejection alone needs n log n = 160,000 draws; the last one 15,625


@pytest.mark.parametrize("seed", range(12))
def test_the_walk_comes_by_every_architecture_whatever_it_begins_with(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netwright.strategies.unseen.MOST_REJECTIONS", 0)  # the walk begins at once
    space = Uneven()
    asked, _ = ask_all(RandomSearch(space), seed)
    assert len(set(asked)) == space.size == 60  # a step of 2, 3, 4, 5, 6 ... at a time would come by a part of them


def test_an_unlikely_half_is_found_too():
    """All but two of 65 architectures are "rich"; "poor" is drawn every second time."""
    asked, _ = ask_all(RandomSearch(Nested()))
    assert len(asked) == 65


def test_huge_spaces_are_drawn_from_at_once():
    trials = search(RandomSearch(Cell(60), uniform_over="architectures"), 200)
    assert len({trial.architecture for trial in trials}) == 200


def test_every_architecture_is_equally_likely_to_come_first():
    space = Cell(2)
    counts = np.zeros(space.size)
    for seed in range(2_000):
        first = RandomSearch(space).ask(Generators(seed)(0)).candidate
        counts[list(space.enumerate()).index(first)] += 1
    expected = 2_000 / space.size
    assert ((counts - expected) ** 2 / expected).sum() < 51.2  # 99.9 % quantile of chi-square, 24 degrees


def test_wrong_arguments_are_refused():
    with pytest.raises(ConfigurationError, match="'architectures'"):
        RandomSearch(Cell(), uniform_over="everything")
    with pytest.raises(ConfigurationError, match="did you mean 'uniform_over'"):
        RandomSearch(Cell(), uniform_ovr="decisions")
