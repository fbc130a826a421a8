"""Image files as arrays, by Pillow: many at once, and none that is damaged goes unnoticed."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError

MOST_PIXELS = 64_000_000  # one image; a small file can claim any size and would fill the memory
MODES = {"1": 1, "L": 1, "LA": 1, "P": 3, "RGB": 3, "RGBA": 3, "PA": 3}  # accepted Pillow modes and their channels
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
_SMALL = 128 * 128
_SHOWN = 5

A = TypeVar("A")
B = TypeVar("B")


class BadFiles(DataError):
    """Some image files cannot be used; `files` lists each with the reason."""

    def __init__(self, message: str, files: Sequence[tuple[str, str]]) -> None:
        super().__init__(message)
        self.files = tuple(files)


class BadImage(Exception):
    """One image that cannot be used; the text says why. Caught in here."""


def check_bad(bad: Sequence[tuple[str, str]], total: int, skip_bad: bool) -> tuple[str, ...]:
    """Nothing, a note on skipped files, or BadFiles: raised without `skip_bad`, and above 1 % of the files with it."""
    if not bad:
        return ()
    listed = "; ".join(f"{name}: {reason}" for name, reason in bad[:_SHOWN])
    listed += f"; and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
    allowed = max(1, total // 100)
    if not skip_bad:
        message = (
            f"{len(bad):,} of {total:,} images cannot be used: {listed}. --skip-bad (skip_bad=True) leaves them out"
        )
        raise BadFiles(message, bad)
    if len(bad) > allowed:
        message = (
            f"{len(bad):,} of {total:,} images cannot be used, and at most {allowed:,} (1 %) may be skipped: {listed}. "
            "Repair or remove them"
        )
        raise BadFiles(message, bad)
    return (f"{len(bad):,} of {total:,} images cannot be used and were skipped: {listed}",)


def header(source: Any) -> tuple[int, int, int]:
    """(channels, height, width) of an image file or stream, without decoding it; raises BadImage."""
    with _opened(source) as image:
        height, width = image.height, image.width
        if _is_turned(image):
            height, width = width, height
        return MODES[image.mode], height, width


def decode(source: Any, channels: int, size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """One image as (channels, height, width), upright, resized to cover `size` and cropped around its centre.

    Raises BadImage.
    """
    from PIL import Image, ImageOps

    with _opened(source) as image:
        try:
            if size is not None and image.format == "JPEG":
                image.draft(None, _covering(image.size, size))
            upright = ImageOps.exif_transpose(image)
            plain = upright.convert("L" if channels == 1 else "RGB")
        except Exception as problem:
            raise BadImage(f"cannot be decoded ({_short(problem)})") from None
    if size is not None and (plain.height, plain.width) != size:
        plain = ImageOps.fit(plain, (size[1], size[0]), Image.Resampling.BILINEAR)
    pixels = np.asarray(plain)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def decode_jpeg(data: bytes, channels: int, size: tuple[int, int]) -> bytes | NDArray[np.uint8]:
    """A JPEG of exactly this size as channels-last bytes, or as `decode` gives it; raises BadImage.

    Going past Pillow's file layer takes about half the time for a small image.
    """
    from PIL import Image

    if not data:
        raise BadImage("is empty")
    if _jpeg_shape(data) != (channels, *size):
        return _of_size(decode(io.BytesIO(data), channels, None), size)
    mode = "L" if channels == 1 else "RGB"
    try:
        return Image.frombytes(mode, (size[1], size[0]), data, "jpeg", mode, "").tobytes()
    except (ValueError, OSError) as problem:
        raise BadImage(f"cannot be decoded ({_short(problem)})") from None


def _of_size(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if pixels.shape[1:] != size:
        raise BadImage(f"is {pixels.shape[2]}x{pixels.shape[1]} pixels, the others {size[1]}x{size[0]}")
    return pixels


def each(function: Callable[[A], B], items: Sequence[A], threads: int) -> list[B | BadImage]:
    """`function` of every item, in order; BadImage is returned in the place of what raised it."""

    def chunk(part: Sequence[A]) -> list[B | BadImage]:
        return [_kept(function, item) for item in part]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of damage that it repairs, and of sizes that are checked here
        if threads == 1:
            return chunk(items)
        parts = [items[start : start + 32] for start in range(0, len(items), 32)]
        with ThreadPoolExecutor(threads) as pool:
            return [result for part in pool.map(chunk, parts) for result in part]


def threads_for(pixels: int) -> int:
    """How many threads decode images of so many pixels: Pillow frees the interpreter only while it decodes.

    Below 128x128 the rest of the work dominates, and one thread measured faster than two.
    """
    return 1 if pixels <= _SMALL else min(32, os.cpu_count() or 1)


def joined(
    images: Iterable[NDArray[np.uint8] | BadImage], shape: tuple[int, int, int], count: int
) -> NDArray[np.uint8]:
    """The good images in one array (count, channels, height, width)."""
    out = np.empty((count, *shape), dtype=np.uint8)
    place = 0
    for image in images:
        if not isinstance(image, BadImage):
            out[place] = image
            place += 1
    return out


def _is_turned(image: Any) -> bool:
    """Whether the file says to turn the image by a quarter; without decoding, as a PNG would without that entry."""
    if image.format not in ("JPEG", "TIFF", "WEBP") and "exif" not in image.info:
        return False
    try:
        return image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    except Exception as problem:
        raise BadImage(f"cannot be read ({_short(problem)})") from None


def _kept(function: Callable[[A], B], item: A) -> B | BadImage:
    try:
        return function(item)
    except BadImage as bad:
        return bad


def _opened(source: Any) -> Any:
    from PIL import Image

    try:
        image = Image.open(source, formats=FORMATS)
    except Image.DecompressionBombError:
        raise BadImage(f"claims more than {MOST_PIXELS:,} pixels") from None
    except Exception as problem:
        raise BadImage(_reason(source, problem)) from None
    fault = ""
    if image.width * image.height > MOST_PIXELS:
        fault = f"claims {image.width}x{image.height} pixels, more than {MOST_PIXELS:,}"
    elif image.mode not in MODES:
        kind = {"CMYK": "a CMYK image", "I": "a 32-bit image", "F": "a floating-point image"}
        fault = f"is {kind.get(image.mode, 'a 16-bit image' if '16' in image.mode else f'of mode {image.mode}')}; "
        fault += "expected 8-bit grey or RGB"
    if fault:
        image.close()
        raise BadImage(fault)
    return image


def _reason(source: Any, problem: Exception) -> str:
    if isinstance(source, str | os.PathLike):
        try:
            if os.path.getsize(source) == 0:
                return "is empty (0 bytes)"
        except OSError:
            return f"cannot be read ({_short(problem)})"
    return (
        "is no image that can be read" if "cannot identify" in str(problem) else f"cannot be read ({_short(problem)})"
    )


def _covering(have: tuple[int, int], want: tuple[int, int]) -> tuple[int, int]:
    """The (width, height) to decode a JPEG at: at least twice what is wanted, for the resize to average."""
    scale = min(1.0, 2 * max(want[1] / have[0], want[0] / have[1]))
    return max(1, round(have[0] * scale)), max(1, round(have[1] * scale))


def _jpeg_shape(data: bytes) -> tuple[int, int, int] | None:
    """(channels, height, width) from the frame header of a plain 8-bit JPEG; None for anything else."""
    place = 2
    while place + 9 < len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if 0xC0 <= marker <= 0xC2 and data[place + 4] == 8 and data[place + 9] in (1, 3):
            return data[place + 9], data[place + 5] << 8 | data[place + 6], data[place + 7] << 8 | data[place + 8]
        place += 2 + (data[place + 2] << 8 | data[place + 3])
    return None


def _short(problem: BaseException) -> str:
    return str(problem).split("\n")[0][:120] or type(problem).__name__
