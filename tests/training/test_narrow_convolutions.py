"""Strided 1x1 convolutions of few channels, which write beyond their memory where channels are last."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from training_parts import image_data

from netwright.training import TrainingSettings, train
from netwright.training.precision import choose_precision, needs_channels_first

CPU = torch.device("cpu")


def network(channels: int, outputs: int = 4, kernel: int = 1, stride: int = 2) -> nn.Sequential:
    body = nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, outputs, kernel, stride)
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(64))


@pytest.mark.parametrize(
    ("side", "made", "last"),
    [
        (64, network(8), False),
        (128, network(2, 16), False),
        (63, network(8), True),
        (64, network(16), True),
        (64, network(8, 17), True),
        (64, network(8, kernel=3), True),
        (64, network(8, stride=1), True),
    ],
)
@pytest.mark.parametrize("asked", ["auto", True])
def test_channels_are_last_only_where_that_is_safe(side: int, made: nn.Module, last: bool, asked: object) -> None:
    example = torch.zeros(2, 1, side, side)
    settings = TrainingSettings(channels_last=asked)  # type: ignore[arg-type]
    assert choose_precision(made, example, settings, CPU, {}).channels_last is last
    assert not needs_channels_first(made, example, torch.device("meta"))


def test_long_rows_are_trained_on() -> None:
    data = image_data(train=8, held_out=4, side=64)
    made = network(8)
    made(torch.zeros(1, 1, 64, 64))
    found = train(made, data, TrainingSettings(epochs=2, batch_size=4), 0)
    assert not found.channels_last and found.metrics["train_loss"] > 0
