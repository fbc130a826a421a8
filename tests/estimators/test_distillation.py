"""The largest network teaches the others, and what was scored leaves with its share of the weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from netwright.core.closest import largest, smallest
from netwright.core.errors import ConfigurationError
from netwright.core.trial import Proposal
from netwright.core.workplace import Workplace, at
from netwright.estimators import SharedWeights
from netwright.estimators.sharing.distilling import follow
from netwright.spaces import Mobile
from netwright.supernets.sharing import InSupernet
from netwright.tasks import open_task
from netwright.training.progress import load_trained

SPACE = Mobile("mcu", width=0.25, kernels=(3,), expansions=(2, 3), resolutions=(1.0,))
PLAIN = {"epochs": 1, "batch_size": 20, "affine": True, "gradient_clip": None, "device": "cpu", "alarms": False}


@pytest.fixture(scope="module")
def task():
    return open_task("digits", limit=100)


def begun(task, **options: Any) -> SharedWeights:
    estimator = SharedWeights(SPACE, task, **{**PLAIN, **options})
    estimator.begin(3)
    return estimator


def test_following_is_the_cross_entropy_with_the_teachers_answers():
    own, theirs = torch.randn(5, 3, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
    shares = np.exp(theirs.numpy()) / np.exp(theirs.numpy()).sum(1, keepdims=True)
    logs = own.numpy() - np.log(np.exp(own.numpy()).sum(1, keepdims=True))
    assert follow(own, theirs, classes=True).item() == pytest.approx(-(shares * logs).sum(1).mean())
    assert follow(own, theirs, classes=False).item() == pytest.approx(((own - theirs) ** 2).mean().item())


def test_a_smaller_network_follows_the_largest_on_the_same_minibatch(task):
    plain, taught = begun(task), begun(task, distillation=2.0)
    small = Proposal(smallest(SPACE), "accumulate")
    without, told = (each.advance(small).metrics["loss"] for each in (plain, taught))
    weights = plain.weights
    with torch.no_grad():
        inputs, *_ = weights.upcoming()
        answers = [weights.supernet(inputs, each) for each in (smallest(SPACE), largest(SPACE))]
    assert float(told - without) == pytest.approx(2 * follow(*answers, classes=True).item(), rel=1e-4)


def test_the_largest_itself_has_no_teacher_and_is_not_computed_twice(task, monkeypatch):
    plain, taught = begun(task), begun(task, distillation=2.0)
    top = Proposal(largest(SPACE), "accumulate")
    assert float(taught.advance(top).metrics["loss"]) == float(plain.advance(top).metrics["loss"])
    passes: list[Any] = []
    network, forward = taught.weights.supernet, taught.weights.supernet.forward
    monkeypatch.setattr(network, "forward", lambda x, candidate: passes.append(candidate) or forward(x, candidate))
    taught.advance(Proposal(smallest(SPACE), "train"))
    assert passes == [smallest(SPACE)]
    taught.advance(Proposal(smallest(SPACE), "train"))  # another minibatch
    assert passes[1:] == [smallest(SPACE), largest(SPACE)]


def test_what_cannot_be_taught_is_refused(task):
    with pytest.raises(ConfigurationError, match="distillation is -1"):
        SharedWeights(SPACE, task, distillation=-1.0, **PLAIN)


def test_a_network_that_was_scored_leaves_as_it_was_scored(task, tmp_path):
    estimator = begun(task, hand_over=True, recalibrate=2)
    for _ in range(2):
        estimator.advance(Proposal(largest(SPACE), "train"))
    architecture = smallest(SPACE)
    with at(Workplace(tmp_path)):
        scored = estimator.estimate(Proposal(architecture), 0).metrics
    folder = estimator.kept(tmp_path, architecture)
    assert estimator.keeps and folder is not None and estimator.kept(tmp_path, largest(SPACE)) is None
    network = SPACE.build(architecture, task.shape)
    assert load_trained(network, folder) == 1
    weights = estimator.weights
    with torch.no_grad():
        held_out = weights.held_out
        outputs = network.eval()(weights.normalise(held_out.batch(0, len(held_out))))
    right = (outputs.argmax(1) == held_out.targets).float().mean()
    assert float(right) == pytest.approx(scored["val_accuracy"], abs=1e-6)
    assert not begun(task).keeps


def test_settings_that_are_off_are_not_spoken_of(task):
    plain = SharedWeights(SPACE, task, **PLAIN)
    assert not {"distillation", "hand_over"} & set(plain.configuration()["arguments"])
    assert isinstance(plain.sharing, InSupernet)
