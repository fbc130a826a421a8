"""Series of .npy and .npz files, (n, channels, times) or (n, times, channels)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.tasks.portable.arrays import arrays_in, numbered
from netwright.tasks.portable.series import require_fit

CHANNELS: int
CHANNELS_LAST: bool  # whether times come before channels

ENDINGS = (".npy", ".npz")


def read(path: Path) -> tuple[list[str], list[NDArray[Any]]]:
    """The series of an array, with a name for each; ValueError for another shape."""
    if path.suffix.lower() not in ENDINGS:
        raise ValueError("expected an .npy or .npz file, written by numpy.save or numpy.savez")
    stored = np.asarray(arrays_in(path))
    if stored.dtype.kind not in "biuf" or stored.ndim not in (1, 2, 3):
        raise ValueError(f"holds {stored.dtype} of the shape {stored.shape}; expected series of numbers")
    found = [*oriented(stored.astype(np.float64))]
    names = numbered(path, len(found))
    for name, each in zip(names, found, strict=True):
        require_fit(name, each)
    return names, found


def oriented(stored: NDArray[Any]) -> NDArray[Any]:
    """An array of series as (n, channels, times); one series alone as one of them."""
    if stored.ndim == 1 or (stored.ndim == 2 and CHANNELS > 1):
        stored = stored[None]
    if stored.ndim == 2:
        return stored[:, None]
    return np.moveaxis(stored, 2, 1) if CHANNELS_LAST else stored
