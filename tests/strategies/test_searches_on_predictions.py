"""NSGANetV2's front on predictions, and once-for-all's evolution on a predictor."""

from __future__ import annotations

import numpy as np
import pytest

import netwright as nw
from netwright.core.errors import StopSearch
from netwright.core.fronts import hypervolume
from netwright.core.trial import Measurement, Trial
from netwright.predictors.linear import Linear
from netwright.spaces import NasBench201
from netwright.strategies import RandomSearch
from netwright.strategies.evolution.predicted import PredictedEvolution
from netwright.strategies.fronts.surrogate import SurrogateFront, evenly
from netwright.strategies.imagined import searched
from netwright.testing import check_strategy

SPACE = NasBench201(channels=2, cells=1)
WORTH = {"none": 0.0, "skip_connect": 1.0, "nor_conv_1x1": 2.0, "nor_conv_3x3": 3.0, "avg_pool_3x3": 0.5}
PRICE = {"none": 0.0, "skip_connect": 0.0, "nor_conv_1x1": 1.0, "nor_conv_3x3": 4.0, "avg_pool_3x3": 0.1}


def scores(architecture: nw.Architecture) -> tuple[float, float]:
    labels = [str(each) for each in architecture.decisions.values()]
    worth = sum((1 + 0.3 * k) * WORTH[each] for k, each in enumerate(labels))
    return worth - 0.01 * worth**2, -sum(PRICE[each] for each in labels)


def run(strategy: nw.Strategy, count: int, objectives: int = 2) -> list[Trial]:
    trials, rng = list[Trial](), np.random.default_rng(0)
    while len(trials) < count:
        try:
            proposal = strategy.ask(rng)
        except StopSearch:
            break
        assert proposal is not None and isinstance(proposal.candidate, nw.Architecture)
        found = scores(proposal.candidate)[:objectives]
        trials.append(Trial(len(trials), proposal, "completed", Measurement({}), found))
        strategy.tell(trials[-1])
    return trials


def test_the_front_is_larger_than_that_of_random_search() -> None:
    found = run(SurrogateFront(SPACE, [Linear(SPACE)], initial=20, batch=10, population=20, generations=6), 50)
    assert len(run(SurrogateFront(SPACE, [Linear(SPACE)], initial=4, batch=3, rounds=2, generations=1), 99)) == 10
    random = run(RandomSearch(SPACE), 50)
    reference = [-1.0, -25.0]
    volumes = [hypervolume(np.array([each.scores for each in many]), reference) for many in (found, random)]
    assert volumes[0] > 1.05 * volumes[1]
    assert len({each.architecture for each in found}) == len(found)


def test_gaps_are_filled() -> None:
    taken = np.array([0.0, 10.0])
    values = np.array([0.1, 4.9, 5.0, 9.9, 2.4])
    assert values[evenly(values, taken, 2)].tolist() == [5.0, 2.4]
    assert len(evenly(values, taken, 9)) == 5


def test_the_predictor_that_ranks_best_is_chosen() -> None:
    class Blind(Linear):
        def predict(self, architectures):
            found = super().predict(architectures)
            return type(found)(np.random.default_rng(0).random(len(found.mean)), found.deviation)

    strategy = SurrogateFront(SPACE, [Blind(SPACE), Linear(SPACE)], initial=20)
    trials = run(strategy, 20)
    known, rng = [each.architecture for each in trials], np.random.default_rng(0)
    values = np.array([each.scores[0] for each in trials])
    assert strategy._best(known, values, rng) == 1


def test_an_evolution_on_a_predictor_finds_what_scores_best() -> None:
    strategy = PredictedEvolution(SPACE, Linear(SPACE), samples=60, population=20, generations=15, finalists=5)
    trials = run(strategy, 1000, objectives=1)
    assert len(trials) == 65
    best = max(scores(each)[0] for each in SPACE.enumerate())
    assert max(each.scores[0] for each in trials[60:]) > 0.98 * best > max(each.scores[0] for each in trials[:60])


def test_the_evolution_keeps_limits_on_what_is_known() -> None:
    strategy = PredictedEvolution(SPACE, Linear(SPACE), samples=60, population=20, generations=10, finalists=5)
    strategy.know(lambda each: {"macs": -scores(each)[1]}, [nw.Constraint("macs", 6.0)])
    trials = run(strategy, 1000, objectives=1)
    assert len(trials) == 65 and all(-scores(each.architecture)[1] <= 6 for each in trials[60:])


def test_what_is_imagined_ends_with_its_strategy() -> None:
    small = nw.spaces.Tabular({"a": [1, 2], "b": [1, 2]})
    found = searched(RandomSearch(small), lambda many: np.ones((len(many), 1)), 100, np.random.default_rng(0))
    assert len(found) == 4
    none = searched(RandomSearch(small), lambda many: np.full((len(many), 1), np.nan), 100, np.random.default_rng(0))
    assert not none


@pytest.mark.parametrize(
    "make",
    [
        lambda space: SurrogateFront(space, [Linear(space)], initial=4, batch=16, population=4, generations=2),
        lambda space: PredictedEvolution(space, Linear(space), samples=5, population=4, generations=2, finalists=2),
    ],
    ids=["front", "evolution"],
)
def test_the_contract_is_kept(make) -> None:
    check_strategy(make)
