"""Tables of numbers as float32 (n, features), without losing what tells two rows apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.wording import listed
from netwright.tasks.portable import vectors
from netwright.tasks.portable.arrays import as_tensor

_LOST = 1e-3


def offsets(x: NDArray[Any]) -> NDArray[np.float64] | None:
    """What to subtract from each column before float32 rounds it, or None where nothing is lost.

    A column of large numbers that differ little (times in seconds, years in float16) would lose more than a thousandth
    of its span; it is then stored as the difference from its smallest value.
    """
    if x.dtype.kind not in "iuf" or x.dtype.itemsize < 4 or x.dtype == np.float32 or not x.size:
        return None
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    lost = np.abs(np.maximum(np.abs(low), np.abs(high))) * np.finfo(np.float32).eps > _LOST * (high - low)
    lost &= high > low
    return np.where(lost, low, 0.0) if lost.any() else None


def as_float32(x: NDArray[Any], subtract: NDArray[np.float64] | None) -> NDArray[np.float32]:
    """The features as an exported model makes them, too."""
    done = vectors.shifted(as_tensor(x), None if subtract is None else subtract.tolist())
    return np.ascontiguousarray(done.numpy())


def column_notes(
    x: NDArray[Any], subtract: NDArray[np.float64] | None, names: Sequence[str] | None = None
) -> tuple[str, ...]:
    """What a person should know of the columns: the constant ones, and those that were shifted."""
    notes: tuple[str, ...] = ()
    constant = np.flatnonzero(x.min(axis=0) == x.max(axis=0))
    if len(constant):
        notes += (f"{_listed(constant, names)} always the same value and tell nothing",)
    return notes if subtract is None else notes + _shifted(_listed(np.flatnonzero(subtract), names))


def shifted_note(names: Sequence[str]) -> tuple[str, ...]:
    """What is said of columns, by name, that are stored as the difference from their smallest value."""
    return _shifted(_listed(np.arange(len(names)), names)) if names else ()


def _shifted(listed: str) -> tuple[str, ...]:
    return (f"{listed} numbers so large for their spread that the difference from the smallest was stored",)


def _listed(columns: NDArray[Any], names: Sequence[str] | None) -> str:
    return f"columns {listed([repr(names[i]) if names else str(i) for i in columns.tolist()], 8)} hold"
