"""Pictures of one size as their user holds them: from image files and from arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netwright.tasks.portable.arrays import ARRAY_ENDINGS, arrays_in, as_tensor, numbered
from netwright.tasks.portable.images import moved, picture, scale_for, scaled

# Given by the exported file; what is here only says what they are.
INPUT_SHAPE: tuple[int, int, int] = (3, 32, 32)
LAYOUT: str = "channels-first"  # of arrays
DEEP_SCALE: tuple[float, ...] | None = None  # of image files of more than 8 bits
BACKGROUND: int = 255
ENDINGS: tuple[str, ...] = ()


def read(path: Path) -> tuple[list[str], Any]:
    """The pictures of one file, an image or an .npy or .npz array of them, and a name for each; raises ValueError."""
    path = Path(path)
    if path.suffix.lower() in ARRAY_ENDINGS:
        images = arrays_in(path)
        if _is_one(tuple(images.shape)):
            images = images[None]
        return numbered(path, len(images)), images
    if path.suffix.lower() not in ENDINGS and not set(ENDINGS) - set(ARRAY_ENDINGS):
        raise ValueError(f"expected {' or '.join(ARRAY_ENDINGS)}, arrays of the values that the training arrays held")
    return [str(path)], picture(path, INPUT_SHAPE, BACKGROUND, DEEP_SCALE)[None]


def prepared(raw: Any) -> Tensor:
    """Pictures as their user holds them as uint8 (n, *INPUT_SHAPE); raises ValueError for what cannot be used.

    raw: an array or tensor in the layout and range of the training data, uint8 pictures, or a list of Pillow images.
    """
    if isinstance(raw, list | tuple) and raw and hasattr(raw[0], "getexif"):
        return torch.stack([picture(each, INPUT_SHAPE, BACKGROUND, DEEP_SCALE) for each in raw])
    x = as_tensor(raw)
    first = moved(x, LAYOUT) if x.ndim in (3, 4) else x
    if tuple(first.shape[1:]) != INPUT_SHAPE and tuple(x.shape[1:]) == INPUT_SHAPE:
        first = x
    if tuple(first.shape[1:]) != INPUT_SHAPE:
        hint = "; one picture is x[None]" if _is_one(tuple(x.shape)) else ""
        raise ValueError(f"expected pictures of the shape (n, {INPUT_SHAPE}), found {tuple(x.shape)}{hint}")
    return scaled(first, scale_for(first)).contiguous()


def _is_one(shape: tuple[int, ...]) -> bool:
    channels, height, width = INPUT_SHAPE
    return shape in (INPUT_SHAPE, (height, width, channels)) or (channels == 1 and shape == (height, width))
