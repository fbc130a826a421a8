"""Expected hypervolume against sampling, Lamarckian choice by density, and that both find more than random search."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

import netwright as nw
from netwright.core.fronts import hypervolume
from netwright.core.objective import dominates
from netwright.methods import ehvi, lemonade
from netwright.predictors.linear import Linear
from netwright.strategies import FrontOptimization, LamarckianEvolution, RandomSearch
from netwright.strategies.fronts import PredictedFront
from netwright.strategies.fronts.choice import expected_improvement
from netwright.strategies.fronts.lamarckian import rare
from netwright.strategies.progressive import ProgressiveBeam
from netwright.testing import check_strategy

SPACE = nw.spaces.NasBench201()
COST = np.array([0.0, 0.05, 0.3, 1.0, 0.1])
GAIN = np.array([0.0, 0.4, 0.7, 1.0, 0.2])
OBJECTIVES = ("gain:maximize", "rest:maximize")


def measured() -> nw.estimators.Function:
    def both(architecture: nw.Architecture) -> dict[str, float]:
        options = list(architecture.point)
        weights = np.array([1.0, 0.8, 1.2, 0.6, 1.4, 1.0])
        return {"gain": float((GAIN[options] * weights).sum()), "rest": -float((COST[options] * weights[::-1]).sum())}

    return nw.estimators.Function(both)


def volume(strategy: nw.Strategy, trials: int) -> float:
    run = nw.Search(strategy, measured(), OBJECTIVES, seed=1).run(trials=trials)
    return hypervolume([each.scores for each in run.trials], (0.0, -6.0))


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_the_expected_improvement_is_the_mean_gain_over_draws(objectives: int) -> None:
    draws = np.random.default_rng(objectives)
    front, reference = draws.uniform(0, 1, (5, objectives)), np.full(objectives, -0.1)
    mean, deviation = draws.uniform(-0.2, 1.2, (3, objectives)), draws.uniform(0.05, 0.4, (3, objectives))
    before = hypervolume(front, reference.tolist())
    for place, found in enumerate(expected_improvement(mean, deviation, front, reference)):
        sampled = draws.normal(mean[place], deviation[place], (1_000, objectives))
        gains = [hypervolume(np.vstack((front, each)), reference.tolist()) - before for each in sampled]
        assert abs(found - np.mean(gains)) < 4.5 * np.std(gains) / len(gains) ** 0.5


def test_without_doubt_it_is_the_gain_itself() -> None:
    front = np.array([(0.2, 0.9), (0.5, 0.5), (0.5, 0.4), (0.9, 0.1)])
    points = np.array([(0.6, 0.6), (0.4, 0.4), (1.0, 1.0), (-0.5, 2.0)])
    before = hypervolume(front, (0.0, 0.0))
    expected = [hypervolume(np.vstack((front, each)), (0.0, 0.0)) - before for each in points]
    found = expected_improvement(points, np.zeros((4, 2)), front, (0.0, 0.0))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_predicted_front_comes_first_its_ends_before_what_is_crowded() -> None:
    mean = np.array([(0.0, 1.0), (0.5, 0.6), (0.52, 0.58), (1.0, 0.0), (0.4, 0.4)])
    chosen = PredictedFront().choose(mean, np.zeros((5, 2)), mean, 5)
    assert set(chosen[:2]) == {0, 3} and chosen[4] == 4


def test_what_is_rare_is_in_inverse_proportion_to_a_density_of_the_usual_width() -> None:
    """Against scipy's normal density with Scott's width, where nothing is at the floor."""
    draws = np.random.default_rng(0)
    among, points = draws.normal(size=(40, 2)), draws.normal(size=(6, 2)) / 2
    width = among.std(axis=0) * 40 ** (-1 / 6)
    density = [np.mean([norm.pdf(point, each, width).prod() for each in among]) for point in points]
    inverse = 1 / np.array(density)
    np.testing.assert_allclose(rare(points, among), inverse / inverse.sum(), rtol=1e-9)
    np.testing.assert_allclose(rare(np.empty((4, 0)), np.empty((3, 0))), 0.25)


def test_both_find_more_of_a_front_than_random_search() -> None:
    random = volume(RandomSearch(SPACE), 40)
    assert volume(ehvi(SPACE, batch=10), 40) > random
    assert volume(lemonade(SPACE, 10, inherit=False), 40) > random


def test_children_of_lemonade_have_a_parent_on_the_front_and_are_all_different() -> None:
    run = nw.Search(LamarckianEvolution(SPACE, 10, 20, 5, inherit=False), measured(), OBJECTIVES).run(trials=40)
    assert len({SPACE.key(each.architecture) for each in run.trials}) == 40
    born = [each for each in run.trials if each.proposal.parent is not None]
    assert len(born) == 30
    for each in born:
        parent = run.trials[each.proposal.parent or 0].architecture
        assert sum(a != b for a, b in zip(parent.point, each.architecture.point, strict=True)) == 1


def test_one_objective_is_searched_as_well() -> None:
    for strategy in (FrontOptimization(SPACE, Linear(SPACE)), lemonade(SPACE, inherit=False)):
        run = nw.Search(strategy, measured(), "gain").run(trials=40)
        assert run.best.metrics["gain"] > 4.0


def test_a_progressive_beam_by_front_ranks_by_the_front_of_what_is_predicted() -> None:
    """Against the definition: no extension comes before one that dominates it in both predictions."""
    run = nw.Search(ProgressiveBeam(SPACE, 10, Linear(SPACE), front=True), measured(), OBJECTIVES).run(trials=20)
    trials, strategy = run.trials, run.strategy
    assert isinstance(strategy, ProgressiveBeam)
    points = [SPACE.sample(np.random.default_rng(seed)).point for seed in range(30)]
    predicted = []
    for place in (0, 1):
        model = Linear(SPACE)
        model.fit([each.architecture for each in trials], [each.scores[place] for each in trials])
        predicted.append(model.predict([SPACE.from_indices(each) for each in points]).mean)
    order = list(zip(*(column[strategy._ranked(points, 0)].round(9) for column in predicted), strict=True))
    assert not any(dominates(later, earlier) for k, earlier in enumerate(order) for later in order[k + 1 :])
    assert "front" not in ProgressiveBeam(SPACE, 10, Linear(SPACE)).configuration()["arguments"]


@pytest.mark.parametrize("make", [lambda space: FrontOptimization(space, Linear(space)), LamarckianEvolution])
def test_they_keep_the_contract(make) -> None:
    check_strategy(make)
