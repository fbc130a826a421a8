"""ABS: which options leave, when, and that what is left is searched."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import path_parts
import pytest

import netwright as nw
from netwright.core.errors import ConfigurationError
from netwright.core.objective import Constraint
from netwright.strategies.paths import AngleShrinking, TopEvolution, TrainThenSearch
from netwright.testing import check_round_strategy
from netwright.testing.small_spaces import Layers

SPACE = nw.spaces.NasBench201(channels=2, cells=1)
LABELS = SPACE.decisions[0].options


def turned(candidate: Any) -> float:
    """Options with larger numbers turn more, and those of earlier decisions."""
    return sum((k + 1) * (1 + 0.01 * (6 - place)) for place, k in enumerate(SPACE.indices(candidate)))


class Told(path_parts.Told):
    """Tells angles that follow from the architecture, and notes how many networks are left."""

    def __init__(self, strategy: Any, steps: int, an_epoch: int) -> None:
        super().__init__(strategy, steps, an_epoch, turned, lambda score: {"angle": score})
        self.left: list[float] = []

    def after(self) -> None:
        self.left.append(self.strategy.figures().get("left", 0.0))


def test_the_options_that_turn_least_leave_until_few_networks_are_left() -> None:
    strategy = AngleShrinking(SPACE, size=1500, dropped=2, samples=200, first=0.4, every=0.1)
    told = Told(strategy, 100, 10).run()
    assert strategy.left.size == strategy.count <= 1500
    assert all(options == sorted(options)[-len(options) :] and 4 in options for options in strategy.options.values())
    sizes = list(dict.fromkeys(told.left))
    assert sizes[0] == 5**6 and all(later < sooner for sooner, later in pairwise(sizes))
    first = next(k for k, each in enumerate(told.asked) if each.purpose == "angle")
    assert sum(each.purpose == "train" for each in told.asked[:first]) == 40, "after 0.4 of the training"
    begun = [k for k, each in enumerate(told.asked) if each.purpose == "angle" and told.asked[k - 1].purpose == "train"]
    assert [sum(e.purpose == "train" for e in told.asked[:k]) for k in begun][:4] == [40, 50, 60, 70]
    assert len(sizes) - 1 == len(begun) == strategy.shrunk
    last = {each.candidate for each in told.of("train")[-20:]}
    assert all(
        k in strategy.options[d.name] for a in last for d, k in zip(SPACE.decisions, SPACE.indices(a), strict=True)
    )


def test_each_option_is_judged_by_as_many_networks_as_are_wanted_all_different() -> None:
    strategy = AngleShrinking(SPACE, samples=50)
    children = strategy.children(np.random.default_rng(1))
    counts = Counter(each for child in children for each in enumerate(SPACE.indices(child)))
    assert len(set(children)) == len(children) < 500 and min(counts.values()) >= 50 and len(counts) == 30
    worth = strategy.worth(children, [turned(each) for each in children])
    for place, option in worth:
        own = [turned(each) for each in children if SPACE.indices(each)[place] == option][:50]
        assert worth[place, option] == pytest.approx(np.mean(own))


def test_in_cells_each_decision_loses_one_at_a_time() -> None:
    strategy = AngleShrinking(SPACE, size=3**6, from_each=True, samples=400, first=0.5, every=0.1)
    Told(strategy, 50, 5).run()
    assert strategy.shrunk == 2 and list(strategy.options.values()) == [[2, 3, 4]] * 6


def test_what_hangs_on_others_and_what_breaks_a_limit() -> None:
    space = nw.spaces.Darts(cells=2, channels=2, nodes=2)
    strategy, rng = AngleShrinking(space, samples=5), np.random.default_rng(0)
    for option in strategy.open_options():
        assert space.indices(strategy.drawn(rng, option))[option[0]] == option[1], "an edge that is asked of is read"
    assert all("sources" not in name for name in strategy.options)
    limited = AngleShrinking(SPACE, samples=5)
    limited.know(lambda each: {"params": float(SPACE.indices(each)[0])}, [Constraint.parse("params <= 2")])
    children = limited.children(rng)
    assert children and all(SPACE.indices(each)[0] <= 2 for each in children)
    worth = limited.worth(children, [1.0] * len(children))
    assert worth[0, 3] == worth[0, 4] == -1.0, "options without a network within the limit leave first"


def test_what_is_left_is_searched_and_nothing_else() -> None:
    train = AngleShrinking(SPACE, size=300, dropped=2, samples=30, first=0.5, every=0.1)
    strategy = TrainThenSearch(train, TopEvolution(SPACE, population=10, generations=3, top=4), 30)
    told = Told(strategy, 50, 5).run()
    evaluated = [each.candidate for each in told.of("evaluate")]
    assert len(evaluated) >= 20 and train.count <= 300
    left = set(train.left.enumerate())
    assert set(evaluated) <= left
    assert max(evaluated, key=turned) == max(left, key=turned)


@pytest.mark.parametrize("space", [SPACE, Layers(), nw.spaces.Darts(cells=2, channels=2, nodes=2)])
def test_the_contract_of_rounds(space: Any) -> None:
    def make(wanted: Any) -> Any:
        train = AngleShrinking(wanted, size=20, samples=3, first=0.5, every=0.25)
        return TrainThenSearch(train, TopEvolution(wanted, population=4, generations=2, top=2), 8)

    check_round_strategy(make, space)


def test_a_space_with_rules_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="may be combined at will"):
        AngleShrinking(nw.spaces.NasBench101())
