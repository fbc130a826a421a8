"""Pictures as uint8 (channels, height, width): from image files, and from arrays of any layout and range of values."""

from __future__ import annotations

import os
import sys
from typing import Any

import torch
from torch import Tensor

# Given by the exported file; what is here only says what they are.
SCALE: tuple[float, ...] | None = None  # of arrays that are not uint8
DEEP_SCALE: tuple[float, ...] | None = None  # of image files of more than 8 bits
EIGHT_BITS: bool = True  # whether uint8 pictures are taken as they are

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM", "AVIF", "JPEG2000")
MOST_PIXELS = 64_000_000  # one image; a small file can claim any size and would fill the memory
DEEP_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
SIXTEEN_BITS = (0.0, 255 / 65535)
OTHER_BYTE = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
EXIF = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}
_CHUNK = 1 << 22


def scaled(values: Tensor, scale: tuple[float, ...]) -> Tensor:
    """Values as uint8: round((value - low) * factor) within 0..255 for a scale (low, factor).

    For a scale (low, factor, centre, width) of values with far outliers, each becomes arcsinh((value - centre) / width)
    first, which is close to linear within the width and to the logarithm beyond it (Lupton et al. 1999).
    """
    if values.dtype == torch.uint8 and scale == (0.0, 1.0):
        return values
    out = torch.empty(values.shape, dtype=torch.uint8)
    step = max(1, _CHUNK // max(1, values[0].numel())) if len(values) else 1
    for start in range(0, len(values), step):
        out[start : start + step] = _scaled(values[start : start + step].to(torch.float64), scale)
    return out


def _scaled(values: Tensor, scale: tuple[float, ...]) -> Tensor:
    if len(scale) == 4:
        values = ((values - scale[2]) / scale[3]).arcsinh()
    return ((values - scale[0]) * scale[1]).round().clamp(0, 255)


def moved(x: Tensor, layout: str) -> Tensor:
    """A view of pictures (n, height, width), or of four axes in a layout such as "channels-last", channels first."""
    if x.ndim == 3:
        return x[:, None]
    return x.movedim(3, 1) if layout == "channels-last" else x


def opened(source: Any) -> Any:
    """An image file or stream, opened by Pillow and not decoded (or a copy of a Pillow image); raises ValueError."""
    if hasattr(source, "getexif"):
        return source.copy()
    try:
        from PIL import Image
    except ImportError:
        raise ValueError("image files are read by Pillow, which is not installed: pip install pillow") from None
    try:
        image = Image.open(source, formats=FORMATS)
    except Image.DecompressionBombError:
        raise ValueError(f"claims more than {MOST_PIXELS:,} pixels") from None
    except Exception as problem:
        raise ValueError(_unreadable(source, problem)) from None
    if image.width * image.height > MOST_PIXELS:
        image.close()
        raise ValueError(f"claims {image.width}x{image.height} pixels, more than {MOST_PIXELS:,}")
    return image


def _unreadable(source: Any, problem: Exception) -> str:
    if isinstance(source, str | os.PathLike) and os.path.exists(source) and os.path.getsize(source) == 0:
        return "is empty (0 bytes)"
    if "cannot identify" in str(problem) or isinstance(problem, KeyError):  # a format that this Pillow lacks
        return "is no image that can be read"
    return f"cannot be read ({_short(problem)})"


def picture(source: Any, shape: tuple[int, int, int], background: int, scale: tuple[float, ...] | None) -> Tensor:
    """The first frame of an image file as uint8 of a shape (channels, height, width); raises ValueError.

    It is turned upright, transparent parts are laid on the background (a grey value), and it is resized to cover the
    shape and cropped around its centre.

    scale: for pixels of more than 8 bits; the whole range of 16 bits where None.
    """
    import numpy

    with opened(source) as image:
        if is_deep(image):
            values = _deep(source, image, shape, background)
            return scaled(values, scale or _range_of(image))
        plain = _fitted(_flat(_decoded(image, shape), shape[0], background), shape)
        pixels = numpy.array(plain)
    return torch.from_numpy(pixels[None] if shape[0] == 1 else pixels.transpose(2, 0, 1))


def intensities(source: Any, shape: tuple[int, int, int], background: int) -> Tensor:
    """The values of an image file of more than 8 bits before they are scaled: float32, prepared as by `picture`."""
    with opened(source) as image:
        return _deep(source, image, shape, background)


def is_deep(image: Any) -> bool:
    """Whether an opened image has pixels of more than 8 bits a channel."""
    return image.mode in DEEP_MODES or _other_byte(image) is not None


def _range_of(image: Any) -> tuple[float, ...]:
    if image.mode in ("I", "F"):
        raise ValueError("has pixels of 32 bits; those of the training images had fewer")
    return SIXTEEN_BITS


def _decoded(image: Any, shape: tuple[int, int, int]) -> Any:
    """Decoded and upright; a JPEG at about twice the size that is needed, for the resize to average."""
    try:
        turn = _turn(image)
        if image.format in ("JPEG", "MPO"):
            height, width = (shape[2], shape[1]) if turn >= 5 else shape[1:]
            part = min(1.0, 2 * max(height / image.height, width / image.width))
            image.draft(None, (max(1, round(image.width * part)), max(1, round(image.height * part))))
        image.load()
        return _upright(image, _turn(image))
    except Exception as problem:
        raise ValueError(f"cannot be decoded ({_short(problem)})") from None


def orientation(image: Any) -> int:
    """The EXIF orientation 1..8, 1 where there is none or it cannot be read."""
    if image.format not in ("JPEG", "MPO", "TIFF") and not EXIF & set(image.info):
        return 1  # a PNG would be decoded in search of it
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:
        return 1


def upright_size(image: Any) -> tuple[int, int]:
    """Height and width of an opened image once it is turned upright."""
    height, width = image.height, image.width
    if orientation(image) >= 5:
        return (image.tag_v2[256], image.tag_v2[257]) if image.format == "TIFF" else (width, height)
    return height, width


def _turn(image: Any) -> int:
    return 1 if image.format == "TIFF" else orientation(image)  # Pillow turns a TIFF while it decodes it


def _upright(image: Any, turn: int) -> Any:
    return image.transpose((None, None, 0, 3, 1, 5, 4, 6, 2)[turn]) if 2 <= turn <= 8 else image


def _flat(image: Any, channels: int, background: int) -> Any:
    """8 bits a channel, grey or RGB, without transparency."""
    from PIL import Image

    mode = "L" if channels == 1 else "RGB"
    if image.mode == mode and "transparency" not in image.info:
        return image
    try:
        if image.has_transparency_data:
            over = image.convert("RGBA")
            if over.getextrema()[3] != (255, 255):
                image = Image.new("RGBA", over.size, (background, background, background, 255))
                image.alpha_composite(over)
        return image.convert(mode)
    except Exception as problem:
        raise ValueError(f"has colours of the kind {image.mode}, which are not read ({_short(problem)})") from None


def _fitted(image: Any, shape: tuple[int, int, int]) -> Any:
    from PIL import Image, ImageOps

    if (image.height, image.width) == tuple(shape[1:]):
        return image
    return ImageOps.fit(image, (shape[2], shape[1]), Image.Resampling.BILINEAR)


def _deep(source: Any, image: Any, shape: tuple[int, int, int], background: int) -> Tensor:
    from PIL import Image

    planes = _planes(source, image)
    turn = _turn(image)
    if len(planes) == 4:
        part = planes.pop() / 65535
        planes = [plane * part + background * 257 * (1 - part) for plane in planes]
    if shape[0] == 1 and len(planes) == 3:
        planes = [0.299 * planes[0] + 0.587 * planes[1] + 0.114 * planes[2]]
    fitted = [_plane(_fitted(_upright(Image.fromarray(plane), turn), shape)) for plane in planes]
    return torch.stack(fitted * (shape[0] // len(fitted)))


def _plane(plane: Any) -> Tensor:
    import numpy

    return torch.from_numpy(numpy.array(plane, dtype=numpy.float32))


def _planes(source: Any, image: Any) -> list[Any]:
    """The channels of a deep image as float32 arrays. Of 16-bit colours Pillow gives one byte, asked for both."""
    import numpy

    other = _other_byte(image)
    try:
        if other is None:
            values = numpy.array(image, dtype=numpy.float32)[..., None]
        else:
            high = numpy.array(image, dtype=numpy.float32)
            values = high * 256 + _reread(source, other)
    except Exception as problem:
        raise ValueError(f"cannot be decoded ({_short(problem)})") from None
    if not numpy.isfinite(values).all():
        raise ValueError("holds pixels that are NaN or infinite")
    return [numpy.ascontiguousarray(values[..., i]) for i in range(values.shape[-1])]


def _reread(source: Any, mode: str) -> Any:
    import numpy

    if hasattr(source, "seek"):
        source.seek(0)
    with opened(source) as image:
        image.tile = [each._replace(args=_with_mode(each.args, mode)) for each in image.tile]
        return numpy.array(image, dtype=numpy.float32)


def _with_mode(arguments: Any, mode: str) -> Any:
    return mode if isinstance(arguments, str) else (mode, *arguments[1:])


def _other_byte(image: Any) -> str | None:
    """The raw mode that gives the lower byte of an image of 16-bit colours; None for any other image."""
    if image.mode not in ("RGB", "RGBA") or not getattr(image, "tile", None):
        return None
    arguments = image.tile[0][3]
    mode, _, depth = str(arguments if isinstance(arguments, str) else arguments[0]).partition(";")
    return f"{mode};{OTHER_BYTE[depth]}" if mode in ("RGB", "RGBA") and depth in OTHER_BYTE else None


def _short(problem: BaseException) -> str:
    return str(problem).split("\n")[0][:120] or type(problem).__name__


def scale_for(x: Tensor) -> tuple[float, ...]:
    """How these values become 0..255, as `scaled` takes it; raises ValueError for values of another kind."""
    if x.dtype == torch.uint8 and EIGHT_BITS:
        return 0.0, 1.0
    if x.is_floating_point() and not bool(torch.isfinite(x).all()):
        raise ValueError("holds pixels that are NaN or infinite")
    scale = SCALE or DEEP_SCALE or (0.0, 1.0)
    if scale == (0.0, 1.0) and x.is_floating_point() and len(x):
        low, high = x.min(), x.max()
        if low >= 0 and high <= 1 and bool((x != x.round()).any()):
            raise ValueError("holds fractions 0..1; the training images held 0 to 255: multiply by 255")
    if SCALE is None and DEEP_SCALE is None and len(x) and x.to(torch.float64).max() > 255:
        raise ValueError(f"holds {x.dtype} values up to {x.to(torch.float64).max():g}; expected 0 to 255")
    return scale
