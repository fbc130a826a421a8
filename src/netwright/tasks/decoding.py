"""Image files as arrays: many at once, and none that is damaged goes unnoticed."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from netwright.core import blocks
from netwright.core.errors import DataError, UserError
from netwright.core.spelling import option
from netwright.core.wording import listed
from netwright.tasks.portable import images

_GREY = {"1", "L", "LA", "La", *images.DEEP_MODES}
_KINDS = {"CMYK": "CMYK", "P": "palette", "PA": "palette", "1": "black and white", "I": "32-bit", "F": "32-bit"}
_SMALL = 128 * 128
_SHOWN = 5
_SHARE = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*(%?)\s*")

JPEGS = (".jpg", ".jpeg")
FIRST_BYTES = 4096  # of a file, which hold the frame header of most JPEGs

Shape = tuple[int, int, int]
A = TypeVar("A")
B = TypeVar("B")


class BadFiles(DataError):
    """Some image files cannot be used; `files` lists each with the reason."""

    def __init__(self, message: str, files: Sequence[tuple[str, str]]) -> None:
        super().__init__(message)
        self.files = tuple(files)


class BadImage(ValueError):
    """One image that cannot be used; the text says why. Caught in here."""


class Header(NamedTuple):
    """What an image file says of itself.

    kinds: what is special: "16-bit", "CMYK", "alpha", "animated", ...
    """

    channels: int
    height: int
    width: int
    kinds: frozenset[str]


def may_skip(skip_bad: bool | int | float | str, total: int) -> int:
    """How many of so many images may be left out: none, 1 % for True (at least one), a number, or a share (0.03, "3%").

    Raises UserError for anything else.
    """
    if isinstance(skip_bad, bool):
        return max(1, total // 100) if skip_bad else 0
    found = _SHARE.fullmatch(str(skip_bad))
    amount = float(found[1]) if found else -1.0
    is_share = found is not None and (found[2] == "%" or amount < 1)
    if found is None or (is_share and amount > 100) or (not is_share and amount != int(amount)):
        raise UserError(f"{option('skip_bad')} is a number of images (5) or a share of them (3%), found {skip_bad!r}")
    if not is_share:
        return int(amount)
    return max(1, int(total * (amount / 100 if found[2] else amount) + 1e-9)) if amount else 0


def check_bad(bad: Sequence[tuple[str, str]], total: int, skip_bad: bool | int | float | str) -> tuple[str, ...]:
    """Nothing, a note on skipped images, or BadFiles: raised where there are more than `skip_bad` allows."""
    allowed = may_skip(skip_bad, total)
    if not bad:
        return ()
    reasons = listed([f"{shown(name)}: {reason}" for name, reason in bad], _SHOWN, "; ")
    which = f"{len(bad):,} of {total:,} images cannot be used"
    if len(bad) <= allowed:
        return (f"{which} and were skipped: {reasons}",)
    share = f"{np.ceil(1000 * len(bad) / total) / 10:g}%"
    if not allowed:
        flag = option("skip_bad", True if len(bad) <= may_skip(True, total) else share)
        raise BadFiles(f"{which}: {reasons}. {flag} leaves them out", bad)
    message = f"{which}, and at most {allowed:,} may be skipped: {reasons}. "
    raise BadFiles(f"{message}Repair or remove them, or {option('skip_bad', share)} leaves them out", bad)


def shown(name: str) -> str:
    """A file's name in one line that any terminal can print."""
    return name if name.isprintable() else name.encode("unicode_escape", "backslashreplace").decode()


def header(source: Any) -> Header:
    """What an image file or stream says of itself, upright and without decoding it; raises ValueError."""
    with images.opened(source) as image:
        return Header(1 if image.mode in _GREY else 3, *images.upright_size(image), _kinds_of(image))


def file_header(file: Path) -> Header:
    """`header` of a file; of a plain JPEG from its first bytes, without Pillow, which takes a third of the time."""
    if file.suffix.lower() in JPEGS:
        found = _jpeg_shape(_bytes(file, FIRST_BYTES))
        if found is not None and 0 < found[1] * found[2] <= images.MOST_PIXELS:
            return Header(*found, frozenset())
    return header(file)


def jpeg_file(file: Path, shape: Shape) -> NDArray[np.uint8]:
    """`decode_jpeg` of a file; raises ValueError."""
    data = _bytes(file)
    return decode_jpeg(data, shape) if data else images.picture(file, shape, 255, None).numpy()


def _bytes(file: Path, count: int = -1) -> bytes:
    """What a file holds, up to so many bytes; nothing where it cannot be read, which Pillow then says."""
    try:
        with file.open("rb") as stream:
            return stream.read(count)
    except OSError:
        return b""


def _kinds_of(image: Any) -> frozenset[str]:
    if image.format in ("JPEG", "MPO") and image.mode in ("L", "RGB"):
        return frozenset()
    kinds = {_KINDS[image.mode]} if image.mode in _KINDS else set()
    if images.is_deep(image) and "32-bit" not in kinds:
        kinds.add("16-bit")
    if image.has_transparency_data:
        kinds.add("alpha")
    if getattr(image, "is_animated", False):
        kinds.add("animated")
    return frozenset(kinds)


def decode_jpeg(data: bytes, shape: Shape) -> NDArray[np.uint8]:
    """A JPEG of exactly this shape as an array (channels, height, width); raises ValueError.

    Going past Pillow's file layer takes about half the time for a small image.
    """
    import io

    from PIL import Image

    if not data:
        raise BadImage("is empty")
    if _jpeg_shape(data) != shape:
        found = header(io.BytesIO(data))
        if (found.height, found.width) != shape[1:]:
            raise BadImage(f"is {found.width}x{found.height} pixels, the others {shape[2]}x{shape[1]}")
        return images.picture(io.BytesIO(data), shape, 255, None).numpy()
    mode = "L" if shape[0] == 1 else "RGB"
    try:
        pixels = Image.frombytes(mode, (shape[2], shape[1]), data, "jpeg", mode, "").tobytes()
    except (ValueError, OSError) as problem:
        raise BadImage(f"cannot be decoded ({str(problem)[:120]})") from None
    return np.frombuffer(pixels, np.uint8).reshape(shape[1], shape[2], shape[0]).transpose(2, 0, 1)


def each(function: Callable[[A], B], items: Sequence[A], threads: int) -> list[B | BadImage]:
    """`function` of every item, in order; BadImage is returned in the place of what raised it or a ValueError."""

    def chunk(part: Sequence[A]) -> list[B | BadImage]:
        return [_kept(function, item) for item in part]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of damage that it repairs, and of sizes that are checked here
        if threads == 1:
            return chunk(items)
        parts = [items[start : start + 32] for start in range(0, len(items), 32)]
        with ThreadPoolExecutor(threads) as pool:
            return [result for part in pool.map(chunk, parts) for result in part]


def decoded(
    function: Callable[[int], NDArray[np.uint8]], count: int, shape: Shape, threads: int
) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """The usable ones of the pictures that `function` gives for 0..count-1, in order, and why others are not.

    They lie in memory that worker processes can map.
    """
    out: NDArray[np.uint8] = blocks.empty((count, *shape), np.uint8)

    def one(index: int) -> None:
        out[index] = function(index)

    results = each(one, range(count), threads)
    bad = {i: str(result) for i, result in enumerate(results) if isinstance(result, BadImage)}
    good = [i for i in range(count) if i not in bad]
    if bad:
        for place, index in enumerate(good):
            out[place] = out[index]
    return out[: len(good)], bad


def threads_for(pixels: int) -> int:
    """How many threads decode images of so many pixels: Pillow frees the interpreter only while it decodes.

    Below 128x128 the rest of the work dominates, and one thread measured faster than two.
    """
    return 1 if pixels <= _SMALL else min(32, os.cpu_count() or 1)


def _kept(function: Callable[[A], B], item: A) -> B | BadImage:
    try:
        return function(item)
    except BadImage as bad:
        return bad
    except ValueError as problem:
        return BadImage(str(problem))


def _jpeg_shape(data: bytes) -> Shape | None:
    """(channels, height, width) from the frame header of a plain 8-bit JPEG; None for anything else."""
    place = 2
    while place + 9 < len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xE1:
            return None  # it may say to turn the picture
        if 0xC0 <= marker <= 0xC2 and data[place + 4] == 8 and data[place + 9] in (1, 3):
            return data[place + 9], data[place + 5] << 8 | data[place + 6], data[place + 7] << 8 | data[place + 8]
        place += 2 + (data[place + 2] << 8 | data[place + 3])
    return None
