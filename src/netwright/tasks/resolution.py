"""Images at another resolution, for cheaper trials."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from netwright.core.errors import UserError

_CHUNK = 2048


def resized(images: Tensor, resolution: int) -> Tensor:
    """The same images with `resolution` pixels on the longer side, aspect ratio kept: uint8, on the same device.

    images: uint8 (n, channels, height, width). Shrinking averages areas; growing interpolates linearly.
    """
    height, width = size_at(images.shape[2], images.shape[3], resolution)
    if (height, width) == tuple(images.shape[2:]):
        return images
    out = torch.empty(*images.shape[:2], height, width, dtype=torch.uint8, device=images.device)
    shrinks = height <= images.shape[2]
    for source, target in zip(images.split(_CHUNK), out.split(_CHUNK), strict=True):
        values = source.float()
        if shrinks:
            values = F.interpolate(values, size=(height, width), mode="area")
        else:
            values = F.interpolate(values, size=(height, width), mode="bilinear", align_corners=False)
        target.copy_(values.round_().clamp_(0, 255))
    return out


def size_at(height: int, width: int, resolution: int) -> tuple[int, int]:
    """(height, width) with `resolution` pixels on the longer side."""
    if isinstance(resolution, bool) or not isinstance(resolution, int) or resolution < 1:
        raise UserError(f"resolution is a whole number of pixels, at least 1, found {resolution!r}")
    longer = max(height, width)
    return max(1, round(height * resolution / longer)), max(1, round(width * resolution / longer))
