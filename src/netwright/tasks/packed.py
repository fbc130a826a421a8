"""Many JPEG files in one .npz: `data` (all bytes joined), `offsets` (n+1), `labels`, and perhaps `classes`, `names`."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError
from netwright.tasks import decoding
from netwright.tasks.archives import Arrays
from netwright.tasks.building import Prepared
from netwright.tasks.decoding import decode_jpeg

_FIRST = 256


def is_packed(arrays: Arrays) -> bool:
    return {"data", "offsets", "labels"} <= set(arrays.keys)


class Packed:
    """The images of one file, not decoded yet. Raises DataError when offsets, bytes and labels do not fit."""

    def __init__(self, arrays: Arrays) -> None:
        self.where = arrays.where
        self.bytes = np.ascontiguousarray(arrays["data"], dtype=np.uint8).data
        self.offsets: NDArray[np.int64] = arrays["offsets"].astype(np.int64)
        self.labels = arrays["labels"]
        self.classes = [str(each) for each in arrays["classes"]] if "classes" in arrays.keys else None
        self._check()

    def __len__(self) -> int:
        return len(self.labels)

    def image(self, index: int) -> bytes:
        return bytes(self.bytes[self.offsets[index] : self.offsets[index + 1]])

    def first(self, places: NDArray[np.int64]) -> tuple[bytes, ...]:
        """The first of the images at some places, as their files."""
        return tuple(self.image(i) for i in places[:_FIRST].tolist())

    def decoded(
        self,
        chosen: NDArray[np.int64],
        codes: NDArray[Any],
        skip_bad: bool | float | str,
        shape: tuple[int, int, int] | None,
    ) -> tuple[Prepared, NDArray[np.int64], tuple[str, ...]]:
        """The chosen images as one split, all of the first one's shape unless another is given.

        (split, the places of the images that could be used, notes).
        """
        shape = self._shape(chosen) if shape is None else shape

        def one(place: int) -> NDArray[np.uint8]:
            return decode_jpeg(self.image(int(chosen[place])), shape)

        images, bad = decoding.decoded(one, len(chosen), shape, decoding.threads_for(shape[1] * shape[2]))
        named = [(f"{self.where} image {chosen[i]}", bad[i]) for i in sorted(bad)]
        notes = decoding.check_bad(named, len(chosen), skip_bad)
        good = np.delete(np.arange(len(chosen)), list(bad))
        return Prepared(images, codes[good]), chosen[good], notes

    def _shape(self, chosen: NDArray[np.int64]) -> tuple[int, int, int]:
        problem = "there are none"
        for index in chosen[:100]:
            try:
                return decoding.header(io.BytesIO(self.image(int(index))))[:3]
            except ValueError as bad:
                problem = f"image {index} {bad}"
        raise DataError(f"{self.where}: no image can be read; {problem}")

    def _check(self) -> None:
        offsets, size = self.offsets, len(self.bytes)
        if self.labels.ndim not in (1, 2) or len(offsets) != len(self.labels) + 1:
            raise DataError(
                f"{self.where}: {len(offsets):,} offsets and {self.labels.shape} labels; expected one offset more than "
                "labels, (n,), or (n, numbers)"
            )
        if len(self.labels) and (offsets[0] < 0 or offsets[-1] > size or bool((np.diff(offsets) < 0).any())):
            raise DataError(f"{self.where}: the offsets do not rise from 0 to {size:,}, the number of bytes in data")
