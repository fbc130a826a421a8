"""Convolutions whose gradients leave their memory where channels are last: strided and narrow, or dilated ones."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
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


def dilated(channels: int, dilation: int = 2, groups: int = 1, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, stride, dilation, dilation, groups, bias=False)


@pytest.mark.parametrize(
    ("made", "last"),
    [
        (dilated(20), False),
        (dilated(40, dilation=3), False),
        (nn.ConvTranspose2d(24, 24, 3, padding=2, dilation=2), False),
        (nn.Conv2d(20, 20, (3, 1), padding=(2, 0), dilation=(2, 1)), False),
        (dilated(32, groups=2), False),
        (nn.Conv2d(20, 20, (1, 3), padding=(0, 2), dilation=(1, 2)), True),
        (dilated(20, stride=2), True),
        (dilated(20, dilation=1), True),
        (dilated(12), True),
        (dilated(48), True),
        (dilated(20, groups=20), True),  # which is held in float32
    ],
)
def test_dilated_convolutions_in_bfloat16_have_channels_last_only_where_that_is_safe(
    made: nn.Conv2d | nn.ConvTranspose2d, last: bool
) -> None:
    example = torch.zeros(2, 20, 32, 32)
    settings = TrainingSettings(precision="bfloat16", channels_last=True)
    assert choose_precision(made, example, settings, CPU, {}).channels_last is last
    assert choose_precision(made, example, settings.replace(precision="float32"), CPU, {}).channels_last
    assert needs_channels_first(made, example, CPU, "bfloat16", held=False) is (not last or made.groups > 1)
    assert not needs_channels_first(made, example, torch.device("meta"), "bfloat16")


@pytest.mark.parametrize("made", [dilated(8), dilated(20), dilated(24, dilation=3), dilated(16, groups=2), dilated(48)])
def test_gradients_of_dilated_convolutions_are_right_whatever_was_in_memory_before(made: nn.Conv2d) -> None:
    images = torch.randn(4, made.in_channels, 32, 32, generator=torch.Generator().manual_seed(0))
    exact = F.conv2d(images, made.weight, None, made.stride, made.padding, made.dilation, made.groups)
    (wanted,) = torch.autograd.grad(exact.square().sum(), made.weight)
    chosen = choose_precision(made, images, TrainingSettings(precision="bfloat16", channels_last=True), CPU, {})
    with chosen.applied(made, CPU):
        order = torch.channels_last if chosen.channels_last else torch.contiguous_format
        for _ in range(3):
            spoilt = [torch.full((16, made.in_channels, 64, 64), float("nan")) for _ in range(2)]
            del spoilt  # the next tensors lie where these were
            with chosen.autocast(CPU):
                found = made(images.to(memory_format=order))
            (gradient,) = torch.autograd.grad(found.float().square().sum(), made.weight)
            assert torch.allclose(gradient, wanted, atol=0.02 * wanted.abs().max().item())
