"""Rare classes count as much as frequent ones, where that is asked for."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from training_parts import vector_data

from netwright.core.task import Examples
from netwright.training import TrainingSettings, train
from netwright.training.balance import balanced


def test_each_class_counts_alike_and_examples_one_on_average():
    targets = torch.tensor([0] * 8 + [1] * 2)
    examples = Examples(torch.zeros(10, 3), targets)
    assert balanced(examples, 0.0) is examples
    whole, half = (balanced(examples, share).stored_weights for share in (1.0, 0.5))
    assert whole[targets == 0].sum().item() == pytest.approx(whole[targets == 1].sum().item()) == pytest.approx(5.0)
    assert half.mean().item() == pytest.approx(1.0) and half[9] / half[0] == pytest.approx(2.0)
    some = balanced(examples.choose(torch.tensor([0, 1, 9])), 1.0)
    assert some.batch_weights(0, 3).tolist() == pytest.approx([0.75, 0.75, 1.5])
    counted = balanced(Examples(torch.zeros(10, 3), targets, weights=torch.full((10,), 2.0)), 1.0).stored_weights
    assert torch.allclose(counted, 2 * whole)


def test_answers_that_are_no_classes_stay():
    for targets in (torch.randn(4, 2), torch.randn(4), torch.zeros(4, 5, 5, dtype=torch.int64)):
        examples = Examples(torch.zeros(4, 3), targets)
        assert balanced(examples, 1.0) is examples


def test_a_training_of_balanced_classes_finds_more_of_the_rare_one():
    data = vector_data(train=40)
    rare = torch.cat([torch.nonzero(data.train.targets == 0)[:, 0], torch.nonzero(data.train.targets == 1)[:3, 0]])
    few = type(data)(data.train.choose(rare), data.held_out, data.mean, data.std, data.problem)
    settings = TrainingSettings(epochs=6, batch_size=8, learning_rate=0.05)
    found = []
    for share in (0.0, 1.0):
        torch.manual_seed(0)
        found.append(train(nn.Linear(6, 2), few, settings.replace(balance=share), 0).metrics["val_balanced_accuracy"])
    assert found[1] > found[0]
