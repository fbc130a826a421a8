from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from path_parts import TRUTH, Driver, Fitting, Terms, continues_alike

from netwright.core.errors import ConfigurationError, StopSearch
from netwright.core.trial import Measurement, Trial
from netwright.strategies import RandomSearch, RegularizedEvolution
from netwright.strategies.paths import TopEvolution, TrainThenSearch, UniformPaths
from netwright.strategies.paths.top_evolution import MOST_INFEASIBLE
from netwright.testing import check_strategy

SPACE = Terms()


def small(space=SPACE):
    return TrainThenSearch(UniformPaths(space), TopEvolution(space, population=8, generations=4, top=3), 32)


def test_paths_are_trained_until_the_end_then_the_best_is_found_on_the_trained_weights():
    driver = Driver(small(), Fitting(SPACE, epochs=10, steps=20)).go()
    purposes = Counter(each.purpose for each in driver.asked)
    assert purposes["train"] == 200
    assert purposes["evaluate"] == len(driver.trials) == 32
    assert [each.purpose for each in driver.asked] == ["train"] * 200 + ["evaluate"] * 32
    assert "evaluations" in driver.stopped or "generations" in driver.stopped
    assert set(driver.strategy.recommend(driver.trials).decisions.values()) == set(TRUTH)


def test_uniform_paths_take_every_option_equally_often():
    driver = Driver(UniformPaths(SPACE), Fitting(SPACE, epochs=12, steps=50)).go()
    counts = Counter((name, label) for each in driver.asked for name, label in each.candidate.decisions.items())  # pyright: ignore
    assert len(counts) == 12
    assert all(abs(count - 150) < 4.5 * (600 * 0.25 * 0.75) ** 0.5 for count in counts.values())
    assert driver.stopped == "the weight training is over"


@pytest.mark.parametrize("rounds", [0, 17, 40, 41, 55])
def test_a_state_taken_at_any_time_continues_identically(rounds):
    continues_alike(small, Fitting(SPACE), rounds)


@pytest.mark.parametrize("rounds", [43, 60])
def test_other_strategies_continue_by_replay(rounds):
    def make():
        return TrainThenSearch(UniformPaths(SPACE), RegularizedEvolution(SPACE, population=5, tournament=2), 30)

    continues_alike(make, Fitting(SPACE), rounds)


def test_a_search_without_an_end_is_given_one():
    driver = Driver(TrainThenSearch(UniformPaths(SPACE), RandomSearch(SPACE), 7), Fitting(SPACE)).go()
    assert len(driver.trials) == 7
    assert driver.stopped == "the 7 evaluations on the trained weights are done"


def test_two_spaces_do_not_go_together():
    with pytest.raises(ConfigurationError, match="one space"):
        TrainThenSearch(UniformPaths(SPACE), RandomSearch(Terms(uneven=True)))


def test_top_evolution_keeps_the_contract_of_strategies():
    check_strategy(lambda space: TopEvolution(space, population=6, generations=200, top=3), exhausts=True)  # pyright: ignore


def test_top_evolution_breeds_half_by_crossover_of_the_best_and_half_by_mutation():
    strategy = TopEvolution(SPACE, population=10, generations=2, top=2, mutation=0.3)
    driver = Driver(strategy, Fitting(SPACE)).go()
    assert len(driver.trials) == 20
    assert len({each.architecture for each in driver.trials}) == 20
    parents = sorted(driver.trials[:10], key=lambda each: each.scores, reverse=True)[:2]
    for trial in driver.trials[10:]:
        assert trial.proposal.parent in (None, *(each.number for each in parents))
    for trial in driver.trials[10:15]:
        if trial.proposal.parent is not None:
            for name, label in trial.architecture.decisions.items():
                assert label in [each.architecture[name] for each in parents]


@pytest.mark.parametrize("wrapped", [False, True])
def test_networks_that_break_a_limit_take_no_place_in_a_generation(wrapped):
    """Three of four are infeasible; still as many are evaluated as were asked for, in whole generations."""
    strategy: Any = TopEvolution(SPACE, population=5, generations=2, top=2)
    if wrapped:
        strategy = TrainThenSearch(UniformPaths(SPACE), strategy, 10)
    rng, evaluated, asked = np.random.default_rng(0), 0, 0
    progress = 0.0
    with pytest.raises(StopSearch, match=r"2 generations|10 evaluations"):
        while True:
            proposal = strategy.ask(rng)
            if proposal.is_round:
                progress += 0.5
                strategy.tell(Trial(0, proposal, "completed", Measurement({"progress": progress}), (), 0.0, ""))
                continue
            asked += 1
            completed = asked % 4 == 0
            evaluated += completed
            state, scores = ("completed", (float(asked),)) if completed else ("infeasible", ())
            strategy.tell(Trial(asked, proposal, state, Measurement({}), scores, 0.0, ""))
    assert (evaluated, asked) == (10, 40)


def test_a_limit_that_nothing_keeps_ends_the_evolution():
    strategy: Any = TopEvolution(SPACE, population=1, generations=1)
    rng, asked = np.random.default_rng(0), 0
    with pytest.raises(StopSearch):
        while asked < 10_000:
            strategy.tell(Trial(asked, strategy.ask(rng), "infeasible", Measurement({}), (), 0.0, ""))
            asked += 1
    assert asked == MOST_INFEASIBLE + 1
