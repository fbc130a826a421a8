"""What the nodes of a cell share when they normalise by statistics that are known before: running ones.

A normalisation is then an affine map of each channel, which a 1x1 convolution before it takes in; a sum of such terms
is a sum of products of matrices and one constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import relu

from netwright.supernets.fusion.depthwise import Fan, Window
from netwright.supernets.fusion.layout import by_pixel, matrices

Known = tuple[Tensor, Tensor]  # mean and one over the deviation of each channel, edge by edge


def middle(x: Tensor, weight: Tensor, kernels: Tensor, window: Window, known: Known) -> Tensor:
    """The middle of a separable convolution: 1x1 convolution, normalisation, ReLU, depthwise convolution.

    x (n, edges * c, h, w), weight (edges, c, c), kernels (edges * c, 1, k, k).
    """
    mean, inverse = (each.to(x.dtype).view(len(weight), -1) for each in known)
    positive = relu(_mapped(x, weight * inverse.unsqueeze(-1), -mean * inverse))
    return cast("Tensor", Fan.apply(positive.detach(), kernels, window, (1,), positive))


def weighted(
    weights: Tensor, images: Sequence[Tensor], matrix: Sequence[Tensor] | None, known: Sequence[Known]
) -> tuple[Tensor, ...]:
    """For each edge the sum over its options of p_eo norm(W_eo x_eo): (n, d, h, w) each.

    weights: p (edges, options). images: x (n, edges * c, h, w) of each option; matrix: W (edges, d, c) of each, None
        where there is none. known: of each option.
    """
    edges = len(weights)
    total: Tensor | None = None
    for i, (x, found) in enumerate(zip(images, known, strict=True)):
        mean, inverse = (each.to(x.dtype).view(edges, -1) for each in found)
        scale = weights[:, i].to(x.dtype).unsqueeze(-1) * inverse
        if matrix is None:
            term = (x - mean.view(1, -1, 1, 1)) * scale.view(1, -1, 1, 1)
        else:
            term = _mapped(x, matrix[i] * scale.unsqueeze(-1), -mean * scale)
        total = term if total is None else total + term
    assert total is not None
    return total.chunk(edges, 1)


def _mapped(x: Tensor, matrix: Tensor, constant: Tensor) -> Tensor:
    """x (n, edges * c, h, w) by the matrices (edges, d, c), and the constants (edges, d) added."""
    edges, outputs, _ = matrix.shape
    n, _, h, w = x.shape
    if not by_pixel(x):
        mapped = torch.matmul(matrix, x.reshape(n, edges, -1, h * w)) + constant.unsqueeze(-1)
        return mapped.view(n, edges * outputs, h, w)
    mapped = torch.baddbmm(constant.unsqueeze(1), matrices(x, edges), matrix.transpose(1, 2))
    return mapped.transpose(0, 1).reshape(n, h, w, edges * outputs).permute(0, 3, 1, 2)
