"""Convolution and batch normalisation without scale and shift, with nothing stored that can be had again cheaply.

All take (n, edges * c, h, w): many edges side by side along the channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from netwright.supernets.fusion.depthwise import Window, convolve, gradients, summed
from netwright.supernets.fusion.layout import laid_out
from netwright.supernets.fusion.pointwise import pointwise, pointwise_weight_gradient

_aten = torch.ops.aten

Note = Callable[[Tensor, Tensor, int], object]
"""Is told what a normalisation found: mean and one over the deviation of each channel, edge by edge in each option's
turn, and how many values a channel has."""


def normalise(x: Tensor, eps: float, scale: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """x with mean 0 and variance 1 in each channel, times scale; the means, and one over the standard deviations."""
    return torch.native_batch_norm(x, scale, None, None, None, True, 0.0, eps)


def normalise_gradient(
    gradient: Tensor, x: Tensor, mean: Tensor, inverse: Tensor, scale: Tensor | None = None, of_scale: bool = False
) -> tuple[Tensor, Tensor | None]:
    """The gradients of x and, where asked, of scale."""
    arguments = (scale, None, None, mean, inverse, True, 0.0, [True, of_scale, False])
    return _aten.native_batch_norm_backward(gradient, x, *arguments)[:2]


class Middle(torch.autograd.Function):
    """The middle of a separable convolution: 1x1 convolution, normalisation, ReLU, depthwise convolution.

    weight (edges, c, c), kernels (edges * c, 1, k, k). Keeps the normalised values, from which the rest follows. note:
    told the statistics, if any.
    """

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, x: Tensor, weight: Tensor, kernels: Tensor, window: Window, eps: float, note: Note | None
    ) -> Tensor:
        normal, mean, inverse = normalise(pointwise(x, weight), eps)
        if note is not None:
            note(mean, inverse, _values(normal))
        ctx.window = window
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, weight, kernels, normal, inverse)
        return convolve(normal.relu(), kernels, window)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, weight, kernels, normal, inverse = ctx.saved_tensors
        of_x, of_weight, of_kernels = ctx.needs_input_grad[:3]
        positive = normal.relu() if of_kernels else normal
        result, kernels_gradient = gradients(gradient, positive, kernels, ctx.window, (of_x or of_weight, of_kernels))
        del positive, gradient
        if result is None:
            return None, None, kernels_gradient, None, None, None
        _aten.threshold_backward.grad_input(result, normal, 0, grad_input=result)
        # Of a normalised x, whose statistics are 0 and 1; the true deviation takes the place of a scale.
        ones = torch.ones_like(inverse)
        result, _ = normalise_gradient(laid_out(result), normal, torch.zeros_like(ones), ones, inverse)
        weight_gradient = pointwise_weight_gradient(result, x, len(weight)) if of_weight else None
        result = pointwise(result, weight.transpose(1, 2)) if of_x else None
        return result, weight_gradient, kernels_gradient, None, None, None


class WeightedNormals(torch.autograd.Function):
    """For each edge the sum over its options of p_eo norm(W_eo x_eo), as one normalisation of all.

    weights: p (edges, options). matrix: W (options * edges, d, c), or None where there is none. images: x
    (n, edges * c, h, w) of each option. note: told the statistics, if any. Gives (n, edges * d, h, w).
    """

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, weights: Tensor, matrix: Tensor | None, eps: float, note: Note | None, *images: Tensor
    ) -> Tensor:
        together = images[0] if len(images) == 1 else torch.cat(images, 1)
        mapped = together if matrix is None else pointwise(together, matrix)
        each = mapped.shape[1] // weights.numel()
        scale = weights.t().unsqueeze(-1).repeat(1, 1, each).flatten()
        normal, mean, inverse = normalise(mapped, eps, scale)
        if note is not None:
            note(mean, inverse, _values(mapped))
        ctx.save_for_backward(together if ctx.needs_input_grad[1] else None, matrix, mapped, mean, inverse, scale)
        ctx.edges = len(weights)
        return summed(normal, len(images))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        together, matrix, mapped, mean, inverse, scale = ctx.saved_tensors
        of_p, of_matrix, _, _, *of_images = ctx.needs_input_grad
        count = len(of_images)
        repeated = gradient if count == 1 else torch.cat([gradient] * count, 1)
        result, of_scale = normalise_gradient(laid_out(repeated), mapped, mean, inverse, scale, of_p)
        p_gradient = of_scale.view(count, ctx.edges, -1).sum(-1).t() if of_p and of_scale is not None else None
        matrix_gradient = pointwise_weight_gradient(result, together, len(matrix)) if of_matrix else None
        if not any(of_images):
            return p_gradient, matrix_gradient, None, None, *(None for _ in of_images)
        result = result if matrix is None else pointwise(result, matrix.transpose(1, 2))
        return p_gradient, matrix_gradient, None, None, *result.chunk(count, 1)


def _values(x: Tensor) -> int:
    """How many a channel has."""
    return x.numel() // x.shape[1]
