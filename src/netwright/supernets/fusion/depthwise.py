"""Depthwise convolutions whose gradients cost about as much as the convolution itself.

Libraries compute the output of a depthwise convolution well and its gradients, on a CPU, badly. The gradient of the
input is a depthwise convolution of the output's gradient by the flipped kernel; that of the weights can be put
together from cases that are fast (see `taps`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d

from netwright.supernets.fusion import layout
from netwright.supernets.fusion.taps import weight_gradient

_aten = torch.ops.aten


class Window(NamedTuple):
    """Size, stride and dilation of a square kernel of odd size, padded so that stride 1 keeps the extents."""

    kernel: int
    stride: int = 1
    dilation: int = 1

    @property
    def padding(self) -> int:
        return self.dilation * (self.kernel // 2)


def convolve(x: Tensor, weight: Tensor, window: Window) -> Tensor:
    """x (n, c, h, w), weight (c, 1, k, k): each channel by its own kernel."""
    return conv2d(x, weight, None, window.stride, window.padding, window.dilation, weight.shape[0])


def gradients(
    gradient: Tensor, x: Tensor, weight: Tensor, window: Window, wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of x and of weight from that of `convolve(x, weight, window)`, each only where wanted.

    x need only have its true shape where the gradient of the weight is not wanted.
    """
    if not layout.on_cpu(gradient):
        return _library(gradient, x, weight, window, wanted)
    of_x = input_gradient(gradient, x, weight, window) if wanted[0] else None
    of_weight = weight_gradient(gradient, x, window.kernel, window.stride, window.dilation) if wanted[1] else None
    return of_x, of_weight


def input_gradient(gradient: Tensor, x: Tensor, weight: Tensor, window: Window) -> Tensor:
    if window.stride == 1:
        return convolve(gradient, weight.flip(2, 3), window)
    result = _library(gradient, x, weight, window, (True, False))[0]
    assert result is not None
    return result


def _library(
    gradient: Tensor, x: Tensor, weight: Tensor, window: Window, wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    stride, padding, dilation = ([each] * 2 for each in (window.stride, window.padding, window.dilation))
    arguments = (stride, padding, dilation, False, [0, 0], weight.shape[0], [*wanted, False])
    return _aten.convolution_backward(gradient, x, weight, None, *arguments)[:2]


class Fan(torch.autograd.Function):
    """A depthwise convolution of states, each as often as it is read, side by side along the channels.

    repeated: the states so, (n, sum(counts) * c, h, w), which needs no gradient; counts: how often each of `states`
    (n, c, h, w) is read; weight (sum(counts) * c, 1, k, k). Can be differentiated once.
    """

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, repeated: Tensor, weight: Tensor, window: Window, counts: Sequence[int], *states: Tensor
    ) -> Tensor:
        ctx.window, ctx.counts = window, counts
        ctx.save_for_backward(repeated, weight)
        return convolve(repeated, weight, window)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        repeated, weight = ctx.saved_tensors
        wanted = any(ctx.needs_input_grad[4:]), ctx.needs_input_grad[1]
        of_all, of_weight = gradients(gradient, repeated, weight, ctx.window, wanted)
        of_states: list[Tensor | None] = [None] * len(ctx.counts)
        if of_all is not None:
            each = of_all.shape[1] // sum(ctx.counts)
            parts = of_all.split([count * each for count in ctx.counts], 1)
            of_states = [summed(part, count) for part, count in zip(parts, ctx.counts, strict=True)]
        return None, of_weight, None, None, *of_states


def summed(x: Tensor, count: int) -> Tensor:
    """Of so many images side by side along the channels."""
    if count > 2 and not layout.on_cpu(x):
        return x.unflatten(1, (count, -1)).sum(1)
    first, *others = x.chunk(count, 1)
    if not others:
        return first
    total = first + others[0]
    for each in others[1:]:
        total.add_(each)
    return total
