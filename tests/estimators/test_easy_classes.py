"""Stages of weight training on the easy classes alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import netwright as nw
from kinds import text
from netwright.core.errors import ConfigurationError
from netwright.core.task import Examples
from netwright.estimators import SharedWeights
from netwright.estimators.sharing.easy_classes import among_easiest, easiest_first
from netwright.spaces.recurrent import Recurrent

SPACE = nw.spaces.NasBench201(channels=2, cells=1)


def test_classes_that_lie_apart_are_easy_and_those_that_overlap_are_not() -> None:
    rng = np.random.default_rng(0)
    targets = np.repeat(np.arange(5), 200)
    centres = np.array([[9.0, 0], [0, 0], [0.2, 0], [-9, 0], [0, 3.0]])
    points = torch.from_numpy(centres[targets] + rng.normal(size=(1000, 2))).float()
    order = easiest_first(Examples(points, torch.from_numpy(targets)), 6)
    assert set(order[:2]) == {0, 3} and order[2] == 4 and set(order[3:5]) == {1, 2}
    assert order[5] == 5, "what has no example comes last"


def test_shares_of_the_classes_are_rounded_up_and_two_at_least() -> None:
    targets = torch.tensor([0, 1, 2, 3, 3])
    order = [3, 1, 0, 2]
    found = [among_easiest(targets, order, share) for share in (0.1, 0.5, 0.51, 1.0)]
    assert [None if each is None else each.tolist() for each in found] == [
        [False, True, False, True, True],
        [False, True, False, True, True],
        [True, True, False, True, True],
        None,
    ]


def test_a_stage_trains_and_probes_on_the_examples_of_its_classes() -> None:
    task = nw.tasks.open_task("digits", limit=300)
    stages = [{"epochs": 1, "classes": 0.3}, {"epochs": 1, "goes_on": True}]
    estimator = SharedWeights(SPACE, task, stages=stages, batch_size=16, device="cpu", augment=False)
    estimator.begin(0)
    weights, rng, seen = estimator.weights, np.random.default_rng(0), list[tuple[set[int], set[int]]]()
    for _ in range(2 * weights.steps):
        estimator.advance(nw.Proposal(SPACE.sample(rng), "probe"))
        probed, trained = weights.validation(weights.probes - 1)[1], weights.upcoming()[1]
        seen.append((set(trained.tolist()), set(probed.tolist())))
        estimator.advance(nw.Proposal(SPACE.sample(rng), "train"))
    easy = set(easiest_first(weights.training._examples, 10)[:3])
    first, second = seen[: weights.steps], seen[weights.steps :]
    assert set.union(*(each for pair in first for each in pair)) == easy
    assert len(set.union(*(trained for trained, _ in second))) > 6
    assert all(len(trained) == 3 for trained, _ in first)


def test_an_epoch_has_as_many_steps_as_one_of_all_classes_and_takes_each_example_about_as_often() -> None:
    task = nw.tasks.open_task("digits", limit=300)
    estimator = SharedWeights(SPACE, task, stages=[{"epochs": 1, "classes": 0.3}], batch_size=8, device="cpu")
    estimator.begin(0)
    weights = estimator.weights
    whole = SharedWeights(SPACE, task, epochs=1, batch_size=8, device="cpu")
    whole.begin(0)
    assert weights.steps == whole.weights.steps
    weights._enter_epoch()
    kept = weights._easy[0][0]
    assert kept is not None
    targets = torch.cat([weights.training(number)[1] for number in range(weights.steps)])
    every = len(weights.training._examples) / int(kept.sum())
    counts = torch.bincount(targets, minlength=10)
    own = torch.bincount(weights.training._examples.targets[kept], minlength=10)
    assert ((counts - own * every).abs() <= own + 1).all()


@pytest.mark.parametrize("wrong", [0, 1.5, "half", True])
def test_a_share_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="classes is a share of the classes, above 0 and at most 1"):
        SharedWeights(SPACE, nw.tasks.open_task("digits", limit=60), stages=[{"epochs": 1, "classes": wrong}])


def test_data_without_a_class_for_each_example_is_refused() -> None:
    estimator = SharedWeights(Recurrent(nodes=2, channels=4), text(), stages=[{"epochs": 1, "classes": 0.5}])
    with pytest.raises(ConfigurationError, match="expected examples with one class each"):
        estimator.begin(0)
