"""Mean and spread of the training examples, the same on every device."""

from __future__ import annotations

import torch
from torch import Tensor

_CHUNK = 1 << 18  # pixels at a time: small enough for the processor's cache


def mean_and_std(inputs: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """One mean and one standard deviation a channel of uint8 images (as 0..1), or a feature of float32 vectors.

    inputs: (n, channels, height, width) or (n, features). What never varies gets the standard deviation 1.
    Sums over images are of whole numbers, so that the result does not depend on the device or the order.
    """
    return _of_images(inputs) if inputs.ndim == 4 else _of_vectors(inputs)


def _of_images(inputs: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if inputs.device.type == "mps":  # has no float64
        inputs = inputs.cpu()
    channels = inputs.shape[1]
    total = torch.zeros(2, channels, dtype=torch.float64, device=inputs.device)
    for chunk in inputs.split(max(1, _CHUNK // inputs[0, 0].numel())):
        for channel in range(channels):
            values = chunk[:, channel].double().flatten()
            total[0, channel] += values.sum()
            total[1, channel] += values.dot(values)  # whole numbers below 2^53: exact in any order
    count = inputs.numel() // channels
    sums = [[int(each) for each in row] for row in total.tolist()]
    means = tuple(each / count / 255 for each in sums[0])
    stds = [(count * b - a * a) ** 0.5 / count / 255 for a, b in zip(*sums, strict=True)]
    return means, tuple(std or 1.0 for std in stds)


def _of_vectors(inputs: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    values = inputs.cpu().double()
    std, mean = torch.std_mean(values, dim=0, correction=0)
    constant = values.amin(0) == values.amax(0)
    usable = torch.where(constant | (std < torch.finfo(torch.float32).tiny), 1.0, std)
    return tuple(mean.tolist()), tuple(usable.tolist())
