"""Series as a network takes them: all of one length, with the training part's mean where a value is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CHANNELS: int  # of a series as its user has it
LENGTH: int  # times
MEANS: tuple[float, ...]  # of each channel, for what is missing
MASKED: bool  # whether a channel more says where values are
UNEQUAL: str  # what is done with other lengths: "error", "pad" or "cut"


def stacked(series: Sequence[NDArray[Any]], length: int, means: Sequence[float], *, masked: bool) -> NDArray[Any]:
    """Series (channels, times) as float32 (n, channels, length), with a channel more for the mask."""
    channels = len(means)
    x = np.empty((len(series), channels + masked, length), dtype=np.float32)
    x[:, :channels] = np.array(means)[:, None]
    if masked:
        x[:, channels] = 0
    for row, each in zip(x, series, strict=True):
        times = min(length, each.shape[1])
        there = ~np.isnan(each[:, :times])
        row[:channels, :times][there] = each[:, :times][there]
        if masked:
            row[channels, :times] = there.all(0)
    return x


def prepared(raw: Any) -> Tensor:
    """Series as float32 (n, channels, times): arrays (channels, times), NaN where a value is missing.

    A tensor is taken as it is, with the channel that says where values are, where there is one. Raises ValueError for
    series that the network cannot read.
    """
    if isinstance(raw, Tensor):
        return raw.float()
    series = [np.asarray(each, dtype=np.float64) for each in raw]
    for place, each in enumerate(series, 1):
        require_fit(f"series {place}", each)
    return torch.from_numpy(stacked(series, LENGTH, MEANS, masked=MASKED))


def require_fit(name: str, series: NDArray[Any]) -> None:
    """ValueError, with the name, for a series of other channels or times than the network reads."""
    if series.ndim != 2 or len(series) != CHANNELS:
        raise ValueError(f"{name} has the shape {series.shape}; expected {CHANNELS} channels of {LENGTH} times")
    times, expected = series.shape[1], {"pad": "at most ", "cut": "at least "}.get(UNEQUAL, "")
    if not times or (times > LENGTH and UNEQUAL != "cut") or (times < LENGTH and UNEQUAL != "pad"):
        raise ValueError(f"{name} has {times:,} times; expected {expected}{LENGTH:,}")
    read = series[:, :LENGTH]
    if np.isinf(read).any():
        raise ValueError(f"{name} holds an infinite value")
    if np.isnan(read).any() and not MASKED:
        raise ValueError(f"{name} lacks a value; no training series lacked one")
