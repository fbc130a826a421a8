"""Splits that are choices of rows: the same examples, the same training, without a copy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from netwright import tasks
from netwright.core.task import Augmentation, Data, Examples
from netwright.problems.classification import Classification
from netwright.tasks.mean_and_spread import mean_and_std
from netwright.training import TrainingSettings, train
from netwright.training.evaluation import on_device


def chosen(n: int = 90, seed: int = 0) -> tuple[Examples, Examples]:
    """A choice of rows, and the same examples as tensors of their own."""
    rng = np.random.default_rng(seed)
    images = torch.from_numpy(rng.integers(0, 256, (2 * n, 3, 8, 8), dtype=np.uint8))
    labels, places = torch.arange(2 * n) % 3, torch.from_numpy(rng.permutation(2 * n)[:n].astype(np.int32))
    return Examples(images, labels, places), Examples(images[places.long()], labels[places.long()])


def same(one: Examples, other: Examples) -> bool:
    return torch.equal(one.inputs, other.inputs) and torch.equal(one.targets, other.targets) and len(one) == len(other)


def test_a_choice_reads_as_its_copy_does():
    choice, copy = chosen()
    order = torch.randperm(90)[:40]
    assert same(choice, copy) and choice.shape == copy.shape == (90, 3, 8, 8)
    assert same(choice.part(7, 50), copy.part(7, 50)) and same(choice.choose(order), copy.choose(order))
    assert same(choice.choose(order).part(3, 9), copy.choose(order).part(3, 9))
    assert torch.equal(choice.batch(80, 200), copy.batch(80, 200)) and len(choice.part(80, 200)) == 10
    assert choice.choose(order).stored is choice.stored
    assert same(on_device(choice, torch.device("cpu")), copy)


def test_training_on_a_choice_gives_the_bits_of_training_on_a_copy():
    choice, copy = chosen()
    curves = []
    for examples in (choice, copy):
        mean, std = mean_and_std(examples.stored, examples.places)
        data = Data(
            examples.part(0, 70), examples.part(70, 90), mean, std, Classification("abc"), Augmentation(True, 1, 2)
        )
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
        found = train(network, data, TrainingSettings(epochs=2, batch_size=16), 1, device="cpu")
        curves.append([{**entry, "seconds": 0} for entry in found.curve])
    assert curves[0] == curves[1]


@pytest.mark.parametrize("shape", [(90, 3, 8, 8), (5000, 7), (300, 20_000)])
def test_statistics_of_a_choice_are_those_of_its_copy_to_the_last_bit(shape):
    rng = np.random.default_rng(0)
    inputs = torch.from_numpy(
        rng.integers(0, 256, shape, dtype=np.uint8) if len(shape) == 4 else rng.normal(size=shape).astype(np.float32)
    )
    places = torch.from_numpy(rng.permutation(shape[0])[: shape[0] // 2])
    found = mean_and_std(inputs, places)
    assert found == mean_and_std(inputs[places])
    if len(shape) == 2:
        std, mean = torch.std_mean(inputs[places].double(), dim=0, correction=0)
        assert found == (tuple(mean.tolist()), tuple(std.tolist()))


def test_all_splits_of_a_task_choose_from_one_tensor():
    images = np.random.default_rng(0).integers(0, 256, (120, 1, 8, 8), dtype=np.uint8)
    task = tasks.arrays(images, np.arange(120) % 3)
    final, search = task.final_data(), [task.search_data(seed) for seed in range(5)]
    splits = [each for data in (final, *search) for each in (data.train, data.held_out)]
    assert {each.stored.data_ptr() for each in splits} == {images.__array_interface__["data"][0]}


def test_other_resolutions_are_made_once_for_all_seeds():
    images = np.random.default_rng(0).integers(0, 256, (60, 1, 8, 8), dtype=np.uint8)
    task = tasks.arrays(images, np.arange(60) % 3)
    one, two = (task.search_data(seed, resolution=4) for seed in (0, 1))
    assert one.train.stored is two.train.stored and one.train.shape[1:] == (1, 4, 4)
    assert not torch.equal(one.train.inputs, two.train.inputs)
