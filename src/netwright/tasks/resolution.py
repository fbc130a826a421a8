"""Images at another resolution, for cheaper trials."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from netwright.core.checks import whole_number
from netwright.core.task import Examples

_CHUNK = 1 << 22  # pixels at a time


def resized(examples: Examples, resolution: int, device: torch.device) -> Tensor:
    """All images of a split with `resolution` pixels on the longer side, aspect ratio kept: uint8, on the device.

    Shrinking averages areas; growing interpolates linearly. Only a small part of the images is held twice.
    """
    count, channels, *extents = examples.shape
    height, width = size_at(extents[0], extents[1], resolution)
    out = torch.empty(count, channels, height, width, dtype=torch.uint8, device=device)
    step = max(1, _CHUNK // (channels * max(extents[0] * extents[1], height * width)))
    for start in range(0, count, step):
        stop = min(start + step, count)
        out[start:stop] = _resized(examples.batch(start, stop).to(device), (height, width))
    return out


def _resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    if size == tuple(images.shape[2:]):
        return images
    values = images.float()
    if size[0] <= images.shape[2]:
        values = F.interpolate(values, size=size, mode="area")
    else:
        values = F.interpolate(values, size=size, mode="bilinear", align_corners=False)
    return values.round_().clamp_(0, 255).to(torch.uint8)


def size_at(height: int, width: int, resolution: int) -> tuple[int, int]:
    """(height, width) with `resolution` pixels on the longer side."""
    whole_number("", "resolution", resolution)
    longer = max(height, width)
    return max(1, round(height * resolution / longer)), max(1, round(width * resolution / longer))
