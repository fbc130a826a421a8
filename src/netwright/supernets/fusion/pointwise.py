"""1x1 convolutions of many edges side by side, each on its own c channels, as one batched product of matrices."""

from __future__ import annotations

import torch
from torch import Tensor

from netwright.supernets.fusion.layout import by_pixel, matrices


def pointwise(x: Tensor, weight: Tensor) -> Tensor:
    """x (n, edges * c, h, w), weight (edges, d, c): (n, edges * d, h, w), in the memory format of x."""
    edges, outputs, _ = weight.shape
    n, _, h, w = x.shape
    if not by_pixel(x):
        return torch.matmul(weight, x.reshape(n, edges, -1, h * w)).view(n, edges * outputs, h, w)
    result = x.new_empty(n, h, w, edges * outputs).permute(0, 3, 1, 2)
    torch.bmm(matrices(x, edges), weight.transpose(1, 2), out=matrices(result, edges))
    return result


def pointwise_weight_gradient(gradient: Tensor, x: Tensor, edges: int) -> Tensor:
    """Gradient (edges, d, c) of the weight."""
    if not by_pixel(x):
        n, _, h, w = x.shape
        rows, columns = (each.reshape(n, edges, -1, h * w) for each in (gradient, x))
        return torch.matmul(rows, columns.transpose(2, 3)).sum(0)
    return torch.bmm(matrices(gradient, edges).transpose(1, 2), matrices(x, edges))
