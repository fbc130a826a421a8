"""Examples that are stored as their user holds them: uint8 images, numbers or tokens, or several under names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

ENDINGS: tuple[str, ...]
INPUT_SHAPE: Any
INPUT_TYPE: Any


def read(path: Path) -> tuple[list[str], Any]:
    """The examples of an .npy or .npz file, and a name for each; raises ValueError."""
    import numpy

    if path.suffix.lower() not in ENDINGS:
        written = "numpy.save" if ENDINGS == (".npy",) else "numpy.savez"
        raise ValueError(f"expected an {ENDINGS[0]} file, written by {written}")
    found = numpy.load(path, allow_pickle=False)
    if isinstance(INPUT_SHAPE, dict):
        raw = {name: found[name] for name in found.files}
        return [f"example {i}" for i in range(len(next(iter(raw.values()), ())))], raw
    found = found[None] if found.shape == INPUT_SHAPE else found
    return [f"example {i}" for i in range(len(found))] if found.ndim else [], found


def prepared(raw: Any) -> Any:
    """Images (n, channels, height, width) as uint8, or vectors (n, features) as float32; raises ValueError.

    raw: a tensor, an array, or nested lists of numbers, or several under names; numbers of images are whole and lie in
        0..255.
    """
    if not isinstance(INPUT_SHAPE, dict):
        return _prepared(raw, INPUT_SHAPE, INPUT_TYPE)
    missing = [name for name in INPUT_SHAPE if name not in raw]
    if missing:
        raise ValueError(f"an example has {', '.join(INPUT_SHAPE)}; found no {missing[0]}")
    return {name: _prepared(raw[name], shape, INPUT_TYPE[name]) for name, shape in INPUT_SHAPE.items()}


def _prepared(raw: Any, shape: tuple[int, ...], kind: str) -> Tensor:
    found = torch.as_tensor(raw)
    if tuple(found.shape[1:]) != shape:
        hint = "; one example is x[None]" if tuple(found.shape) == shape else ""
        expected = ", ".join(map(str, shape))
        raise ValueError(f"expected examples of the shape (n, {expected}), found {tuple(found.shape)}{hint}")
    if found.is_complex():
        raise ValueError(f"expected real numbers, found {found.dtype}")
    if kind == "uint8":
        return _as_bytes(found)
    return found.float() if kind.startswith("float") else found.long()


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
