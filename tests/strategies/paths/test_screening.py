from __future__ import annotations

import pytest
import torch
from path_parts import Driver, Fitting, Terms, continues_alike

from netwright.strategies.paths import Screening, TrainThenSearch, UniformPaths

SPACE = Terms()


def make(candidates=12, batches=3, best=4):
    return TrainThenSearch(UniformPaths(SPACE), Screening(SPACE, candidates, batches, best))


def test_many_are_looked_at_and_the_best_of_them_evaluated():
    driver = Driver(make(), Fitting(SPACE, epochs=2))
    accuracies: dict = {}
    advance = driver.estimator.advance

    def watched(proposal):
        found = advance(proposal)
        if proposal.purpose == "probe":
            assert not proposal.again
            accuracies.setdefault(proposal.candidate, []).append(found.metrics["accuracy"])
        return found

    driver.estimator.advance = watched
    driver.go()
    assert [len(each) for each in accuracies.values()] == [3] * 12
    means = {each: float(torch.stack(found).mean()) for each, found in accuracies.items()}
    evaluated = [each.architecture for each in driver.trials]
    assert len(set(evaluated)) == 4
    assert [means[each] for each in evaluated] == sorted(means.values(), reverse=True)[:4]
    assert driver.strategy.recommend(driver.trials) == max(driver.trials, key=lambda each: each.scores).architecture
    assert driver.stopped == "the best 4 of 12 random architectures were evaluated"


def test_a_small_space_is_looked_at_whole():
    driver = Driver(Screening(SPACE, candidates=1000, batches=1, best=2), Fitting(SPACE)).go()
    assert len({each.candidate for each in driver.asked[:-2]}) == SPACE.size == 64
    assert [each.purpose for each in driver.asked] == ["probe"] * 64 + ["evaluate"] * 2


@pytest.mark.parametrize("rounds", [39, 40, 41, 50, 76, 77, 79])
def test_a_state_taken_at_any_time_continues_identically(rounds):
    continues_alike(make, Fitting(SPACE), rounds)
