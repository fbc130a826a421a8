from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from netwright.core.errors import ConfigurationError, InvalidArchitecture, StopSearch
from netwright.core.strategy import Remembering, RoundStrategy, in_role
from netwright.core.trial import Measurement, Trial
from netwright.methods.bayesian import gp
from netwright.strategies import Asha, GeneticAlgorithm, LocalSearch, RandomSearch, RegularizedEvolution, WarmStart
from netwright.strategies.paths import TrainThenSearch, UniformPaths
from netwright.strategies.tpe import TreeParzen
from netwright.testing import check_strategy
from netwright.testing.small_spaces import Layers

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))
from every_search import SETTINGS, every_strategy
from search_parts import Cell


def some(space, count=6):
    return [space.at(7 * k % space.size) for k in range(count)]


def conversation(strategy, asks, score=lambda architecture: float(sum(architecture.point))):
    rng, asked = np.random.default_rng(0), []
    for number in range(asks):
        try:
            proposal = strategy.ask(rng)
        except StopSearch:  # a strategy that is through
            break
        asked.append(proposal)
        value = score(proposal.candidate)
        strategy.tell(Trial(number, proposal, "completed", Measurement({"v": value}), (value,)))
    return asked


def measured(asked):
    return [each.candidate for each in asked]


def test_the_list_is_the_first_population_of_evolution_and_its_best_the_parent():
    space = Layers(3)
    first = some(space, 5)
    asked = conversation(WarmStart(RegularizedEvolution(space, 5, 64), first), 6)
    assert measured(asked[:5]) == first
    best = max(range(5), key=lambda k: sum(first[k].point))
    assert asked[5].parent == best and asked[5].candidate in set(space.neighbors(first[best]))


def test_a_list_shorter_than_the_population_is_filled_up_by_the_strategy():
    space = Layers(3)
    asked = conversation(WarmStart(RegularizedEvolution(space, 6, 2), some(space, 2)), 7)
    assert measured(asked[:2]) == some(space, 2)
    assert [each.parent for each in asked[:6]] == [None] * 6 and asked[6].parent is not None


def test_local_search_climbs_from_the_first_one():
    space = Layers(3)
    first = some(space, 3)
    asked = conversation(WarmStart(LocalSearch(space), first), 6)
    assert measured(asked[:3]) == first
    assert all(each.parent == 0 and each.candidate in set(space.neighbors(first[0])) for each in asked[3:])


def test_after_the_list_the_strategy_goes_on_as_it_would():
    space = Layers(3)
    alone, warm = conversation(RandomSearch(space), 8), conversation(WarmStart(RandomSearch(space), some(space, 3)), 8)
    assert measured(warm[:3]) == some(space, 3)
    assert measured(warm[3:]) == [each for each in measured(alone) if each not in some(space, 3)][:5]


def test_what_is_pending_answers_the_strategy_when_it_ends():
    space = Layers(3)
    strategy, rng, first = WarmStart(RegularizedEvolution(space, 3, 64), some(space, 3)), np.random.default_rng(0), []
    first = [strategy.ask(rng) for _ in range(3)]
    early = strategy.ask(rng)  # the population is pending, nobody lives: a random one
    assert early is not None and early.parent is None and early.candidate not in some(space, 3)
    for number, proposal in enumerate(first):
        strategy.tell(Trial(number, proposal, "completed", Measurement({"v": number}), (float(number),)))
    assert strategy.ask(rng).parent == 2


def test_a_strategy_of_several_fidelities_measures_the_list_at_its_own():
    space = Layers(3)
    asked = conversation(WarmStart(Asha(space), some(space, 3)), 3)
    assert measured(asked) == some(space, 3)
    assert all(each.fidelity == pytest.approx(1 / 27) for each in asked)


def test_the_strategy_that_was_given_stays_as_it_is():
    space = Layers(3)
    inner = RegularizedEvolution(space, 3, 2)
    conversation(WarmStart(inner, some(space, 3)), 6)
    assert inner.ask(np.random.default_rng(0)).parent is None
    assert space.sample(np.random.default_rng(0)) == Layers(3).sample(np.random.default_rng(0))


@pytest.mark.parametrize(
    "make",
    [
        LocalSearch,
        lambda space: GeneticAlgorithm(space, 6),
        lambda space: TreeParzen(space, startup=4),
        lambda space: gp(space, initial=9, batch=3),
    ],
)
def test_it_keeps_the_contract(make):
    check_strategy(lambda space: WarmStart(make(space), some(space)), trials=30)


@pytest.mark.parametrize("cls", every_strategy(), ids=lambda cls: cls.__name__)
def test_every_strategy_can_be_begun_so(cls):
    space = Cell()
    try:
        strategy = SETTINGS.get(cls.__name__, cls)(space)
    except ConfigurationError:
        pytest.skip("made of other strategies")
    if in_role(strategy, RoundStrategy):
        pytest.skip("trains shared weights")
    first = some(space, 4)
    strategy = WarmStart(strategy, first)
    asked = conversation(strategy, 14)
    assert strategy.continues or measured(asked[:4]) == first


def test_its_configuration_is_text_and_it_is_bounded_as_the_strategy_is():
    space = Layers(3)
    strategy = WarmStart(RandomSearch(space), [str(space.at(3)), space.at(5)])
    described = json.loads(json.dumps(strategy.configuration()))
    assert described["arguments"]["first"] == [str(space.at(3)), str(space.at(5))]
    assert not strategy.bounded
    assert repr(strategy.replace()) == repr(strategy)


def test_what_cannot_be_asked_is_refused():
    space = Layers(3)
    with pytest.raises(ConfigurationError, match="at least one architecture"):
        WarmStart(RandomSearch(space), [])
    with pytest.raises(ConfigurationError, match=r"WarmStart: strategy is .*; expected a Strategy"):
        WarmStart(space, [space.at(0)])  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidArchitecture):
        WarmStart(RandomSearch(space), [Layers(2).at(0)])


def test_of_a_strategy_of_rounds_the_draws_are_kept_with_its_state():
    """The list is what is trained first; a search that goes on from an epoch does not begin with it again."""
    space, rng = Layers(3), np.random.default_rng(0)
    first = some(space, 5)
    strategy = WarmStart(TrainThenSearch(UniformPaths(space), RandomSearch(space)), first)
    asked = [strategy.ask(rng) for _ in range(3)]
    assert measured(asked) == first[:3] and all(each.purpose == "train" for each in asked)
    again = strategy.replace()
    again.load_state_dict(strategy.state_dict())
    assert measured([again.ask(rng) for _ in range(2)]) == first[3:]


def test_a_wrapper_is_in_a_role_where_what_it_wraps_is():
    space = Layers(3)
    plain, rounds = RandomSearch(space), TrainThenSearch(UniformPaths(space), RandomSearch(space))
    warm = [WarmStart(each, some(space)) for each in (plain, rounds, TreeParzen(space))]
    assert [in_role(each, RoundStrategy) for each in warm] == [None, warm[1], None]
    assert [in_role(each, Remembering) for each in warm] == [None, None, warm[2]]
    assert [(each.bounded, each.continues) for each in (*warm, WarmStart(Asha(space), some(space)))] == [
        *((False, False), (True, False), (False, False), (False, True))
    ]
