"""SETN: uniform samples train, the softmax of the logits says what is looked at, and the most accurate is found."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

from netwright.core.architecture import Architecture, Mixture
from netwright.methods import setn
from netwright.spaces import Darts, NasBench201
from netwright.strategies.differentiable import SelfEvaluated, UniformTraining
from netwright.strategies.differentiable.layout import Layout
from netwright.strategies.differentiable.parameters import Parameters
from netwright.strategies.differentiable.relaxation import Situation
from netwright.tasks import Task, open_task
from netwright.testing import check_round_strategy
from netwright.testing.check_round_strategy import Training

SPACE = NasBench201(channels=2, cells=1)
SMALL = {"epochs": 2, "batch_size": 20, "device": "cpu", "candidates": 4}


@pytest.fixture(scope="module")
def task() -> Task:
    return open_task("digits", limit=120)


def test_uniform_training_keeps_the_contract_of_rounds() -> None:
    check_round_strategy(lambda space: SelfEvaluated(space, candidates=5))
    check_round_strategy(lambda space: SelfEvaluated(space, candidates=5), Darts(cells=2, channels=2, nodes=2))


def test_weights_train_on_one_option_drawn_uniformly_of_those_in_play() -> None:
    layout = Layout(SPACE)
    parameters = Parameters(layout)
    parameters.logits = 3 * torch.randn(layout.exists.shape, generator=torch.Generator().manual_seed(0))
    parameters.restrict(0, (1, 3))
    rng, counts = np.random.default_rng(0), torch.zeros(layout.exists.shape)
    for _ in range(2_000):
        situation = Situation(layout, parameters.logits, parameters.alive, parameters.active, 0.0, rng)
        draw = UniformTraining().draw(situation, "train")
        assert (draw.weights.sum(-1) == 1).all() and ((draw.weights == 0) | (draw.weights == 1)).all()
        assert all(len(options) == 1 for options in draw.active.values())
        counts += draw.weights
    shares = counts / 2_000
    assert shares[0].tolist() == pytest.approx([0, 0.5, 0, 0.5, 0], abs=0.05)  # whatever the logits are
    assert torch.allclose(shares[1:], torch.full_like(shares[1:], 0.2), atol=0.04)


def test_what_is_looked_at_is_drawn_from_the_softmax_of_the_logits() -> None:
    strategy: Any = SelfEvaluated(SPACE, candidates=1)
    logits = torch.randn(strategy._parameters.logits.shape, generator=torch.Generator().manual_seed(1))
    strategy._parameters.logits = logits
    rng, seen = np.random.default_rng(0), Counter()
    for _ in range(2_000):
        (drawn,) = strategy._drawn(rng)
        seen.update(enumerate(drawn.point))
    for row, expected in enumerate(logits.softmax(-1).tolist()):
        assert [seen[row, option] / 2_000 for option in range(5)] == pytest.approx(expected, abs=0.05)


def test_in_the_end_different_architectures_are_looked_at_and_the_most_accurate_is_found() -> None:
    training = Training(SelfEvaluated(SPACE, candidates=6), epochs=2, steps=3, seed=0).hold()
    looked = [each for each in training.asked if isinstance(each.candidate, Architecture) and each.is_round]
    assert len({each.candidate for each in looked}) == 6 and all(each.purpose == "probe" for each in looked)
    purposes = [each.purpose for each in training.asked]
    assert purposes == ["train", "probe"] * 6 + ["probe"] * 6 + ["evaluate"]
    from netwright.testing.check_round_strategy import _made_up

    losses = {each.candidate: float(_made_up(each)[0]) for each in looked}
    assert training.asked[-1].candidate == min(losses, key=losses.__getitem__)


def test_the_settings_are_those_of_the_authors_program(task: Task) -> None:
    search: Any = setn(SPACE, task, epochs=250, device="cpu")
    settings, optimiser = search.estimator.settings, search.strategy.optimiser
    assert (settings.learning_rate, settings.minimum_learning_rate, settings.weight_decay) == (0.025, 0.001, 5e-4)
    assert (settings.batch_size, settings.nesterov, settings.momentum) == (64, True, 0.9)
    assert (optimiser.betas, optimiser.weight_decay, search.strategy.candidates) == ((0.5, 0.999), 1e-3, 100)


@pytest.mark.parametrize("after", [1, 2])
def test_a_search_that_is_cut_off_finds_the_same(task: Task, tmp_path: Any, after: int) -> None:
    whole = setn(SPACE, task, **SMALL).run()
    ended: list[Any] = []

    def stop(trial: Any) -> None:
        ended.append(trial)
        if len(ended) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        setn(SPACE, task, **SMALL).run(store=tmp_path, name="r", on_trial=stop)
    resumed = setn(SPACE, task, **SMALL).run(store=tmp_path, name="r", resume=True)
    assert resumed.best.architecture == whole.best.architecture
    assert [each.proposal.purpose for each in resumed.trials] == ["train", "train", "evaluate"]
    assert isinstance(whole.trials[0].proposal.candidate, Mixture)
