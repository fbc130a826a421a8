from __future__ import annotations

from collections import Counter

import pytest
from path_parts import Driver, Edges, Fitting, Terms, continues_alike

from netwright.strategies import RandomSearch
from netwright.strategies.paths import FairPaths, TrainThenSearch


def counted(asked):
    return Counter((name, label) for each in asked for name, label in each.candidate.decisions.items())


def test_each_step_takes_every_option_of_every_decision_exactly_once():
    space = Terms()
    driver = Driver(FairPaths(space), Fitting(space, epochs=3, steps=10)).go()
    assert [each.purpose for each in driver.asked] == (["accumulate"] * 3 + ["train"]) * 30
    for start in range(0, 120, 4):
        assert counted(driver.asked[start : start + 4]) == {
            (each.name, label): 1 for each in space.decisions for label in each.options
        }


def test_options_of_uneven_and_nested_decisions_differ_by_at_most_one():
    space = Terms(uneven=True)
    driver = Driver(FairPaths(space), Fitting(space, epochs=3, steps=7)).go()
    for end in range(1, len(driver.asked) + 1):
        counts = counted(driver.asked[:end])
        for decision in space.decisions:
            found = [counts[decision.name, label] for label in decision.options]
            assert max(found) - min(found) <= 1
    # A step of four models deals a decision of two options twice; the one nested in it is active in every second model.
    assert counted(driver.asked)["term2", "nested"] == 2 * 21
    assert sum(counted(driver.asked)["term2/nested/extra", label] for label in "abc") == 2 * 21


def test_sets_of_sources_are_dealt_alike_but_do_not_make_steps_longer():
    space = Edges()
    strategy = FairPaths(space)
    assert strategy.models == 2
    driver = Driver(strategy, Fitting(space, epochs=1, steps=6)).go()
    assert {counted(driver.asked)["node/sources", kept] for kept in ((0, 1), (0, 2), (1, 2))} == {4}


@pytest.mark.parametrize("rounds", [0, 3, 13, 34, 85])
def test_a_state_taken_at_any_time_continues_identically(rounds):
    space = Terms(uneven=True)
    continues_alike(
        lambda: TrainThenSearch(FairPaths(space), RandomSearch(space), 6), Fitting(space, epochs=2, steps=10), rounds
    )
