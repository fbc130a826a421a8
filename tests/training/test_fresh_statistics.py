"""Averaged weights get statistics of batch normalisation of their own before they are measured, where that is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from training_parts import image_data, same_bits, small

from netwright.training import TrainingSettings, evaluate, train
from netwright.training.fresh_statistics import has_statistics, take_fresh_statistics

SETTINGS = TrainingSettings(epochs=4, batch_size=8, average=0.9, fresh_statistics=True, precision="float32")


def test_they_are_the_mean_over_the_batches_and_nothing_else_changes() -> None:
    network = nn.Sequential(nn.BatchNorm1d(3, momentum=0.3), nn.Dropout(0.5))
    network[0].num_batches_tracked += 7
    batches = [torch.randn(8, 3, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
    take_fresh_statistics(network, batches)
    assert torch.allclose(network[0].running_mean, torch.stack([each.mean(0) for each in batches]).mean(0), atol=1e-6)
    assert torch.allclose(network[0].running_var, torch.stack([each.var(0) for each in batches]).mean(0), atol=1e-6)
    assert (network[0].momentum, int(network[0].num_batches_tracked), network.training) == (0.3, 7, False)
    assert has_statistics(network) and not has_statistics(nn.Sequential(nn.LayerNorm(3)))


def test_what_is_returned_is_what_was_measured_and_the_steps_are_the_same() -> None:
    data, fresh, averaged = image_data(), small(), small()
    found = train(fresh, data, SETTINGS, 0)
    train(averaged, data, SETTINGS.replace(fresh_statistics=False), 0)
    again = evaluate(fresh, data.held_out, data, channels_last=found.channels_last)
    assert (again["loss"], again["accuracy"]) == (found.metrics["val_loss"], found.metrics["val_accuracy"])
    assert all(torch.equal(a, b) for a, b in zip(fresh.parameters(), averaged.parameters(), strict=True))
    assert not torch.equal(fresh.stem[1].running_mean, averaged.stem[1].running_mean)
    assert torch.equal(fresh.stem[1].num_batches_tracked, averaged.stem[1].num_batches_tracked)


@pytest.mark.parametrize("keep_best", [False, True])
def test_in_parts_it_is_the_straight_training_bit_for_bit(tmp_path: Path, keep_best: bool) -> None:
    data, settings, straight, parts = image_data(), SETTINGS.replace(keep_best=keep_best), small(), small()
    whole = train(straight, data, settings, 3)
    train(small(), data, settings, 3, checkpoint=tmp_path, until=2)
    assert train(parts, data, settings, 3, checkpoint=tmp_path).metrics == whole.metrics
    assert same_bits(straight, parts)
