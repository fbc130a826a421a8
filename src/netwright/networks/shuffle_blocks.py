"""Units whose channels are split: those of ShuffleNetV2 (Ma et al. 2018) as single-path one-shot chooses between them
(Guo et al. 2020), and the inverted bottlenecks of FPNAS (Cui et al. 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netwright.networks.mobile_blocks import ChannelShuffle, convolution, inverted_bottleneck
from netwright.networks.residual_blocks import Shortcut

SHUFFLE_KERNELS = {"k3": 3, "k5": 5, "k7": 7, "xception": 3}
"""Of the units, by name."""


class ShuffleUnit(nn.Module):
    """Every second channel passes a branch, the others go by or, where the shape changes, all pass both branches.

    branch: of the channels with odd numbers, or of all.
    by: of all channels, where the shape changes; None to leave those with even numbers as they are.
    """

    def __init__(self, branch: nn.Module, by: nn.Module | None = None) -> None:
        super().__init__()
        self.branch = branch
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        if self.by is not None:
            return torch.cat((self.by(x), self.branch(x)), 1)
        n, channels, height, width = x.shape
        pairs = x.reshape(n, channels // 2, 2, height, width)
        return torch.cat((pairs[:, :, 0], self.branch(pairs[:, :, 1])), 1)


def shuffle_unit(name: str, inputs: int, outputs: int, stride: int, *, changes: bool) -> ShuffleUnit:
    """The unit of this name.

    name: "k3", "k5" or "k7" for one depthwise convolution of that kernel, "xception" for three of kernel 3.
    inputs, outputs: channels, even numbers, equal unless the shape changes.
    stride: 1, or 2 where the shape changes.
    changes: whether it is the first of a stage, with two branches.
    """
    kernel, middle = SHUFFLE_KERNELS[name], outputs // 2
    own = inputs if changes else inputs // 2
    given = outputs - own
    make = _three if name == "xception" else _one
    branch = make(own, middle, given, kernel, stride)
    if not changes:
        return ShuffleUnit(branch)
    by = nn.Sequential(
        convolution(inputs, inputs, kernel, stride, groups=inputs, activation="none"), convolution(inputs, inputs, 1)
    )
    return ShuffleUnit(branch, by)


class SplitBottleneck(nn.Module):
    """The first half of the channels goes by, the others pass a body, and both are shuffled.

    by: of the first half, rounded down; where the shape changes a depthwise and a pointwise convolution.
    body: of the others.
    """

    def __init__(self, by: nn.Module, body: nn.Module) -> None:
        super().__init__()
        self.by, self.body, self.shuffle = by, body, ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        half = x.shape[1] // 2
        return self.shuffle(torch.cat((self.by(x[:, :half]), self.body(x[:, half:])), 1))


def split_bottleneck(
    inputs: int, outputs: int, kernel: int, stride: int, expansion: int, *, split: bool, shortcut: bool
) -> nn.Module:
    """An inverted bottleneck of all channels or half of them, with or without a shortcut.

    inputs, outputs: channels; even numbers where they are split.
    expansion: of the channels that pass.
    split: whether half of the channels go by.
    shortcut: whether what passes is added to what comes out, by a pointwise convolution where the shape changes.
    """
    half = inputs // 2 if split else 0
    own, given = inputs - half, outputs - half
    body = inverted_bottleneck(own, given, kernel, stride, wide=own * expansion)
    if shortcut:
        same = stride == 1 and own == given
        by = nn.Identity() if same else convolution(own, given, 1, stride, activation="none")
        body = Shortcut(body, by, nn.Identity())
    if not split:
        return body
    around = [
        convolution(half, half, 3, stride, groups=half, activation="relu"),
        convolution(half, half, 1, activation="none"),
    ]
    return SplitBottleneck(nn.Identity() if stride == 1 else nn.Sequential(*around), body)


def _one(inputs: int, middle: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """Pointwise, depthwise, pointwise."""
    return nn.Sequential(
        convolution(inputs, middle, 1),
        convolution(middle, middle, kernel, stride, groups=middle, activation="none"),
        convolution(middle, outputs, 1),
    )


def _three(inputs: int, middle: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """Depthwise and pointwise, three times."""
    return nn.Sequential(
        convolution(inputs, inputs, kernel, stride, groups=inputs, activation="none"),
        convolution(inputs, middle, 1),
        convolution(middle, middle, kernel, groups=middle, activation="none"),
        convolution(middle, middle, 1),
        convolution(middle, middle, kernel, groups=middle, activation="none"),
        convolution(middle, outputs, 1),
    )
