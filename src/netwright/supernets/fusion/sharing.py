"""What the edges that leave a state share: their weights stacked, their options without weights blended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from netwright.supernets.fusion.layout import by_pixel


class Pack(torch.autograd.Function):
    """The weights of each kind, stacked along their first dimension, all from one copy.

    sizes: how many weights there are of each kind. weights: of all kinds, one after the other; those of a kind have one
    shape.
    """

    @staticmethod
    def forward(ctx: Any, sizes: Sequence[int], dtype: torch.dtype, *weights: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        ctx.sizes = sizes
        ctx.set_materialize_grads(False)
        shapes: list[tuple[int, ...]] = []
        first = 0
        for size in sizes:
            rows, *rest = weights[first].shape
            shapes.append((size * rows, *rest))
            first += size
        flat = torch.cat([each.reshape(-1) for each in weights]).to(dtype)
        parts = flat.split([torch.Size(shape).numel() for shape in shapes])
        return tuple(part.view(shape) for part, shape in zip(parts, shapes, strict=True))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        result: list[Tensor | None] = []
        for size, gradient in zip(ctx.sizes, gradients, strict=True):
            result.extend([None] * size if gradient is None else gradient.chunk(size))
        return None, None, *result


class Blend(torch.autograd.Function):
    """For each edge a weighted sum of the same tensors, sum_o p_eo x_o, as one product of matrices.

    weights (edges, tensors); the tensors have one shape. Gives one such tensor an edge.
    """

    @staticmethod
    def forward(ctx: Any, weights: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        ctx.by_pixel, ctx.shape = by_pixel(tensors[0]), tensors[0].shape
        stacked = _stacked(tensors, ctx.by_pixel)
        ctx.save_for_backward(weights, stacked if ctx.needs_input_grad[0] else None)
        return _unstacked(weights @ stacked, ctx.shape, ctx.by_pixel)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        weights, stacked = ctx.saved_tensors
        gradient = _stacked(gradients, ctx.by_pixel)
        of_weights = gradient @ stacked.t() if ctx.needs_input_grad[0] else None
        if not any(ctx.needs_input_grad[1:]):
            return of_weights, *(None for _ in range(weights.shape[1]))
        return of_weights, *_unstacked(weights.t() @ gradient, ctx.shape, ctx.by_pixel)


def _stacked(tensors: Sequence[Tensor], pixels: bool) -> Tensor:
    """Tensors (n, c, h, w) as the rows of a matrix, where asked with the channels of a pixel together."""
    if pixels:
        tensors = [each.permute(0, 2, 3, 1) for each in tensors]
    return torch.stack([each.reshape(-1) for each in tensors])


def _unstacked(rows: Tensor, shape: Sequence[int], pixels: bool) -> tuple[Tensor, ...]:
    n, c, h, w = shape
    if pixels:
        return rows.view(-1, n, h, w, c).permute(0, 1, 4, 2, 3).unbind()
    return rows.view(-1, n, c, h, w).unbind()
