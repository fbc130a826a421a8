"""Scores of untrained networks are the same wherever they were computed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from torch import nn

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import DataError, SearchFailed
from netwright.estimators.zero_cost import EveryScore, ZeroCost, rank_random
from netwright.estimators.zero_cost.ranking import different, outcomes_of
from netwright.executors import Inline, Processes
from netwright.spaces import NasBench201
from netwright.tasks import arrays, digits

SPACE = NasBench201(channels=4, cells=1)


class Broken(DecisionSpace):
    """For images of 64 pixels; one of its two networks raises an error, or both do."""

    both: bool = False

    def network(self, choose, shape):
        width = choose.value("width", [2 if self.both else 64, 3])
        return nn.Sequential(nn.Flatten(), nn.Linear(width, 4), nn.Linear(4, shape.classes))


@pytest.fixture(scope="module")
def task():
    return digits(limit=80)


@pytest.fixture(scope="module")
def workers():
    executor = Processes(2, threads=1)
    yield executor
    executor.close()


def test_two_workers_give_every_bit_of_the_scores_of_one_process(task, workers):
    scores = ZeroCost(SPACE, task, ("synflow", "snip", "zen"), 4, device="cpu")
    drawn = [*different(SPACE, 11, seed=3), SPACE.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")]
    told = []
    here, there = (
        [each.measurement.metrics for each in outcomes_of(EveryScore(scores), drawn, 3, executor, told.append)]
        for executor in (Inline(), workers)
    )
    assert [list(map(repr, each.items())) for each in here] == [list(map(repr, each.items())) for each in there]
    assert here[0] == {"params": here[0]["params"], "flops": here[0]["flops"], **scores.scores(drawn[0], 3)}
    assert told == [*range(1, 13)] * 2
    assert not math.isfinite(here[-1]["synflow"]), "no path leads through the last one"


def test_a_ranking_is_the_same_in_workers_in_an_executor_and_in_place(task, workers):
    scores = ZeroCost(SPACE, task, ("naswot",), 4, device="cpu")
    orders = [rank_random(SPACE, scores, count=8, seed=1, executor=each) for each in (None, Inline(), workers)]
    assert orders[0] == orders[1] == orders[2]


def test_one_network_that_raises_an_error_is_last_and_nothing_but_such_is_an_error(task):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netwright.estimators.zero_cost.zero_cost.require_runs", lambda *_: None)
        scores = ZeroCost(Broken(), task, ("snip",), 4, device="cpu")
        none = ZeroCost(Broken(both=True), task, ("snip",), 4, device="cpu")
    ranked = rank_random(scores.space, scores, count=2, executor=Inline())
    assert [math.isfinite(each.score) for each in ranked] == [True, False]
    with pytest.raises(SearchFailed, match="none of 2 networks could be scored; the first: RuntimeError"):
        rank_random(none.space, none, count=2, executor=Inline())


def test_too_few_examples_are_refused_before_anything_is_scored():
    small = arrays(np.arange(16 * 64, dtype=np.float32).reshape(16, 64), np.arange(16) % 3)
    scores = ZeroCost(Broken(), small, ("snip",), 4, validation=0.8, device="cpu")
    with pytest.raises(DataError, match="too few"):
        scores.require_examples()
