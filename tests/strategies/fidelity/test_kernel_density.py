"""BOHB's model: the density against the formula written out, and that it finds what random search does not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fidelity_parts import CELL, EPOCHS, Known, curves

import netwright as nw
from netwright.methods import bohb
from netwright.strategies import Hyperband, KernelDensity, RandomSearch
from netwright.strategies.fidelity.kernel_density import _Density
from netwright.testing import check_strategy
from netwright.testing.small_spaces import Layers


def test_the_density_is_the_mean_of_products_of_aitchison_and_aitkens_kernel() -> None:
    rng = np.random.default_rng(0)
    points = [CELL.sample(rng).point for _ in range(12)]
    density = _Density(CELL.decisions, points, 1e-3)
    asked = [CELL.sample(rng).point for _ in range(5)]
    for point, found in zip(asked, np.exp(density.log(asked)), strict=True):
        total = 0.0
        for datum in points:
            product = 1.0
            for j in range(5):
                width = density.bandwidths[j]
                product *= 1 - width if point[j] == datum[j] else width / 3
            total += product
        assert found == pytest.approx(total / len(points))
    whole = np.exp(density.log([each.point for each in CELL.enumerate()])).sum()
    assert whole == pytest.approx(1.0)


def test_the_bandwidth_of_two_options_is_the_rule_of_thumb_that_hpbandster_takes() -> None:
    class Coin(nw.DecisionSpace):
        def network(self, choose, shape):
            raise NotImplementedError

    from netwright.core.decisions import Decision, DecisionTable

    decisions = DecisionTable([Decision(f"coin{i}", (0, 1), "one") for i in range(3)])
    data = [(0, 1, 1), (1, 1, 1), (0, 0, 1), (0, 1, 1), (1, 0, 1)]
    found = _Density(decisions, data, 1e-3).bandwidths
    expected = 1.06 * np.std(np.array(data), axis=0) * 5 ** (-1 / 7)
    assert found == pytest.approx(np.clip(expected, 1e-3, 0.5))


def test_where_decisions_are_conditional_the_densities_cover_every_architecture() -> None:
    space, rng = Layers(2), np.random.default_rng(0)
    density = _Density(space.decisions, [space.sample(rng).point for _ in range(9)], 1e-3)
    logs = density.log([each.point for each in space.enumerate()])
    assert np.isfinite(logs).all() and np.exp(logs).sum() < 1
    drawn = {space.decisions.complete(wanted, rng) for wanted in density.draw(200, rng)}
    for point in drawn:
        space.decisions.check(point)


def test_a_share_is_random_and_no_model_is_made_of_too_few() -> None:
    run = nw.Search(KernelDensity(CELL, random=0.0), Known()).run(trials=11)
    plain = nw.Search(KernelDensity(CELL, random=1.0), Known()).run(trials=11)
    assert [trial.architecture for trial in run.trials] == [trial.architecture for trial in plain.trials]
    longer = [nw.Search(KernelDensity(CELL, random=share), Known()).run(trials=60) for share in (0.0, 1.0)]
    best = [np.mean([trial.scores[0] for trial in run.trials[30:]]) for run in longer]
    assert best[0] > best[1] + 0.1


def test_it_beats_random_search_under_hyperband_at_equal_epochs() -> None:
    top = curves()[:, -1].max()

    def regret(strategy, seed: int) -> float:
        run = nw.Search(strategy, Known(), seed=seed).run(trials=240)
        left, best = 25 * EPOCHS, 0.0
        for trial in run.trials:
            left -= len(trial.measurement.curve)
            if left >= 0 and len(trial.measurement.curve) == EPOCHS:
                best = max(best, trial.scores[0])
        return top - best

    found = {
        name: np.mean([regret(make(), seed) for seed in range(4)])
        for name, make in {
            "random": lambda: RandomSearch(CELL),
            "hyperband": lambda: Hyperband(CELL, 1 / 9),
            "bohb": lambda: bohb(CELL, 1 / 9),
        }.items()
    }
    assert found["bohb"] < found["hyperband"] < found["random"], found


def test_it_is_a_strategy_that_may_or_may_not_repeat() -> None:
    check_strategy(lambda space: KernelDensity(space, least_points=3), trials=12)
    run = nw.Search(KernelDensity(CELL, random=0.0), Known()).run(trials=60)
    assert len({trial.architecture for trial in run.trials}) == 60
    again = nw.Search(KernelDensity(CELL, random=0.0, repeats=True), Known()).run(trials=60)
    assert len({trial.architecture for trial in again.trials}) < 60


def test_it_learns_from_every_fidelity_and_models_the_highest_with_enough() -> None:
    strategy = KernelDensity(CELL)
    run = nw.Search(Hyperband(CELL, 1 / 9), Known()).run(trials=60)
    by_share: dict[float, int] = {}
    for trial in run.trials:
        strategy.learn(trial)
        by_share[trial.proposal.fidelity] = by_share.get(trial.proposal.fidelity, 0) + 1
    assert strategy._densities() is not None
    expected = max(share for share, count in by_share.items() if count >= 12)
    assert strategy._model[1] == by_share[expected] and strategy._model[0] is strategy._levels[expected]
    assert math.isclose(expected, 1 / 3) or expected == 1.0
