"""Vectors as float32, by the offsets and medians that were found in the training data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netwright.tasks.portable.arrays import arrays_in, as_tensor, numbered

# Given by the exported file; what is here only says what they are.
INPUT_SHAPE: tuple[int, ...] = (1,)
OFFSETS: tuple[float, ...] | None = None
MEDIANS: tuple[float, ...] | None = None


def shifted(x: Tensor, offsets: Sequence[float] | None) -> Tensor:
    """Numbers (n, features) as float32, with the offset of each column subtracted before they are rounded."""
    if offsets is None:
        return x.to(torch.float32)
    return (x.to(torch.float64) - torch.tensor(offsets, dtype=torch.float64)).to(torch.float32)


def read(path: Path) -> tuple[list[str], Any]:
    """The vectors of an .npy or .npz file, and a name for each."""
    vectors = arrays_in(Path(path))
    count = 1 if tuple(vectors.shape) == INPUT_SHAPE else len(vectors)
    return numbered(Path(path), count), vectors[None] if count == 1 and vectors.ndim == 1 else vectors


def prepared(raw: Any) -> Tensor:
    """Vectors (n, features) as their user holds them, as float32; raises ValueError for what cannot be used."""
    x = as_tensor(raw)
    if tuple(x.shape[1:]) != INPUT_SHAPE:
        raise ValueError(f"expected vectors of the shape (n, {INPUT_SHAPE[0]}), found {tuple(x.shape)}")
    if x.is_floating_point():
        x = _filled(x, ~torch.isfinite(x))
    return shifted(x, OFFSETS)


def _filled(x: Tensor, gaps: Tensor) -> Tensor:
    if not bool(gaps.any()):
        return x
    if MEDIANS is None:
        row, column = gaps.nonzero()[0].tolist()
        raise ValueError(f"row {row + 1} holds NaN or infinity in column {column}; the training rows held none")
    return torch.where(gaps, torch.tensor(MEDIANS, dtype=torch.float64), x.to(torch.float64))
