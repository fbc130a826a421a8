"""Mean and spread of the training examples, the same on every device."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

_CHUNK = 1 << 18  # pixels at a time: small enough for the processor's cache
_NUMBERS = 1 << 22  # float64 values of vectors at a time, unless one column has more


def mean_and_std(inputs: Tensor, places: Tensor | None = None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """One mean and one standard deviation a channel of uint8 images (as 0..1), or a feature of float32 vectors.

    inputs: (n, channels, height, width) or (n, features).
    places: the rows that count, all where None. What never varies gets the standard deviation 1. Sums over images are
        of whole numbers, so that the result does not depend on the device or the order; columns of vectors are taken a
        few at a time, which changes no bit.
    """
    if inputs.ndim == 4 and inputs.device.type == "mps":  # has no float64
        inputs, places = inputs.cpu(), None if places is None else places.cpu()
    return _of_images(inputs, places) if inputs.ndim == 4 else _of_vectors(inputs, places)


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
