"""By how far shared weights have turned since they were drawn."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.core.errors import UserError
from netwright.estimators import SharedWeights

SPACE = nw.spaces.Chain(width=4)


@pytest.fixture(scope="module")
def task() -> nw.Task:
    return nw.tasks.open_task("digits", limit=120)


def _vector(estimator: SharedWeights, architecture: nw.Architecture) -> torch.Tensor:
    parts = [
        each.detach().double().flatten() for each in estimator.extract(architecture).parameters() if each.dim() > 1
    ]
    return torch.cat(parts)


def _angle(estimator: SharedWeights, architecture: nw.Architecture) -> float:
    return float(estimator.advance(nw.Proposal(architecture, "angle")).metrics["angle"])


def _trained(estimator: SharedWeights, steps: int, space: Any = SPACE) -> None:
    rng = np.random.default_rng(7)
    for _ in range(steps):
        estimator.advance(nw.Proposal(space.sample(rng), "train"))


def test_it_is_the_angle_between_the_weights_of_the_network_before_and_now(task: nw.Task) -> None:
    estimator = SharedWeights(SPACE, task, epochs=4, batch_size=16, device="cpu")
    estimator.begin(3)
    rng = np.random.default_rng(0)
    asked = [SPACE.sample(rng) for _ in range(6)]
    before = [_vector(estimator, each) for each in asked]
    assert [_angle(estimator, each) for each in asked] == [pytest.approx(0.0, abs=1e-6)] * 6
    for _ in range(2):
        _trained(estimator, 4)
        for each, first in zip(asked, before, strict=True):
            now = _vector(estimator, each)
            expected = math.acos(float(first @ now / first.norm() / now.norm()))
            assert expected > 1e-3 and _angle(estimator, each) == pytest.approx(expected, rel=1e-6)


def test_it_moves_nothing_and_is_the_same_after_a_break(task: nw.Task, tmp_path: Path) -> None:
    first, second = (SharedWeights(SPACE, task, epochs=4, batch_size=16, device="cpu") for _ in range(2))
    first.begin(3)
    _trained(first, 3)
    architecture = SPACE.sample(np.random.default_rng(0))
    weights = {name: each.clone() for name, each in first.weights.supernet.state_dict().items()}
    angle = _angle(first, architecture)
    assert all(each.equal(weights[name]) for name, each in first.weights.supernet.state_dict().items())
    first.save(tmp_path, 1, {})
    second.load(tmp_path, 1)
    assert _angle(second, architecture) == angle > 0


def test_angles_begin_anew_with_new_weights(task: nw.Task) -> None:
    stages = [{"epochs": 1}, {"epochs": 1}]
    estimator = SharedWeights(SPACE, task, stages=stages, batch_size=16, device="cpu")
    estimator.begin(0)
    steps, one = estimator.weights.steps, SPACE.sample(np.random.default_rng(0))
    _trained(estimator, steps)
    turned = _angle(estimator, one)
    assert turned > 0.01, "until the second stage begins, those of the first"
    _trained(estimator, 1)
    assert 1e-4 < _angle(estimator, one) < turned


def test_a_mixture_has_no_angle(task: nw.Task) -> None:
    space = nw.spaces.NasBench201(channels=2, cells=1)
    estimator = SharedWeights(space, task, epochs=1, device="cpu")
    estimator.begin(0)
    mixture = nw.Mixture({each.name: torch.ones(5) / 5 for each in space.decisions})
    with pytest.raises(UserError, match="expected one, found a mixture"):
        estimator.advance(nw.Proposal(mixture, "angle"))
