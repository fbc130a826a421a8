"""Normalised 1x1 convolutions folded into one product of matrices each, their own outputs never being there.

The mean and the variance of u = W z follow from those of z: E[u] = W E[z], Var[u_j] = w_j' Cov[z] w_j. So norm(W z)
is one product of matrices and a constant, and a sum of such terms is too. Beside z, the gradients need only the moments
E[g z'] with the gradient g. With û_j = (u_j - E[u_j]) / s_j, a = E[g], c_j = E[g_j û_j] and n values of each:

    d loss / d u_j = p / s_j (g_j - a_j - û_j c_j),    d loss / d p = n sum_j c_j.

All in channels-last: n values are the rows of matrices (edges, n, c).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from netwright.supernets.fusion import layout
from netwright.supernets.fusion.chains import Note
from netwright.supernets.fusion.depthwise import Window, convolve, gradients
from netwright.supernets.fusion.layout import by_pixel, matrices
from netwright.supernets.fusion.tiles import moments, tiled


def can_fold(x: Tensor) -> bool:
    """Whether moments in the type of x are exact enough, and products by pixel what its device does best."""
    return layout.on_cpu(x) and x.dtype in (torch.float32, torch.float64) and by_pixel(x)


class Statistics(NamedTuple):
    """What the gradients need: W and W Cov[z] (options, edges, d, c), E[z] (options, edges, c), and of each output
    (options, edges, d) one over its deviation, its mean, and its weight over its deviation."""

    matrix: Tensor
    spread: Tensor
    mean: Tensor
    inverse: Tensor
    centre: Tensor
    scale: Tensor


def fold(inputs: Sequence[Tensor], matrix: Tensor, weights: Tensor | None, eps: float) -> Statistics:
    """inputs: z (edges, n, c) of each option; matrix: W; weights: p (options, edges), left out where all are 1."""
    rows = inputs[0].shape[1]
    found = [moments(each, [each]) for each in inputs]
    mean = _stacked([total for total, _ in found]).div_(rows)
    square = _stacked([products[0] for _, products in found]).div_(rows)
    covariance = torch.addcmul(square, mean.unsqueeze(-1), mean.unsqueeze(-2), value=-1)
    spread = matrix @ covariance
    inverse = ((spread * matrix).sum(-1).clamp_min_(0) + eps).rsqrt_()
    centre = (matrix @ mean.unsqueeze(-1)).squeeze(-1)
    scale = inverse if weights is None else inverse * weights.unsqueeze(-1)
    return Statistics(matrix, spread, mean, inverse, centre, scale)


def apply(inputs: Sequence[Tensor], statistics: Statistics, out: Tensor, *, positive: bool = False) -> Tensor:
    """Fills out with the sum over the options of p norm(W z), (edges, n, d), negative ones by 0 where only positive."""
    mapping = (statistics.matrix * statistics.scale.unsqueeze(-1)).transpose(2, 3)
    constant = (statistics.scale * statistics.centre).sum(0).neg_().unsqueeze(1)
    for target, *parts in tiled(out, *inputs):
        total = torch.baddbmm(constant, parts[0], mapping[0])
        for each, one in zip(parts[1:], mapping[1:], strict=True):
            total.baddbmm_(each, one)
        target.copy_(total.relu_() if positive else total)
    return out


def back(
    gradient: Tensor,
    inputs: Sequence[Tensor],
    statistics: Statistics,
    wanted: tuple[bool, bool, bool],
    positive: Tensor | None = None,
) -> tuple[Tensor | None, list[Tensor | None], Sequence[Tensor | None]]:
    """Gradients of p (options, edges), of each z and of each W, where wanted, from that of `apply` (edges, n, d).

    Those of z lie in memory as (n, edges, c). positive: what a ReLU made of the result of `apply`, if one did; the
    gradient is then that of the ReLU's result, and is changed in place.
    """
    matrix, spread, mean, inverse, centre, scale = statistics
    rows = gradient.shape[1]
    total, products = moments(gradient, inputs, positive)
    average, together = total.div_(rows), _stacked(products).div_(rows)
    follows = inverse * torch.addcmul((together * matrix).sum(-1), centre, average, value=-1)  # c above
    of_inputs: list[Tensor | None] = [None] * len(inputs)
    of_matrices: Sequence[Tensor | None] = of_inputs
    bent = inverse * follows
    if wanted[1]:
        weighted = scale.unsqueeze(-1) * matrix
        across = weighted.transpose(2, 3) @ (matrix * -bent.unsqueeze(-1))
        constant = (bent * centre - average).unsqueeze(2) @ weighted
        of_inputs = [
            torch.empty_like(each.transpose(0, 1), memory_format=torch.contiguous_format).transpose(0, 1)
            for each in inputs
        ]
        for i, (each, target) in enumerate(zip(inputs, of_inputs, strict=True)):
            assert target is not None
            for part, of_gradient, of_input in tiled(target, gradient, each):
                part.copy_(constant[i].expand_as(part)).baddbmm_(of_gradient, weighted[i]).baddbmm_(of_input, across[i])
    if wanted[2]:
        change = torch.addcmul(together, average.unsqueeze(-1), mean.unsqueeze(-2), value=-1)
        change = change.addcmul_(bent.unsqueeze(-1), spread, value=-1)
        of_matrices = change.mul_(scale.unsqueeze(-1) * rows).unbind()
    return follows.sum(-1).mul_(rows) if wanted[0] else None, of_inputs, of_matrices


class FoldedSum(torch.autograd.Function):
    """For each edge the sum over its options of p_eo norm(W_eo z_eo).

    weights: p (edges, options). note: told the statistics, if any; see `chains.Note`. tensors: z (n, edges * c, h, w)
    of each option, then W (edges, d, c) of each. Gives one (n, d, h, w) an edge. Can be differentiated once.
    """

    @staticmethod
    def forward(ctx: Any, weights: Tensor, eps: float, note: Note | None, *tensors: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        edges, count = weights.shape
        images = tensors[:count]
        inputs = [matrices(each, edges) for each in images]
        statistics = fold(inputs, _stacked(tensors[count:]), weights.t(), eps)
        if note is not None:
            note(statistics.centre, statistics.inverse, inputs[0].shape[1])
        ctx.save_for_backward(*images, *statistics)
        ctx.edges, ctx.shape = edges, images[0].shape
        n, _, h, w = ctx.shape
        out = images[0].new_empty(edges, n * h * w, statistics.matrix.shape[2])
        return apply(inputs, statistics, out).view(edges, n, h, w, -1).permute(0, 1, 4, 2, 3).unbind()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        n, _, h, w = ctx.shape
        saved = ctx.saved_tensors  # once: that is all that recomputation allows
        count = len(saved) - len(Statistics._fields)
        inputs = [matrices(each, ctx.edges) for each in saved[:count]]
        gradient = torch.stack([each.permute(0, 2, 3, 1).reshape(-1, each.shape[1]) for each in gradients])
        wanted = ctx.needs_input_grad
        asked = wanted[0], wanted[3], any(wanted[3 + count :])
        of_p, of_inputs, of_matrices = back(gradient, inputs, Statistics(*saved[count:]), asked)
        images = [each if each is None else _images(each, n, h, w) for each in of_inputs]
        return None if of_p is None else of_p.t(), None, None, *images, *of_matrices


class FoldedMiddle(torch.autograd.Function):
    """The middle of a separable convolution: 1x1 convolution, normalisation, ReLU, depthwise convolution.

    z (n, edges * c, h, w), W (edges, c, c), kernels (edges * c, 1, k, k). note: as of `FoldedSum`. Can be
    differentiated once.
    """

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, z: Tensor, matrix: Tensor, kernels: Tensor, window: Window, eps: float, note: Note | None
    ) -> Tensor:
        inputs = [matrices(z, len(matrix))]
        statistics = fold(inputs, matrix.unsqueeze(0), None, eps)
        if note is not None:
            note(statistics.centre, statistics.inverse, inputs[0].shape[1])
        positive = torch.empty_like(z)
        apply(inputs, statistics, matrices(positive, len(matrix)), positive=True)
        ctx.window = window
        ctx.save_for_backward(z, positive, kernels, *statistics)
        return convolve(positive, kernels, window)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        z, positive, kernels, *statistics = ctx.saved_tensors
        of_z, of_matrix, of_kernels = ctx.needs_input_grad[:3]
        result, of_kernels = gradients(gradient, positive, kernels, ctx.window, (of_z or of_matrix, of_kernels))
        if result is None:
            return None, None, of_kernels, None, None, None
        edges = statistics[0].shape[1]
        matrix, mask = matrices(layout.laid_out(result), edges), matrices(positive, edges)
        wanted = False, of_z, of_matrix
        _, (image,), (weights,) = back(matrix, [matrices(z, edges)], Statistics(*statistics), wanted, mask)
        n, _, h, w = z.shape
        return None if image is None else _images(image, n, h, w), weights, of_kernels, None, None, None


def _stacked(parts: Sequence[Tensor]) -> Tensor:
    return parts[0].unsqueeze(0) if len(parts) == 1 else torch.stack(tuple(parts))


def _images(rows: Tensor, n: int, h: int, w: int) -> Tensor:
    """(edges, n * h * w, c), by pixel in memory, as (n, edges * c, h, w)."""
    return rows.transpose(0, 1).reshape(n, h, w, -1).permute(0, 3, 1, 2)
