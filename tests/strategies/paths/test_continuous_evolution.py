"""CARS: who survives, whom the weights train on, and when generations are made."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from netwright.core.architecture import Architecture
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.methods import cars
from netwright.spaces import NasBench201
from netwright.strategies.paths import ContinuousEvolution
from netwright.strategies.paths.continuous_evolution import protected_survivors
from netwright.tasks import Task, open_task
from netwright.testing import check_round_strategy
from netwright.testing.check_round_strategy import Training

SPACE = NasBench201(channels=2, cells=1)


def fronts(points: np.ndarray) -> list[set[int]]:
    """Non-dominated fronts, by comparing every pair again and again; larger is better."""
    left, found = set(range(len(points))), []
    while left:
        front = {
            i for i in left if not any((points[j] >= points[i]).all() and (points[j] > points[i]).any() for j in left)
        }
        found.append(front)
        left -= front
    return found


@pytest.mark.parametrize("seed", range(20))
def test_survivors_come_from_the_united_fronts_of_both_sortings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, growth = rng.integers(0, 6, (24, 2)).astype(float), rng.integers(0, 6, 24).astype(float)
    by_growth = np.column_stack((growth, scores[:, 1:]))
    certain: set[int] = set()
    last: set[int] = set()
    for one, other in itertools.zip_longest(fronts(scores), fronts(by_growth), fillvalue=set()):
        if len(certain | one | other) > 10:
            last = (one | other) - certain
            break
        certain |= one | other
    kept = protected_survivors(scores, growth, 10, rng)
    assert len(kept) == len(set(kept)) == 10
    assert certain <= set(kept) <= certain | last


def test_a_large_network_that_still_learns_is_protected_from_small_accurate_ones() -> None:
    scores = np.array([[0.9, -1.0], [0.8, -2.0], [0.7, -3.0], [0.1, -9.0]])  # accuracy, minus size
    growth = np.array([0.0, 0.0, 0.0, 0.5])
    assert protected_survivors(scores, growth, 2, np.random.default_rng(0)) == [0, 3]


def test_the_contract_of_rounds_is_kept() -> None:
    check_round_strategy(lambda space: ContinuousEvolution(space, population=4, batch=2, warm_up=0.25, every=1))
    check_round_strategy(lambda space: ContinuousEvolution(space, population=3, every=9))


def test_weights_train_on_random_networks_then_on_members_and_generations_follow_epochs() -> None:
    strategy = ContinuousEvolution(SPACE, population=5, batch=3, warm_up=0.25, every=2)
    training = Training(strategy, epochs=8, steps=3, seed=0).hold()
    purposes = [each.purpose for each in training.asked]
    # Two epochs of warm-up; generations after epochs 4, 6 and 8, of five members and five children; the result.
    cycle = ["accumulate", "accumulate", "train"] * 6 + ["evaluate"] * 10
    assert purposes == ["train"] * 6 + cycle * 3 + ["evaluate"]
    trained = {each.candidate for each in training.asked[6:24]}
    first = [each.candidate for each in training.asked[24:34]]
    assert trained <= set(first[:5]) and len(set(first)) == 10
    # Scores are made up of the architecture alone: nothing grows, and the best is never lost.
    best = max(training.trials, key=lambda trial: trial.scores[0]).architecture
    assert training.asked[-1].candidate == best == strategy.members[0]


def test_growth_is_since_the_last_comparison_and_of_a_child_since_its_parents() -> None:
    strategy = ContinuousEvolution(SPACE, population=2, warm_up=0.0, every=1)
    rng = np.random.default_rng(0)
    old, new = SPACE.sample(rng), SPACE.sample(rng)
    strategy.members, strategy.accuracies = [old], {str(old): 0.5}
    told: dict[str, Any] = {}
    strategy._children = lambda _: [(new, str(old))]  # pyright: ignore
    strategy._select = lambda alive, _: told.update({str(each): growth for each, _, growth in alive})  # pyright: ignore
    talk = strategy._generation(rng)
    make = next(talk)
    for score in (0.6, 0.45):
        candidate = make(rng).candidate
        assert isinstance(candidate, Architecture)
        trial = Trial(0, Proposal(candidate), "completed", Measurement({}), (score,))
        try:
            make = talk.send(trial)
        except StopIteration:
            break
    assert told == {str(old): pytest.approx(0.1), str(new): pytest.approx(-0.05)}


@pytest.fixture(scope="module")
def task() -> Task:
    return open_task("digits", limit=120)


def test_the_settings_are_those_of_the_authors_program(task: Task) -> None:
    search: Any = cars(SPACE, task, epochs=500, population=128, device="cpu")
    strategy, settings = search.strategy, search.estimator.settings
    assert (strategy.population, strategy.batch, strategy.warm_up, strategy.every) == (128, 1, 0.1, 10)
    assert (settings.learning_rate, settings.minimum_learning_rate, settings.weight_decay) == (0.025, 0.001, 3e-4)
    assert settings.gradient_clip == 5.0
    search = cars(SPACE, task, epochs=500, batch=4, learning_rate=0.1, device="cpu")
    summed = search.estimator.settings
    assert (summed.learning_rate, summed.weight_decay, summed.gradient_clip) == (0.025, 1.2e-3, 20.0)


def test_a_search_that_is_cut_off_between_evaluations_finds_the_same(task: Task, tmp_path: Any) -> None:
    def search() -> Any:
        return cars(SPACE, task, epochs=3, population=3, batch=2, batch_size=20, device="cpu")

    whole = search().run()
    ended: list[Any] = []

    def stop(trial: Any) -> None:
        ended.append(trial)
        if len(ended) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search().run(store=tmp_path, name="r", on_trial=stop)
    resumed = search().run(store=tmp_path, name="r", resume=True)
    assert [each.proposal.candidate for each in resumed.trials if each.proposal.purpose == "evaluate"] == [
        each.proposal.candidate for each in whole.trials if each.proposal.purpose == "evaluate"
    ]
    assert resumed.best.architecture == whole.best.architecture and "params" in whole.best.metrics
