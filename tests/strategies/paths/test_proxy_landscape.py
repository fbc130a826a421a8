"""PVLL-NAS: the landscape learns what was measured, and its gradient moves the logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from netwright.core.architecture import Mixture
from netwright.methods import pvll_nas
from netwright.spaces import Darts, NasBench201
from netwright.strategies.differentiable import Adam
from netwright.strategies.paths import ProxyLandscape
from netwright.tasks import open_task
from netwright.testing import check_round_strategy
from netwright.testing.check_round_strategy import Training

SPACE = NasBench201(channels=2, cells=1)


def test_the_contract_of_rounds_is_kept() -> None:
    check_round_strategy(ProxyLandscape)
    check_round_strategy(
        lambda space: ProxyLandscape(space, memory=6, warm_up=0.0), Darts(cells=2, channels=2, nodes=2)
    )


def test_single_paths_are_trained_and_measured_and_nothing_is_learnt_in_the_warm_up() -> None:
    training = Training(ProxyLandscape(SPACE, warm_up=0.5, memory=7), epochs=2, steps=5, seed=0)
    before = training.strategy.logits.values.detach().clone()  # pyright: ignore
    training.hold()
    strategy: Any = training.strategy
    assert [each.purpose for each in training.asked] == ["train", "probe"] * 10 + ["evaluate"]
    for one, other in zip(training.asked[0:20:2], training.asked[1:20:2], strict=True):
        assert isinstance(one.candidate, Mixture) and isinstance(other.candidate, Mixture)
        assert one.candidate.active == other.candidate.active
        for name, weights in one.candidate.weights.items():
            assert weights[one.candidate.active[name][0]] == 1 and weights.sum() == 1
    assert strategy.codes.shape == (7, 30) and strategy.losses.shape == (7,)  # the oldest are forgotten
    moved = (strategy.logits.values - before).abs().max()
    assert 0 < moved <= 5 * 3e-4 * 1.01 * 2


def test_the_logits_step_against_the_gradient_of_the_landscape_at_a_concrete_sample() -> None:
    strategy: Any = ProxyLandscape(SPACE, temperature=0.7)
    noise = torch.from_numpy(np.random.default_rng(3).gumbel(size=(6, 5))).float()

    @torch.no_grad()
    def loss(logits: np.ndarray) -> float:
        weights = torch.softmax((torch.from_numpy(logits) + noise.double()) / 0.7, -1)
        first, _, last = strategy.landscape
        hidden = (first.weight.double() @ weights.flatten() + first.bias.double()).clamp(min=0)
        return float((last.weight.double() @ hidden + last.bias.double()).sum())

    at, step = strategy.logits.values.detach().double().numpy(), 1e-5
    expected = np.zeros_like(at)
    for place in np.ndindex(*at.shape):
        shift = np.zeros_like(at)
        shift[place] = step
        expected[place] = (loss(at + shift) - loss(at - shift)) / (2 * step)
    found = torch.autograd.grad(strategy._expected(np.random.default_rng(3)), strategy.logits.values)[0]
    assert np.abs(expected).max() > 1e-3
    assert found.numpy() == pytest.approx(expected, abs=1e-5)
    before = strategy.logits.values.detach().clone()
    strategy.logits.follow(strategy._expected(np.random.default_rng(3)))
    assert torch.equal((strategy.logits.values - before).sign(), -torch.from_numpy(expected).sign().float())


def test_newer_losses_weigh_more_and_half_as_much_after_the_half_life() -> None:
    """Two paths told twice with changed losses: the fit is the weighted mean of both."""
    strategy: Any = ProxyLandscape(SPACE, half_life=2.0)
    paths = [strategy._one_hot(torch.randn(6, 5, generator=torch.Generator().manual_seed(k))) for k in (0, 1)]
    for loss in ((1.0, 0.0), (0.0, 1.0)):
        for path, value in zip(paths, loss, strict=True):
            strategy._note(path, value)
    strategy._fit(600)
    targets = strategy._targets()
    with torch.no_grad():
        found = strategy.landscape(strategy.codes[:2]).squeeze(-1)
    weights = 0.5 ** (torch.tensor([3.0, 2.0, 1.0, 0.0]) / 2)
    expected = [
        (weights[k] * targets[k] + weights[k + 2] * targets[k + 2]) / (weights[k] + weights[k + 2]) for k in (0, 1)
    ]
    assert found.tolist() == pytest.approx([float(each) for each in expected], abs=0.02)


def test_it_finds_the_lowest_loss_of_a_landscape_that_can_be_learnt() -> None:
    """Made-up losses are the lower, the earlier the options are."""
    training = Training(ProxyLandscape(SPACE, Adam(0.05)), epochs=4, steps=60, seed=0).hold()
    assert training.strategy.recommend(training.trials).point == (0,) * 6
    assert training.strategy.figures()["explained"] > 0.9


def test_a_search_that_is_cut_off_finds_the_same(tmp_path: Any) -> None:
    task = open_task("digits", limit=120)

    def search() -> Any:
        return pvll_nas(SPACE, task, epochs=3, batch_size=20, device="cpu")

    whole = search().run()

    def stop(trial: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search().run(store=tmp_path, name="r", on_trial=stop)
    resumed = search().run(store=tmp_path, name="r", resume=True)
    assert resumed.best.architecture == whole.best.architecture
    assert resumed.trials[-2].metrics["explained"] == whole.trials[-2].metrics["explained"]
