"""Spaces of which some options have been dropped."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import netwright as nw
from netwright.core.errors import ConfigurationError
from netwright.core.narrowing import narrowed, require_free
from netwright.strategies import RegularizedEvolution
from netwright.strategies.paths import TopEvolution
from netwright.testing.small_spaces import Layers


def _kept(space: nw.DecisionSpace, left: dict[str, list[int]], architecture: nw.Architecture) -> bool:
    places = space.decisions.places
    point = space.indices(architecture)
    return all(point[places[name]] in (*options, -1) for name, options in left.items())


@pytest.mark.parametrize(
    ("space", "left"),
    [
        (nw.spaces.NasBench201(channels=2, cells=1), {"cell/node1/0": [1, 3], "cell/node3/2": [0]}),
        (Layers(), {"depth": [0, 1]}),
    ],
    ids=["free", "conditional"],
)
def test_all_that_is_left_is_counted_listed_drawn_and_changed(space: nw.DecisionSpace, left: dict) -> None:
    left = left if set(left) <= set(space.decisions.places) else {space.decisions[0].name: [0]}
    found = narrowed(space, left)
    wanted = {each for each in space.enumerate() if _kept(space, left, each)}
    assert set(found.enumerate()) == wanted and found.size == len(wanted)
    assert {found.at(k) for k in range(found.size)} == wanted
    rng = np.random.default_rng(0)
    drawn = [found.sample(rng) for _ in range(200)]
    assert set(drawn) <= wanted
    assert {found.mutate(each, rng) for each in drawn} <= wanted
    assert {found.crossover(a, b, rng) for a, b in pairwise(drawn)} <= wanted
    assert {each for other in drawn[:5] for each in found.neighbors(other)} <= wanted


def test_its_architectures_are_those_of_the_space() -> None:
    space = nw.spaces.NasBench201(channels=2, cells=1)
    found = narrowed(space, {"cell/node1/0": [2]})
    one = found.sample(np.random.default_rng(0))
    assert found.id == space.id and space.parse(str(one)) == one
    space.validate(one)
    assert isinstance(space.build(one, nw.TaskShape((3, 8, 8), 10)), object)
    assert space.size == 5**6, "the space itself is as it was"


@pytest.mark.parametrize("make", [TopEvolution, RegularizedEvolution])
def test_strategies_search_what_is_left(make: type) -> None:
    space = nw.spaces.NasBench201(channels=2, cells=1)
    left = {each.name: [1, 2, 3] for each in space.decisions}
    strategy, rng = make(narrowed(space, left)), np.random.default_rng(0)
    asked: list[nw.Architecture] = []
    for number in range(60):
        proposal = strategy.ask(rng)
        if proposal is None:
            break
        asked.append(proposal.candidate)
        score = float(sum(space.indices(proposal.candidate)))
        strategy.tell(nw.Trial(number, proposal, "completed", nw.Measurement({"a": score}), (score,)))
    assert len(asked) >= 50 and all(_kept(space, left, each) for each in asked)


def test_spaces_with_rules_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="may be combined at will"):
        require_free(TopEvolution(Layers()), nw.spaces.NasBench101())
