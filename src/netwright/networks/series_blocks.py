"""Blocks for series, (n, channels, length)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def series_conv(inputs: int, outputs: int, kernel: int, dilation: int = 1, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the length but for its stride, batch normalisation, and ReLU."""
    padding = (kernel - 1) * dilation // 2
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, kernel, stride, padding, dilation, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(),
    )


class Beside(nn.Module):
    """What a module gives, added to what goes by.

    module: takes and gives (n, channels, length).
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return x + self.module(x)


class Inception(nn.Module):
    """Convolutions of several sizes beside each other on few channels, and a pooling (Ismail Fawaz et al. 2020).

    channels: in and out, of which the convolutions and the pooling share those that go out.
    kernels: of the convolutions; odd numbers.
    """

    def __init__(self, channels: int, kernels: Sequence[int]) -> None:
        super().__init__()
        each = max(1, channels // (len(kernels) + 1))
        self.narrow = nn.Conv1d(channels, each, 1, bias=False)
        self.convolutions = nn.ModuleList(nn.Conv1d(each, each, k, padding=k // 2, bias=False) for k in kernels)
        rest = max(1, channels - each * len(kernels))
        self.pool = nn.Sequential(nn.MaxPool1d(3, 1, 1), nn.Conv1d(channels, rest, 1, bias=False))
        self.join = nn.Sequential(nn.BatchNorm1d(each * len(kernels) + rest), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        narrow = self.narrow(x)
        return self.join(torch.cat([*(each(narrow) for each in self.convolutions), self.pool(x)], 1))
