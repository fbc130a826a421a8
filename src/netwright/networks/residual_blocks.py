"""Residual blocks that may change the channels and the resolution: basic, bottleneck and inverted (He et al. 2016)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

from torch import Tensor, nn

from netwright.networks.blocks import conv_bn
from netwright.networks.u_shape import ChannelWeights

BOTTLENECK = 2  # outputs for one channel in the middle of a bottleneck
EXPANSION = 4  # channels in the middle of an inverted bottleneck for one of its input


class Shortcut(nn.Module):
    """What goes by plus what `body` makes of the input, then `activation`.

    body: what is learnt.
    by: takes the input to the shape that the body gives.
    activation: of the sum.
    """

    def __init__(self, body: nn.Module, by: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.by = by
        self.activation = activation

    def forward(self, inputs: Tensor) -> Tensor:
        return self.activation(self.by(inputs) + self.body(inputs))


class Make(Protocol):
    def __call__(self, inputs: int, outputs: int, stride: int, squeeze: bool, /) -> nn.Module: ...


def basic(inputs: int, outputs: int, stride: int, squeeze: bool) -> nn.Module:
    """Two dense 3x3 convolutions."""
    layers = [conv_bn(inputs, outputs, 3, stride=stride), conv_bn(outputs, outputs, 3, activation=False)]
    return _around(layers, inputs, outputs, stride, squeeze)


def bottleneck(inputs: int, outputs: int, stride: int, squeeze: bool) -> nn.Module:
    """A dense 3x3 convolution on half of the channels between two pointwise ones."""
    inner = max(1, outputs // BOTTLENECK)
    layers = [
        conv_bn(inputs, inner, 1),
        conv_bn(inner, inner, 3, stride=stride),
        conv_bn(inner, outputs, 1, activation=False),
    ]
    return _around(layers, inputs, outputs, stride, squeeze)


def inverted(inputs: int, outputs: int, stride: int, squeeze: bool, *, kernel: int) -> nn.Module:
    """Widen, depthwise, narrow without activation (Sandler et al. 2018); no shortcut where the shape changes.

    kernel: of the depthwise convolution.
    """
    wide = inputs * EXPANSION
    layers = [
        conv_bn(inputs, wide, 1),
        conv_bn(wide, wide, kernel, stride=stride, groups=wide),
        *((ChannelWeights(wide),) if squeeze else ()),
        conv_bn(wide, outputs, 1, activation=False),
    ]
    body = nn.Sequential(*layers)
    return Shortcut(body, nn.Identity(), nn.Identity()) if inputs == outputs and stride == 1 else body


BLOCKS: Mapping[str, Make] = {
    "basic": basic,
    "bottleneck": bottleneck,
    "inverted_3": partial(inverted, kernel=3),
    "inverted_5": partial(inverted, kernel=5),
}
LAYERS: Mapping[str, int] = {"basic": 2, "bottleneck": 3, "inverted_3": 3, "inverted_5": 3}
"""Convolutions of a block, as the names of networks count them."""


def _around(layers: list[nn.Sequential], inputs: int, outputs: int, stride: int, squeeze: bool) -> nn.Module:
    """The layers, beside the input or, where the shape changes, a pointwise convolution of it (option B)."""
    body = nn.Sequential(*layers, *((ChannelWeights(outputs),) if squeeze else ()))
    same = inputs == outputs and stride == 1
    by = nn.Identity() if same else conv_bn(inputs, outputs, 1, stride=stride, activation=False)
    return Shortcut(body, by, nn.ReLU(inplace=True))
