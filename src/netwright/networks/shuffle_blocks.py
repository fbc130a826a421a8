"""Units of ShuffleNetV2 (Ma et al. 2018) as single-path one-shot chooses between them (Guo et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netwright.networks.mobile_blocks import convolution

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
