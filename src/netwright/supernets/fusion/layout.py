"""How images lie in memory, and when they are matrices."""

from __future__ import annotations

import torch
from torch import Tensor


def on_cpu(x: Tensor) -> bool:
    return x.device.type == "cpu"


def laid_out(x: Tensor) -> Tensor:
    """Dense: on a CPU in channels-last, which it computes fastest in; elsewhere in the format that it came in."""
    last = on_cpu(x) or (x.stride(1) == 1 and x.shape[1] > 1 and not x.is_contiguous())
    return x.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)


def by_pixel(x: Tensor) -> bool:
    """Whether the channels of a pixel lie together."""
    return x.is_contiguous(memory_format=torch.channels_last)


def matrices(x: Tensor, edges: int) -> Tensor:
    """x (n, edges * c, h, w), in channels-last, as (edges, n * h * w, c)."""
    n, channels, h, w = x.shape
    return x.permute(0, 2, 3, 1).reshape(n * h * w, edges, channels // edges).transpose(0, 1)
