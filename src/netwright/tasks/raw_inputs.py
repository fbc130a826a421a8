"""How raw pictures and vectors become a task's inputs, for the export: see `netwright.core.preparation`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netwright.core.portable_code import text_of
from netwright.core.preparation import Preparation
from netwright.tasks.portable import arrays, images, masked, pictures, tiles, vectors

IMAGE_ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"),
    *(".pbm", ".pnm", ".avif", ".jp2"),
)
MOST_PATHS = 1000
_MOST_KEPT = 4 << 20  # bytes of raw test examples
_KINDS = {1: "grey", 3: "RGB"}


class Own(Protocol):
    """The first test examples as their user has them."""

    def files(self, count: int, folder: Path) -> Sequence[Path]: ...


@dataclass(frozen=True)
class OwnPaths:
    """Test examples that are files of the user's."""

    paths: tuple[Path, ...]

    def files(self, count: int, folder: Path) -> Sequence[Path]:
        return self.paths[:count]


@dataclass(frozen=True, eq=False)
class OwnBytes:
    """The first test examples as the bytes of files."""

    contents: tuple[bytes, ...]
    ending: str

    def files(self, count: int, folder: Path) -> Sequence[Path]:
        paths = [folder / f"test_{i:04}{self.ending}" for i in range(min(count, len(self.contents)))]
        for path, content in zip(paths, self.contents, strict=False):
            path.write_bytes(content)
        return paths


@dataclass(frozen=True, eq=False)
class OwnArray:
    """The first test examples as the array that they came in."""

    examples: NDArray[Any]

    def files(self, count: int, folder: Path) -> Sequence[Path]:
        path = folder / "test.npy"
        np.save(path, self.examples[:count], allow_pickle=False)
        return [path]


def own_array(raw: NDArray[Any], places: NDArray[np.int64] | None = None) -> OwnArray:
    """The first of some raw test examples, or of those at some places: a few megabytes of them."""
    each = max(1, raw[:1].nbytes)
    count = max(1, _MOST_KEPT // each)
    return OwnArray(raw[:count].copy() if places is None else raw[places[:count]])


@dataclass(frozen=True, eq=False)
class Pictures(Preparation):
    """Image files, and arrays of pictures.

    shape: (channels, height, width).
    layout: of four axes of arrays, "channels-first" or "channels-last".
    scale: of arrays that are not uint8, see `portable.images.scaled`.
    deep_scale: of image files of more than 8 bits.
    eight_bits: whether uint8 pictures are taken as they are, and image files therefore too.
    background: the grey value under transparent parts.
    own: the first test examples.
    """

    shape: tuple[int, int, int]
    own: Own
    layout: str = "channels-first"
    scale: tuple[float, ...] | None = None
    deep_scale: tuple[float, ...] | None = None
    eight_bits: bool = True
    background: int = 255

    def describe(self) -> str:
        channels, height, width = self.shape
        return f"{_KINDS.get(channels, f'{channels}-channel')} images of {height}x{width} pixels"

    def constants(self) -> Mapping[str, Any]:
        return {
            "INPUT_SHAPE": self.shape,
            "LAYOUT": self.layout,
            "SCALE": self.scale,
            "DEEP_SCALE": self.deep_scale,
            "EIGHT_BITS": self.eight_bits,
            "BACKGROUND": self.background,
        }

    def code(self) -> str:
        files = IMAGE_ENDINGS if self.eight_bits and self.shape[0] in _KINDS else ()
        return f"{text_of(arrays, images, pictures)}\nENDINGS = {(*files, *arrays.ARRAY_ENDINGS)!r}\n"

    def own_files(self, count: int, folder: Path) -> Sequence[Path]:
        return self.own.files(count, folder)

    def looks(self, places: Sequence[int]) -> Sequence[Mapping[str, Any]]:
        paths = self.own.paths if isinstance(self.own, OwnPaths) else ()
        return [{"file": str(paths[each])} if each < len(paths) else {} for each in places]


@dataclass(frozen=True, eq=False)
class MaskedPictures(Preparation):
    """Image files of any size, which are cut into tiles.

    shape: (channels, height, width) of a tile.
    own: the first test images.
    sizes: height and width of each of these.
    margin: pixels at a tile's sides for which a neighbour answers.
    layout: of four axes of arrays, "channels-first" or "channels-last".
    scale: of arrays that are not uint8, see `portable.images.scaled`.
    deep_scale: of image files of more than 8 bits.
    eight_bits: whether uint8 pictures are taken as they are, and image files therefore too.
    """

    shape: tuple[int, int, int]
    own: Own
    sizes: tuple[tuple[int, int], ...]
    margin: int
    layout: str = "channels-first"
    scale: tuple[float, ...] | None = None
    deep_scale: tuple[float, ...] | None = None
    eight_bits: bool = True

    def describe(self) -> str:
        return f"{_KINDS.get(self.shape[0], f'{self.shape[0]}-channel')} images"

    def constants(self) -> Mapping[str, Any]:
        return {
            "TILE": self.shape[1:],
            "MARGIN": self.margin,
            "LAYOUT": self.layout,
            "SCALE": self.scale,
            "DEEP_SCALE": self.deep_scale,
            "EIGHT_BITS": self.eight_bits,
            "BACKGROUND": 255,
        }

    def code(self) -> str:
        files = IMAGE_ENDINGS if self.eight_bits and self.shape[0] in _KINDS else ()
        text = text_of(arrays, images, tiles, masked)
        return f"{text}\nENDINGS = {(*files, *arrays.ARRAY_ENDINGS)!r}\n"

    def own_files(self, count: int, folder: Path) -> Sequence[Path]:
        """Those of whose tiles all are among the first so many."""
        return self.own.files(len(self._whole(count)), folder)

    def looks(self, places: Sequence[int]) -> Sequence[Mapping[str, Any]]:
        return [{"file": each} if each else {} for each in map(self._tile, places)]

    def _tile(self, place: int) -> str:
        """The file that a tile is of and, where that has several, which part; nothing of arrays and later images."""
        paths, images = self.own.paths if isinstance(self.own, OwnPaths) else (), self._whole()
        number = next((i for i, (start, stop, _) in enumerate(images) if start <= place < stop), len(paths))
        if number >= len(paths):
            return ""
        start, stop, size = images[number]
        if stop - start == 1:
            return str(paths[number])
        down, across = list(tiles.places(*size, self.shape[1:], self.margin))[place - start]
        return f"{paths[number].name}, from {across[0]} across, {down[0]} down"

    def stood_for(self, inputs: Any) -> Any:
        return [
            tiles.put_together(inputs[start:stop], *size, self.shape[1:], self.margin)
            for start, stop, size in self._whole(len(inputs))
        ]

    def _whole(self, count: int | None = None) -> list[tuple[int, int, tuple[int, int]]]:
        """Where the tiles of each image begin and end, and its size, as far as all are among the first tiles."""
        found: list[tuple[int, int, tuple[int, int]]] = []
        start = 0
        for size in self.sizes:
            stop = start + len(list(tiles.places(*size, self.shape[1:], self.margin)))
            if count is not None and stop > count:
                break
            found.append((start, stop, size))
            start = stop
        return found


@dataclass(frozen=True, eq=False)
class Vectors(Preparation):
    """Arrays of vectors.

    offsets: what is subtracted from each column.
    medians: what fills a gap, None to refuse it.
    """

    features: int
    own: Own
    offsets: tuple[float, ...] | None = None
    medians: tuple[float, ...] | None = None

    def describe(self) -> str:
        return f"vectors of {self.features} features"

    def constants(self) -> Mapping[str, Any]:
        return {"INPUT_SHAPE": (self.features,), "OFFSETS": self.offsets, "MEDIANS": self.medians}

    def code(self) -> str:
        return f"{text_of(arrays, vectors)}\nENDINGS = {arrays.ARRAY_ENDINGS!r}\n"

    def own_files(self, count: int, folder: Path) -> Sequence[Path]:
        return self.own.files(count, folder)
