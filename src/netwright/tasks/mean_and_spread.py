"""Mean and spread of the training examples, the same on every device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

_CHUNK = 1 << 18  # pixels at a time: small enough for the processor's cache
_NUMBERS = 1 << 22  # float64 values of vectors at a time, unless one column has more


def mean_and_std(inputs: Any, places: Tensor | None = None) -> tuple[Any, Any]:
    """One mean and one standard deviation a channel of uint8 images (as 0..1), or a feature of float32 vectors.

    inputs: (n, channels, height, width), (n, features) or (n, channels, length); whole numbers other than uint8 stand
        for themselves and have None. Of tensors under names each one's, under its name.
    places: the rows that count, all where None. What never varies gets the standard deviation 1. Sums over images are
        of whole numbers, so that the result does not depend on the device or the order; columns of vectors are taken a
        few at a time, which changes no bit.
    """
    if isinstance(inputs, Mapping):
        found = {name: mean_and_std(each, places) for name, each in inputs.items()}
        return {name: mean for name, (mean, _) in found.items()}, {name: std for name, (_, std) in found.items()}
    if inputs.dtype not in (torch.uint8, torch.float32):
        return None, None
    if inputs.ndim == 4 and inputs.device.type == "mps":  # has no float64
        inputs, places = inputs.cpu(), None if places is None else places.cpu()
    if inputs.dtype == torch.uint8:
        return _of_images(inputs, places)
    return _of_vectors(inputs, places) if inputs.ndim == 2 else _of_channels(inputs, places)


def _of_images(inputs: Tensor, places: Tensor | None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    channels = inputs.shape[1]
    total = torch.zeros(2, channels, dtype=torch.float64, device=inputs.device)
    for chunk in _chunks(inputs, places, max(1, _CHUNK // inputs[0, 0].numel())):
        for channel in range(channels):
            values = chunk[:, channel].double().flatten()
            total[0, channel] += values.sum()
            total[1, channel] += values.dot(values)  # whole numbers below 2^53: exact in any order
    count = (len(inputs) if places is None else len(places)) * inputs[0, 0].numel()
    sums = [[int(each) for each in row] for row in total.tolist()]
    means = tuple(each / count / 255 for each in sums[0])
    stds = [(count * b - a * a) ** 0.5 / count / 255 for a, b in zip(*sums, strict=True)]
    return means, tuple(std or 1.0 for std in stds)


def _chunks(inputs: Tensor, places: Tensor | None, size: int) -> Iterator[Tensor]:
    if places is None:
        yield from inputs.split(size)
    else:
        yield from (inputs.index_select(0, chosen) for chosen in places.split(size))


def _of_channels(inputs: Tensor, places: Tensor | None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Of float32 series, images or volumes, over all their places."""
    sums = torch.zeros(2, inputs.shape[1], dtype=torch.float64, device=inputs.device)
    count, rest = 0, tuple(each for each in range(inputs.ndim) if each != 1)
    shift = inputs[0].double().mean(tuple(range(1, inputs.ndim - 1))).view(1, -1, *[1] * (inputs.ndim - 2))
    for chunk in _chunks(inputs, places, max(1, _NUMBERS // inputs[0].numel())):
        values = chunk.double() - shift  # so that the squares of what is far from zero lose no digits
        sums += torch.stack((values.sum(rest), (values * values).sum(rest)))
        count += chunk.numel() // inputs.shape[1]
    mean, square = sums / count
    spread = (square - mean * mean).clamp(min=0).sqrt()
    spread = torch.where(spread <= 1e-7 * (mean + shift.flatten()).abs(), 1.0, spread)
    return tuple((mean + shift.flatten()).tolist()), tuple(spread.tolist())


def _of_vectors(inputs: Tensor, places: Tensor | None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    count = len(inputs) if places is None else len(places)
    means: list[float] = []
    stds: list[float] = []
    for columns in inputs.split(max(1, _NUMBERS // max(1, count)), dim=1):
        values = (columns if places is None else columns.index_select(0, places)).cpu().double()
        std, mean = torch.std_mean(values, dim=0, correction=0)
        constant = values.amin(0) == values.amax(0)
        means += mean.tolist()
        stds += torch.where(constant | (std < torch.finfo(torch.float32).tiny), 1.0, std).tolist()
    return tuple(means), tuple(stds)
