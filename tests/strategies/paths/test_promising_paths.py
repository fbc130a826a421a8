"""GreedyNAS, PC-NAS and AOWS: what is trained, what is kept, and what the scores lead to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import path_parts
import pytest
import torch

import netwright as nw
from netwright.core.trial import Proposal
from netwright.spaces import NasBench201
from netwright.strategies.paths import GreedyPaths, OrderedWidths, PartialPool
from netwright.testing import check_round_strategy

SPACE = NasBench201(channels=2, cells=1)


def quality(candidate: Any) -> float:
    """More 3x3 convolutions are better, earlier ones more so."""
    labels = list(candidate.decisions.values())
    return sum((k + 2) ** -0.5 for k, each in enumerate(labels) if each == "nor_conv_3x3")


def _path(proposal: Proposal) -> nw.Architecture:
    assert isinstance(proposal.candidate, nw.Architecture)
    return proposal.candidate


class Told(path_parts.Told):
    """Tells losses that follow from the architecture."""

    def __init__(self, strategy: Any, steps: int, an_epoch: int) -> None:
        super().__init__(strategy, steps, an_epoch, quality, _losses)


def _losses(score: float) -> dict[str, float]:
    return {"loss": 5 - score, "accuracy": score, "score": score}


def test_the_half_that_loses_least_is_trained_and_the_pool_fills() -> None:
    strategy = GreedyPaths(SPACE, sampled=6, kept=2, pool=20, tolerance=0.0, population=8, generations=2)
    told = Told(strategy, 60, 10).run()
    looks = told.of("probe")
    assert len(told.of("train")) == 60 and len(looks) == 6 * 30
    assert [each.again for each in looks[:12]] == ([False] + [True] * 5) * 2, "one minibatch for the paths of a look"
    for k, start in enumerate(range(0, len(looks), 6)):
        drawn = sorted((each.candidate for each in looks[start : start + 6]), key=quality, reverse=True)
        trained = [each.candidate for each in told.of("train")[2 * k : 2 * k + 2]]
        assert [quality(each) for each in trained] == [quality(each) for each in drawn[:2]]
    assert len(strategy.candidates) == 20
    best = max(quality(each.candidate) for each in looks)
    assert min(strategy.candidates.values()) == pytest.approx(5 - best)
    evaluated = [each.candidate for each in told.of("evaluate")]
    assert {str(each) for each in evaluated[:8]} <= set(strategy.candidates), "the evolution begins with the pool"
    assert quality(strategy.result()) >= best


def test_the_pool_is_drawn_from_ever_more_often() -> None:
    strategy = GreedyPaths(SPACE, begins=0.2, ends=0.6, most=0.8)
    strategy.candidates = {str(SPACE.at(0)): 1.0}
    shares = []
    for share in (0.1, 0.2, 0.4, 0.6, 0.9):
        strategy.progress.share = share
        shares.append(strategy.share_of_pool)
    assert shares == pytest.approx([0.0, 0.0, 0.4, 0.8, 0.8])


def test_a_stable_pool_ends_the_training() -> None:
    strategy = GreedyPaths(SPACE, sampled=2, kept=1, pool=3, begins=0, ends=0.01, most=1.0, generations=1, population=2)
    told = Told(strategy, 1000, 5).run()
    assert len(told.of("train")) < 100


def test_limits_keep_paths_from_being_trained() -> None:
    strategy = GreedyPaths(SPACE, sampled=4, kept=2, pool=50, population=4, generations=1)
    strategy.know(lambda each: {"convolutions": float(str(each).count("conv"))}, [nw.Constraint("convolutions", 2)])
    told = Told(strategy, 40, 10).run()
    assert all(str(each.candidate).count("conv") <= 2 for each in told.of("train"))


def test_the_pool_grows_decision_by_decision_towards_the_best() -> None:
    strategy = PartialPool(SPACE, pool=3, completions=4, warm_up=0.25)
    told = Told(strategy, 80, 20).run()
    trained = [SPACE.indices(_path(each)) for each in told.of("train")]
    assert len({point[0] for point in trained[:20]}) == 5, "uniform at first"
    assert len({point[0] for point in trained[70:]}) <= 3, "then what continues the pool"
    assert len(told.of("evaluate")) >= 1 and len(strategy.partial) == 3
    random = np.mean([quality(SPACE.sample(np.random.default_rng(k))) for k in range(50)])
    everyone = [quality(each) for each in SPACE.enumerate()]
    assert quality(strategy.result()) > np.quantile(everyone, 0.97) > random


@pytest.mark.parametrize("adaptive", [True, False])
def test_scores_lead_to_the_best_sum(adaptive: bool) -> None:
    strategy = OrderedWidths(SPACE, adaptive=adaptive, window=1e6)
    told = Told(strategy, 600, 50).run()
    assert [each.purpose for each in told.asked[:5]] == ["rehearse", "rehearse", "accumulate", "accumulate", "train"]
    assert strategy.result() == max(SPACE.enumerate(), key=quality)
    late = [quality(each.candidate) for each in told.of("train")[500:]]
    assert (np.mean(late) > 0.9 * quality(strategy.result())) == adaptive


def test_scores_are_means_of_what_was_lost() -> None:
    strategy = OrderedWidths(SPACE, window=2)
    first = SPACE.at(0)
    for lost in (6.0, 12.0, 18.0):
        strategy.note(first, lost)
    option = SPACE.indices(first)[0]
    assert strategy.averages[0][option] == pytest.approx(-((1.0 + 2.0) / 2 + 3.0) / 2)
    weights = strategy.mixture().weights
    ratio = math.log(float(weights[SPACE.decisions[0].name][option] / weights[SPACE.decisions[0].name][option - 1]))
    assert ratio == pytest.approx(0.0), "options that were never drawn count as the lowest"
    assert all(torch.isfinite(each).all() for each in weights.values())


@pytest.mark.parametrize(
    "make",
    [
        lambda space: GreedyPaths(space, sampled=3, kept=2, pool=5, population=3, generations=2),
        lambda space: PartialPool(space, pool=2, completions=2),
        OrderedWidths,
    ],
    ids=["greedy", "partial", "widths"],
)
def test_the_contract_of_rounds_is_kept(make: Any) -> None:
    check_round_strategy(make)
