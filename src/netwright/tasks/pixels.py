"""The layout and the range of values of arrays of pictures: what is decided over a data set, and said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError
from netwright.core.spelling import option

LAYOUTS = ("auto", "channels-first", "channels-last")
AS_THEY_ARE, FRACTIONS = (0.0, 1.0), (0.0, 255.0)  # scales as `portable.images.scaled` takes them
_MOST_CHANNELS = 4
_CHUNK = 4096
_LOOKED_AT = 1_000_000  # values from which the usual range is told
_FEW = 0.01  # of the pictures, or of the places in them: so few may be left out of the range
_LEAST_LEVELS = 1 / 8  # of the range for 98 % of the values; else they are spread by arcsinh


def layout_of(shape: tuple[int, ...], layout: str = "auto") -> tuple[str, tuple[str, ...]]:
    """ "channels-first" or "channels-last" for arrays of a shape, and what was decided.

    shape: (n, height, width), (n, channels, height, width), or channels-last where only that reading makes sense.

    Raises DataError where both readings of four axes are equally likely.
    """
    if layout not in LAYOUTS:
        raise UserError(f"{option('layout')} must be one of {', '.join(LAYOUTS)}, found {layout!r}")
    if len(shape) == 3:
        return "channels-first", (f"read as images of one channel, {shape[1]}x{shape[2]} pixels",)
    if layout == "channels-last" or (layout == "auto" and _last(shape)):
        return "channels-last", ("channels-last input: moved the channel axis first",)
    return "channels-first", ()


def _last(shape: tuple[int, ...]) -> bool:
    _, first, middle, last = shape
    if first <= _MOST_CHANNELS:
        return False
    if last <= _MOST_CHANNELS:
        return True
    if first == middle != last:
        raise DataError(
            f"images of shape {shape} could have {first} channels first or {last} channels last; say "
            f"{option('layout', 'channels-first')} or {option('layout', 'channels-last')} "
            "(numpy: x.transpose(0, 3, 1, 2); torch: x.permute(0, 3, 1, 2))"
        )
    return False


@dataclass(frozen=True)
class Range:
    """Lowest and highest value of pictures, but for far outliers in few of them.

    spread: centre and width of the bulk, where outliers in many pictures would leave it hardly any levels.
    """

    low: float
    high: float
    spread: tuple[float, float] | None = None
    note: str = ""


def range_of(x: NDArray[Any]) -> Range:
    """The range that the values of pictures (n, ...) span. One hot pixel does not set it: see `Range`."""
    low, high = float(x.min()), float(x.max())
    if x.dtype.kind == "b" or (low >= 0 and high <= (1 if x.dtype.kind == "f" else 255)):
        return Range(low, high)
    sample = _sample(x)
    least, most = _usual(sample)
    if low >= least and high <= most:
        return Range(low, high)
    found = _without_outliers(x, sample, (low, high), (least, most))
    return Range(low, high) if low >= 0 and high <= 255 and found.high > 1 else found


def _sample(x: NDArray[Any]) -> NDArray[np.float64]:
    step = max(1, x.size // _LOOKED_AT) | 1  # odd, so that it meets every column of pictures
    values = x.reshape(-1)[::step] if x.flags.c_contiguous else x[::step].reshape(-1)
    return values.astype(np.float64)


def _usual(sample: NDArray[np.float64]) -> tuple[float, float]:
    """Where values are no outliers: the middle 98 %, and as much again on either side."""
    first, last = np.percentile(sample, (1, 99))
    if first == last:  # nearly all values are equal: the others tell
        others = sample[sample != first]
        if not len(others):
            return -np.inf, np.inf
        first, last = min(first, np.percentile(others, 1)), max(last, np.percentile(others, 99))
    return first - (last - first), last + (last - first)


def _without_outliers(
    x: NDArray[Any], sample: NDArray[np.float64], whole: tuple[float, float], usual: tuple[float, float]
) -> Range:
    pictures, places = np.zeros(len(x), dtype=bool), np.zeros(x.shape[1:], dtype=bool)
    low, high, count = np.inf, -np.inf, 0
    for start in range(0, len(x), _CHUNK):
        part = x[start : start + _CHUNK]
        outside = (part < usual[0]) | (part > usual[1])
        count += int(outside.sum())
        pictures[start : start + _CHUNK] = outside.reshape(len(part), -1).any(axis=1)
        places |= outside.any(axis=0)
        inside = part[~outside]
        if inside.size:
            low, high = min(low, float(inside.min())), max(high, float(inside.max()))
    affected = int(pictures.sum())
    if affected <= max(1, _FEW * len(x)) or places.sum() <= max(1, _FEW * places.size):
        extreme = whole[1] if whole[1] > usual[1] else whole[0]
        note = (
            f"{count:,} pixel values in {affected:,} of {len(x):,} images lie far outside the others (such as "
            f"{extreme:.6g}, the first in image {int(pictures.argmax())}) and were clipped to {low:.6g} to {high:.6g}"
        )
        return Range(low, high, note=note)
    return _spread(sample, whole)


def _spread(sample: NDArray[np.float64], whole: tuple[float, float]) -> Range:
    first, last = np.percentile(sample, (1, 99))
    if last - first > _LEAST_LEVELS * (whole[1] - whole[0]):
        return Range(*whole)
    if first == last:
        sample = sample[sample != first]
    lower, centre, upper = np.percentile(sample, (16, 50, 84))
    width = float(upper - lower) / 2
    return Range(*whole, spread=(float(centre), width)) if width > 0 else Range(*whole)


@dataclass(frozen=True)
class Scale:
    """How values become 0..255, as `portable.images.scaled` takes it, and what is said of it."""

    values: tuple[float, ...] = AS_THEY_ARE
    notes: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the values were 0..255 or 0..1, so that uint8 pictures need no scale."""
        return self.values in (AS_THEY_ARE, FRACTIONS)


def scale_of(x: NDArray[Any], found: Range) -> Scale:
    """The scale that training images ask for: none for 0..255, times 255 for floats in 0..1, else lowest to highest."""
    if x.dtype == np.uint8:
        return Scale()
    if x.dtype.kind == "b":
        return Scale(FRACTIONS, ("true and false pixels were stored as 255 and 0",))
    notes = (found.note,) if found.note else ()
    low, high = found.low, found.high
    if low >= 0 and high <= 1 and x.dtype.kind == "f":
        return _noted(FRACTIONS, x, "0..1", notes)
    if low >= 0 and high <= 255:
        return _noted(AS_THEY_ARE, x, "0..255", notes)
    if found.spread is not None:
        return _by_arcsinh(found)
    note = f"pixel values {low:.6g} to {high:.6g} ({_WHAT}) were scaled to 0..255"
    return Scale((low, 255.0 / (high - low) if high > low else 1.0), (*notes, note))


_WHAT = "lowest and highest of the training images"


def _by_arcsinh(found: Range) -> Scale:
    assert found.spread is not None
    centre, width = found.spread
    low, high = (float(np.arcsinh((each - centre) / width)) for each in (found.low, found.high))
    note = (
        f"pixel values {found.low:.6g} to {found.high:.6g} ({_WHAT}) have outliers in many images and were scaled "
        f"to 0..255 by arcsinh((value - {centre:.6g}) / {width:.6g})"
    )
    return Scale((low, 255.0 / (high - low), centre, width), (note,))


def _noted(values: tuple[float, float], x: NDArray[Any], span: str, notes: tuple[str, ...]) -> Scale:
    if x.dtype.kind == "f" and _rounds(x, values):
        notes += (f"pixel values in {span} were rounded to 256 levels",)
    return Scale(values, notes)


def _rounds(x: NDArray[Any], scale: tuple[float, float]) -> bool:
    """Whether some value of x is not a whole pixel value, so that rounding moves it."""
    tolerance = 1e-3  # float16's eleven bits hold each of the 256 levels of 0..1 to 0.0625, float32's to 1e-5
    if x.dtype == np.float16:
        tolerance = 0.07
    for start in range(0, len(x), _CHUNK):
        value = (x[start : start + _CHUNK].astype(np.float64) - scale[0]) * scale[1]
        if bool((np.abs(value - np.round(value)) > tolerance).any()):
            return True
    return False


def range_note(train: Range, test: Range, kinds: str) -> tuple[str, ...]:
    """A warning when training and test images lie in clearly different ranges.

    kinds: of both number types.
    """
    if "b" in kinds:
        return ()
    span = max(train.high - train.low, 1e-12)
    outside = max(train.low - test.low, test.high - train.high)
    if outside > 0.5 * span or (test.high - test.low) < span / 20:
        return (
            f"warning: the test images lie in {test.low:.6g} to {test.high:.6g}, the training images in "
            f"{train.low:.6g} to {train.high:.6g}: check that both were scaled alike",
        )
    return ()
