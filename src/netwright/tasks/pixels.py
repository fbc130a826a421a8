"""Images of any layout and number range as uint8 (n, channels, height, width)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError

LAYOUTS = ("auto", "channels-first", "channels-last")
_MOST_CHANNELS = 4
_CHUNK = 4096


def channels_first(x: NDArray[Any], layout: str = "auto") -> tuple[NDArray[Any], tuple[str, ...]]:
    """A view of images as (n, channels, height, width), and what was decided.

    x: (n, height, width), (n, channels, height, width), or channels-last where only that reading makes sense.
    Raises DataError for other dimensions, and where both readings of four axes are equally likely.
    """
    if layout not in LAYOUTS:
        raise UserError(f"layout must be one of {', '.join(LAYOUTS)}, found {layout!r}")
    if x.ndim == 3:
        return x[:, None], (f"read as images of one channel, {x.shape[1]}x{x.shape[2]} pixels",)
    if layout == "channels-last" or (layout == "auto" and _last(x.shape)):
        note = "channels-last input: moved the channel axis first"
        return np.moveaxis(x, 3, 1), (note,)
    return x, ()


def _last(shape: tuple[int, ...]) -> bool:
    _, first, middle, last = shape
    if first <= _MOST_CHANNELS:
        return False
    if last <= _MOST_CHANNELS:
        return True
    if first == middle != last:
        raise DataError(
            f"images of shape {shape} could have {first} channels first or {last} channels last; say layout="
            "'channels-first' or 'channels-last' (numpy: x.transpose(0, 3, 1, 2); torch: x.permute(0, 3, 1, 2))"
        )
    return False


@dataclass(frozen=True)
class Scale:
    """How numbers become 0..255: pixel = round((value - low) * factor), kept within 0..255."""

    low: float = 0.0
    factor: float = 1.0
    exact: bool = True
    note: str = ""

    def __call__(self, x: NDArray[Any]) -> NDArray[np.uint8]:
        """uint8, the shape of x, contiguous; no copy when x is so already."""
        if x.dtype == np.uint8 and self.low == 0 and self.factor == 1:
            return np.ascontiguousarray(x)
        out = np.empty(x.shape, dtype=np.uint8)
        for start in range(0, len(x), _CHUNK):
            out[start : start + _CHUNK] = self._chunk(x[start : start + _CHUNK])
        return out

    def _chunk(self, x: NDArray[Any]) -> NDArray[np.float64]:
        value = (x.astype(np.float64) - self.low) * self.factor
        return np.clip(np.round(value, out=value), 0, 255, out=value)

    def rounds(self, x: NDArray[Any]) -> bool:
        """Whether some value of x is not a whole pixel value, so that rounding moves it."""
        tolerance = 1e-3  # float16's eleven bits hold each of the 256 levels of 0..1 to 0.0625, float32's to 1e-5
        if x.dtype == np.float16:
            tolerance = 0.07
        for start in range(0, len(x), _CHUNK):
            value = (x[start : start + _CHUNK].astype(np.float64) - self.low) * self.factor
            if bool((np.abs(value - np.round(value)) > tolerance).any()):
                return True
        return False


def scale_of(x: NDArray[Any]) -> Scale:
    """The scale that the training images ask for: none for 0..255, times 255 for floats in 0..1, else min to max."""
    if x.dtype == np.uint8:
        return Scale()
    if x.dtype.kind == "b":
        return Scale(factor=255.0, note="true and false pixels were stored as 255 and 0")
    low, high = float(x.min()), float(x.max())
    if low >= 0 and high <= 255 and not (x.dtype.kind == "f" and high <= 1):
        return _noted(Scale(), x, "0..255")
    if low >= 0 and high <= 1:
        return _noted(Scale(factor=255.0), x, "0..1")
    factor = 255.0 / (high - low) if high > low else 1.0
    note = f"pixel values {low:.6g} to {high:.6g} (lowest and highest of the training images) were scaled to 0..255"
    return Scale(low, factor, note=note)


def _noted(scale: Scale, x: NDArray[Any], span: str) -> Scale:
    if x.dtype.kind != "f" or not scale.rounds(x):
        return scale
    note = f"pixel values in {span} were rounded to 256 levels"
    return Scale(scale.low, scale.factor, exact=False, note=note)


def range_note(train: NDArray[Any], test: NDArray[Any]) -> tuple[str, ...]:
    """A warning when training and test images lie in clearly different ranges."""
    if not train.size or not test.size or "b" in (train.dtype.kind, test.dtype.kind):
        return ()
    ours, theirs = (float(train.min()), float(train.max())), (float(test.min()), float(test.max()))
    span = max(ours[1] - ours[0], 1e-12)
    outside = max(ours[0] - theirs[0], theirs[1] - ours[1])
    if outside > 0.5 * span or (theirs[1] - theirs[0]) < span / 20:
        return (
            f"warning: the test images lie in {theirs[0]:.6g} to {theirs[1]:.6g}, the training images in {ours[0]:.6g} "
            f"to {ours[1]:.6g}: check that both were scaled alike",
        )
    return ()
