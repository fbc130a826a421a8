"""Mean and spread of the training examples, the same on every device."""

from __future__ import annotations

import torch
from torch import Tensor

_CHUNK = 2048


def mean_and_std(inputs: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """One mean and one standard deviation a channel of uint8 images (as 0..1), or a feature of float32 vectors.

    inputs: (n, channels, height, width) or (n, features). What never varies gets the standard deviation 1.
    Sums over images are of whole numbers, so that the result does not depend on the device or the order.
    """
    return _of_images(inputs) if inputs.ndim == 4 else _of_vectors(inputs)


def _of_images(inputs: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    channels = inputs.shape[1]
    total = torch.zeros(2, channels, dtype=torch.int64, device=inputs.device)
    for chunk in inputs.split(_CHUNK):
        values = chunk.to(torch.int32)
        total[0] += values.sum((0, 2, 3), dtype=torch.int64)
        total[1] += values.square_().sum((0, 2, 3), dtype=torch.int64)
    count = inputs.numel() // channels
    first, second = total.tolist()
    means = tuple(each / count / 255 for each in first)
    stds = [(count * b - a * a) ** 0.5 / count / 255 for a, b in zip(first, second, strict=True)]
    return means, tuple(std or 1.0 for std in stds)


def _of_vectors(inputs: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    values = inputs.cpu().double()
    std, mean = torch.std_mean(values, dim=0, correction=0)
    constant = values.amin(0) == values.amax(0)
    usable = torch.where(constant | (std < torch.finfo(torch.float32).tiny), 1.0, std)
    return tuple(mean.tolist()), tuple(usable.tolist())
