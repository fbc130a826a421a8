"""Blocks for series, (n, channels, length)."""

from __future__ import annotations

from torch import Tensor, nn


def series_conv(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    """A convolution that keeps the length, batch normalisation, and ReLU."""
    padding = (kernel - 1) * dilation // 2
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False),
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
