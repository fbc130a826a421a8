"""The blocks of mobile networks against their formulas, and sizes against the published rounding."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from netwright.networks.blocks import Residual
from netwright.networks.mobile_blocks import (
    ChannelShuffle,
    Resized,
    SqueezeExcite,
    added,
    divisible,
    fitting_strides,
    inverted_bottleneck,
    mobile_head,
)
from netwright.networks.shuffle_blocks import shuffle_unit

STRIDES = [2, 1, 2, 2, 2, 1, 2, 1]  # of MobileNetV2


def parameters(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


@pytest.mark.parametrize(
    ("asked", "given"), [(72 / 4, 24), (120 / 4, 32), (960 / 4, 240), (16 * 0.25, 8), (24 * 1.4, 32), (12, 16), (1, 8)]
)
def test_channels_are_rounded_as_by_the_authors_of_mobilenet(asked, given):
    assert divisible(asked) == given  # 72 // 4 in the middle of MobileNetV3-Large's weighing is 24


@pytest.mark.parametrize(
    ("side", "kept"),
    [
        (224, [2, 1, 2, 2, 2, 1, 2, 1]),
        (64, [1, 1, 2, 2, 2, 1, 2, 1]),
        (32, [1, 1, 1, 2, 2, 1, 2, 1]),
        (28, [1, 1, 1, 2, 2, 1, 2, 1]),
        (8, [1, 1, 1, 1, 1, 1, 2, 1]),
        (1, [1, 1, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_small_images_are_halved_in_the_later_stages_alone(side, kept):
    assert fitting_strides(side, STRIDES) == kept


def test_an_inverted_bottleneck_widens_and_narrows_without_activation():
    block = inverted_bottleneck(8, 12, 5, 2, wide=24, activation="relu6")
    weights = 8 * 24 + 24 * 25 + 24 * 12 + 2 * (24 + 24 + 12)
    assert parameters(block) == weights and block(torch.randn(2, 8, 9, 9)).shape == (2, 12, 5, 5)
    kinds = [type(each) for each in block.modules() if not list(each.children())]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU6] * 2 + [nn.Conv2d, nn.BatchNorm2d]


def test_nothing_is_widened_where_no_width_is_given_and_the_input_is_added_where_asked():
    block = inverted_bottleneck(8, 8, 3, residual=True)
    assert isinstance(block, Residual) and parameters(block) == 8 * 9 + 8 * 8 + 2 * 16
    x = torch.randn(3, 8, 6, 6)
    assert torch.equal(block(x), x + block.body(x))


def test_groups_are_shuffled_between_the_pointwise_convolutions():
    block = inverted_bottleneck(8, 8, 3, wide=8, groups=2)
    assert parameters(block) == 2 * 8 * 4 + 8 * 9 + 2 * 24  # half the weights of dense ones
    x = torch.randn(2, 12, 3, 3)
    assert torch.equal(ChannelShuffle(3)(x), F.channel_shuffle(x, 3))


@pytest.mark.parametrize("gate", ["sigmoid", "hard"])
def test_channels_are_weighed_by_their_means(gate):
    weigh: Any = SqueezeExcite(6, 2, gate)
    x = torch.randn(2, 6, 4, 5)
    first, second = weigh.weigh[1], weigh.weigh[3]
    hidden = F.relu(x.mean((2, 3)) @ first.weight[:, :, 0, 0].T + first.bias)
    raw = hidden @ second.weight[:, :, 0, 0].T + second.bias
    weights = torch.sigmoid(raw) if gate == "sigmoid" else (raw + 3).clamp(0, 6) / 6
    torch.testing.assert_close(weigh(x), x * weights[:, :, None, None])


def test_means_go_by_where_pooling_is_asked_for():
    x = torch.randn(1, 2, 5, 5)
    body = nn.Conv2d(2, 2, 1)
    assert torch.allclose(added(body, "pool")(x), body(x) + F.avg_pool2d(x, 3, 1, 1, count_include_pad=False))
    assert added(body, "none") is body


@pytest.mark.parametrize("name", ["k3", "k5", "k7", "xception"])
def test_shuffle_units_leave_every_second_channel_as_it_is(name):
    unit = shuffle_unit(name, 8, 8, 1, changes=False)
    x = torch.randn(2, 8, 6, 6)
    y = unit(x)
    assert torch.equal(y[:, :4], x[:, 0::2]) and not torch.equal(y[:, 4:], x[:, 1::2])
    first = shuffle_unit(name, 6, 16, 2, changes=True)
    assert first(torch.randn(2, 6, 7, 7)).shape == (2, 16, 4, 4)
    assert shuffle_unit(name, 6, 16, 1, changes=True)(torch.randn(2, 6, 7, 7)).shape == (2, 16, 7, 7)


def test_heads_and_resolutions():
    head = mobile_head(6, 3, hidden=5, dropout=0.2)
    assert parameters(head) == 6 * 5 + 5 + 5 * 3 + 3 and head(torch.randn(2, 6, 4, 4)).shape == (2, 3)
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(Resized((8, 8))(x), x) and Resized((6, 5))(x).shape == (2, 3, 6, 5)
