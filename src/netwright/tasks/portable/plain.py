"""Examples that are stored as their user holds them: uint8 images, or vectors of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

INPUT_SHAPE: tuple[int, ...]

ENDINGS = (".npy",)


def read(path: Path) -> tuple[list[str], Any]:
    """The examples of an .npy file, and a name for each; raises ValueError."""
    import numpy

    if path.suffix.lower() not in ENDINGS:
        raise ValueError("expected an .npy file, written by numpy.save")
    found = numpy.load(path, allow_pickle=False)
    found = found[None] if found.shape == INPUT_SHAPE else found
    return [f"example {i}" for i in range(len(found))] if found.ndim else [], found


def prepared(raw: Any) -> Tensor:
    """Images (n, channels, height, width) as uint8, or vectors (n, features) as float32; raises ValueError.

    raw: a tensor, an array, or nested lists of numbers; numbers of images are whole and lie in 0..255.
    """
    found = torch.as_tensor(raw)
    if tuple(found.shape[1:]) != INPUT_SHAPE:
        hint = "; one example is x[None]" if tuple(found.shape) == INPUT_SHAPE else ""
        expected = ", ".join(map(str, INPUT_SHAPE))
        raise ValueError(f"expected examples of the shape (n, {expected}), found {tuple(found.shape)}{hint}")
    if found.is_complex():
        raise ValueError(f"expected real numbers, found {found.dtype}")
    return found.float() if len(INPUT_SHAPE) == 1 else _as_bytes(found)


def _as_bytes(images: Tensor) -> Tensor:
    """Images as uint8; ValueError where that would change a value."""
    if images.dtype == torch.uint8 or not len(images):
        return images.to(torch.uint8)
    values = images.double()
    whole = bool(((values == values.round()) & (values >= 0) & (values <= 255)).all())
    if not whole or (images.is_floating_point() and values.max() <= 1):
        span = f"{float(values.min()):g} to {float(values.max()):g}"
        raise ValueError(f"expected uint8 images with values from 0 to 255, found {images.dtype} from {span}")
    return images.to(torch.uint8)
