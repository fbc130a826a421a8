"""The operations on the edges of cells: each keeps the number of channels, and a stride of 2 halves the resolution.

They are the operations of NASNet (Zoph et al. 2018), AmoebaNet (Real et al. 2019), DARTS (Liu et al. 2019) and
NAS-Bench-201 (Dong and Yang 2020), by the names that published cells use. All take and give
(batch, channels, height, width); at stride 2, odd extents are rounded up. `affine` and `track_running_stats` are
those of the batch normalisations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from netwright.networks.drop_path import DropPath


class Zero(nn.Module):
    """Zeros of the shape that a convolution of this stride would give.

    stride: 1, or 2 to halve the resolution.
    """

    def __init__(self, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride])

    def extra_repr(self) -> str:
        return f"stride={self.stride}"


class FactorizedReduce(nn.Module):
    """Halves the resolution: two 1x1 convolutions of stride 2, one of them shifted by a pixel, side by side.

    Together they see every position, which a single 1x1 convolution of stride 2 would not. What lies beyond an odd
    extent counts as zero.

    inputs, outputs: channels.
    affine, track_running_stats: of the batch normalisation.
    """

    def __init__(self, inputs: int, outputs: int, *, affine: bool = True, track_running_stats: bool = True) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.even = nn.Conv2d(inputs, outputs // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(inputs, outputs - outputs // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, affine=affine, track_running_stats=track_running_stats)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(x)
        shifted = pad(x, (-1, 1, -1, 1))
        return self.norm(torch.cat((self.even(x), self.odd(shifted)), 1))


def relu_conv_norm(
    inputs: int, outputs: int, kernel: int, stride: int = 1, *, affine: bool = True, track_running_stats: bool = True
) -> nn.Sequential:
    """ReLU, convolution, batch normalisation."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs, affine=affine, track_running_stats=track_running_stats),
    )


def spread_conv(
    channels: int,
    kernel: int,
    stride: int = 1,
    dilation: int = 1,
    *,
    affine: bool = True,
    track_running_stats: bool = True,
) -> nn.Sequential:
    """ReLU, a convolution within each channel, one across channels, batch normalisation."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels, affine=affine, track_running_stats=track_running_stats),
    )


def separable_conv(
    channels: int, kernel: int, stride: int = 1, *, affine: bool = True, track_running_stats: bool = True
) -> nn.Sequential:
    """A depthwise-separable convolution applied twice; the first one takes the stride (Zoph et al. 2018)."""
    norm = {"affine": affine, "track_running_stats": track_running_stats}
    return nn.Sequential(*spread_conv(channels, kernel, stride, **norm), *spread_conv(channels, kernel, **norm))


def factorized_conv(
    channels: int, kernel: int, stride: int = 1, *, affine: bool = True, track_running_stats: bool = True
) -> nn.Sequential:
    """A 1 x kernel convolution, then a kernel x 1 convolution, each taking the stride along its own axis."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, (1, kernel), (1, stride), (0, kernel // 2), bias=False),
        nn.Conv2d(channels, channels, (kernel, 1), (stride, 1), (kernel // 2, 0), bias=False),
        nn.BatchNorm2d(channels, affine=affine, track_running_stats=track_running_stats),
    )


def max_pool(kernel: int, stride: int = 1) -> nn.Module:
    return nn.MaxPool2d(kernel, stride, kernel // 2)


def average_pool(kernel: int, stride: int = 1) -> nn.Module:
    """Average pooling over the positions inside the image only."""
    return nn.AvgPool2d(kernel, stride, kernel // 2, count_include_pad=False)


def skip(channels: int, stride: int = 1, *, affine: bool = True, track_running_stats: bool = True) -> nn.Module:
    """The input as it is, or a factorised reduction at stride 2."""
    if stride == 1:
        return nn.Identity()
    return FactorizedReduce(channels, channels, affine=affine, track_running_stats=track_running_stats)


class MakeOperation(Protocol):
    def __call__(self, channels: int, stride: int, /, *, affine: bool, track_running_stats: bool) -> nn.Module: ...


OPERATIONS: Mapping[str, MakeOperation] = {
    "none": lambda c, s, **norm: Zero(s),
    "skip_connect": lambda c, s, **norm: skip(c, s, **norm),
    "max_pool_3x3": lambda c, s, **norm: max_pool(3, s),
    "max_pool_5x5": lambda c, s, **norm: max_pool(5, s),
    "max_pool_7x7": lambda c, s, **norm: max_pool(7, s),
    "avg_pool_3x3": lambda c, s, **norm: average_pool(3, s),
    "sep_conv_3x3": lambda c, s, **norm: separable_conv(c, 3, s, **norm),
    "sep_conv_5x5": lambda c, s, **norm: separable_conv(c, 5, s, **norm),
    "sep_conv_7x7": lambda c, s, **norm: separable_conv(c, 7, s, **norm),
    "dil_conv_3x3": lambda c, s, **norm: spread_conv(c, 3, s, 2, **norm),
    "dil_conv_5x5": lambda c, s, **norm: spread_conv(c, 5, s, 2, **norm),
    "conv_3x1_1x3": lambda c, s, **norm: factorized_conv(c, 3, s, **norm),
    "conv_7x1_1x7": lambda c, s, **norm: factorized_conv(c, 7, s, **norm),
    "nor_conv_1x1": lambda c, s, **norm: relu_conv_norm(c, c, 1, s, **norm),
    "nor_conv_3x3": lambda c, s, **norm: relu_conv_norm(c, c, 3, s, **norm),
}


def operation(
    name: str,
    channels: int,
    stride: int = 1,
    *,
    drop_path: bool = False,
    affine: bool = True,
    track_running_stats: bool = True,
) -> nn.Module:
    """The operation of this name, with a DropPath at its end where asked (but not on an identity or on zeros).

    Raises KeyError for a name that is not in OPERATIONS.
    """
    module = OPERATIONS[name](channels, stride, affine=affine, track_running_stats=track_running_stats)
    if not drop_path or isinstance(module, (nn.Identity, Zero)):
        return module
    steps = module if isinstance(module, nn.Sequential) else (module,)
    return nn.Sequential(*steps, DropPath())
