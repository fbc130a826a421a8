"""Pictures of any size as their user holds them, and the tiles of them that a network takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from netwright.tasks.portable.arrays import ARRAY_ENDINGS, arrays_in, as_tensor, numbered
from netwright.tasks.portable.images import moved, opened, picture, scale_for, scaled, upright_size
from netwright.tasks.portable.tiles import cut, put_together

# Given by the exported file; what is here only says what they are.
INPUT_SHAPE: tuple[int, int, int] = (3, 128, 128)  # of a tile
LAYOUT: str = "channels-first"  # of arrays
TILE: tuple[int, int] = (128, 128)
MARGIN: int = 16
DEEP_SCALE: tuple[float, ...] | None = None
BACKGROUND: int = 255
ENDINGS: tuple[str, ...] = ()


def read(path: Path) -> tuple[list[str], Any]:
    """The pictures of one file, an image or an .npy or .npz array of them, and a name for each; raises ValueError."""
    path = Path(path)
    if path.suffix.lower() in ARRAY_ENDINGS:
        found = prepared(arrays_in(path))
        return numbered(path, len(found)), found
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"expected a file that ends with {', '.join(ENDINGS)}")
    return [str(path)], [_whole(path)]


def prepared(raw: Any) -> list[Tensor]:
    """Pictures as their user holds them as uint8 (channels, height, width) each, of any size; raises ValueError.

    raw: a list of Pillow images or of arrays, or one array or tensor of pictures, in the layout and range of the
        training data.
    """
    if isinstance(raw, list | tuple):
        return [each for own in raw for each in ([_whole(own)] if hasattr(own, "getexif") else _of_array(own))]
    return _of_array(raw)


def _whole(source: Any) -> Tensor:
    with opened(source) as image:
        height, width = upright_size(image)
    return picture(source, (INPUT_SHAPE[0], height, width), BACKGROUND, DEEP_SCALE)


def _of_array(raw: Any) -> list[Tensor]:
    """One picture, or several of one size."""
    x = as_tensor(raw)
    channels = INPUT_SHAPE[0]
    if x.ndim == 2 or (x.ndim == 3 and (x.shape[0] == channels or (channels > 1 and x.shape[2] == channels))):
        x = x[None]
    first = moved(x, LAYOUT) if x.ndim in (3, 4) else x
    if x.ndim == 4 and first.shape[1] != channels:
        first = x if x.shape[1] == channels else x.movedim(3, 1)
    if first.ndim != 4 or first.shape[1] != channels:
        raise ValueError(f"expected pictures of {channels} channels, found an array of the shape {tuple(x.shape)}")
    return list(scaled(first, scale_for(first)).contiguous())


def tiles_of(image: Tensor) -> Tensor:
    """The tiles of a picture, (tiles, *INPUT_SHAPE)."""
    return cut(image, TILE, MARGIN)


def answer_of(answers: Tensor, image: Tensor) -> Tensor:
    """Of the answers of its tiles (tiles, ..., *TILE) those of a picture's pixels."""
    return put_together(answers, image.shape[1], image.shape[2], TILE, MARGIN)
