"""Sums of images with different channels and sizes, without weights: zeros for channels that are missing, poolings."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from netwright.networks.blocks import conv_bn


class MoreChannels(nn.Module):
    """(n, channels, height, width) with so many channels more, which are zero.

    missing: how many, at least 1.
    """

    def __init__(self, missing: int) -> None:
        super().__init__()
        self.missing = missing

    def forward(self, inputs: Tensor) -> Tensor:
        return F.pad(inputs, (0, 0, 0, 0, 0, self.missing))

    def extra_repr(self) -> str:
        return str(self.missing)


class PaddedResidual(nn.Module):
    """Two convolutions around which the input is passed on, zeros added to whichever has fewer channels.

    inputs: channels that come in.
    width: of both convolutions; what comes out has the larger number of the two.
    kernel: of both convolutions.
    """

    def __init__(self, inputs: int, width: int, kernel: int) -> None:
        super().__init__()
        second = conv_bn(width, width, kernel, activation=False)
        self.body = nn.Sequential(conv_bn(inputs, width, kernel), second)
        self.shortcut: nn.Module = nn.Identity()
        if width > inputs:
            self.shortcut = MoreChannels(width - inputs)
        elif width < inputs:
            self.body.append(MoreChannels(inputs - width))
        self.activation = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.activation(self.shortcut(inputs) + self.body(inputs))


def fitted(poolings: int, missing: int) -> nn.Module | None:
    """What halves an image so often by its maxima, then adds so many channels of zeros; None for neither."""
    steps: list[nn.Module] = [nn.MaxPool2d(2) for _ in range(poolings)]
    steps += [MoreChannels(missing)] if missing else []
    if not steps:
        return None
    return steps[0] if len(steps) == 1 else nn.Sequential(*steps)
