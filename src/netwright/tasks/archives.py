"""Stored numpy arrays, read as data only: an array of Python objects is refused, never unpickled."""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from netwright.core import blocks
from netwright.core.errors import DataError
from netwright.core.room import gibibytes, memory_left
from netwright.tasks.given_paths import existing

_CHUNK = 1 << 20  # bytes read at a time


class Arrays:
    """The arrays of an .npz file, each read when asked for: `arrays["x"]`, `arrays.keys`.

    Raises UserError where the file is missing and DataError where it is damaged, no .npz, or holds Python objects.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = existing(path, "file", "an .npz file")
        self.where = self.path.name
        try:
            with zipfile.ZipFile(self.path) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, OSError) as problem:
            raise DataError(f"{self.path} is not an .npz file, or is damaged: {problem}{_kind(self.path)}") from None
        self.keys = tuple(entry.filename.removesuffix(".npy") for entry in entries)
        _check_memory(self.path, sum(entry.file_size for entry in entries))

    def __getitem__(self, key: str) -> NDArray[Any]:
        try:
            return _read(self.path, key)
        except DataError:
            raise
        except ValueError as problem:
            if "allow_pickle" in str(problem) or "Object arrays" in str(problem):
                raise DataError(
                    f"{self.path}: the array {key!r} holds Python objects, which are not read because they can run "
                    "code; save plain numbers or text, such as x.astype('float32')"
                ) from None
            raise self._damaged(key, problem) from None
        except (
            zipfile.BadZipFile,
            OSError,
            EOFError,
            KeyError,
            zlib.error,
            MemoryError,
            NotImplementedError,
        ) as problem:
            raise self._damaged(key, problem) from None

    def form(self, key: str) -> tuple[tuple[int, ...], str]:
        """Shape and kind of numbers ("f", "u", ...) of an array, by its header alone."""
        with zipfile.ZipFile(self.path) as archive:
            name = key if key in archive.namelist() else f"{key}.npy"
            with archive.open(name) as file:
                shape, _, dtype = _header(file)
        return shape, dtype.kind

    def lower(self) -> dict[str, str]:
        """Each key by its lower-case form."""
        return {key.lower(): key for key in self.keys}

    def _damaged(self, key: str, problem: BaseException) -> DataError:
        return DataError(f"{self.path}: the array {key!r} cannot be read, the file is damaged ({problem})")


def shortened(number: int) -> str:
    """A number of a header, which may claim anything: at most 15 digits, else in powers of ten."""
    return f"{number:,}" if abs(number) < 10**15 else f"10^{int(math.log10(abs(number)))}"


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        return " (0 bytes)"
    if start[:6] == b"\x93NUMPY":
        return "; it is a single array (.npy): put inputs and labels in one file with np.savez(path, x=x, y=y)"
    return ""


def _check_memory(path: Path, size: int) -> None:
    left = memory_left()
    if left is not None and size > left:
        raise DataError(
            f"{path} unpacks to {gibibytes(size)}, more than the {gibibytes(left)} of memory that are left here; save "
            "fewer examples, or smaller numbers (images as uint8, tables as float32)"
        )


def _read(path: Path, key: str) -> NDArray[Any]:
    """One array, written straight to where it stays; nothing is allocated before its size is known to be right.

    Raises what zipfile raises, ValueError for a foreign array, and DataError for one that claims another size.
    """
    with zipfile.ZipFile(path) as archive:
        name = key if key in archive.namelist() else f"{key}.npy"
        with archive.open(name) as file:
            shape, by_columns, dtype = _header(file)
            stored = archive.getinfo(name).file_size - file.tell()
            if math.prod(shape) * dtype.itemsize != stored:
                what = " x ".join(map(shortened, shape)) or "1"
                raise DataError(
                    f"{path}: the array {key!r} claims {what} values of {dtype}, but {stored:,} bytes are stored; the "
                    "file is damaged"
                )
            array = blocks.empty(shape, dtype)
            _fill(array, file)
    return array.reshape(-1).reshape(shape[::-1]).T if by_columns else array


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"it is of version {version[0]}.{version[1]} of the .npy format; 1.0 and 2.0 are read")
    shape, by_columns, dtype = readers[version](file)
    if dtype.hasobject:
        raise ValueError("Object arrays")
    if min(shape, default=0) < 0:
        raise ValueError(f"its header says the shape {shape}")
    return shape, by_columns, dtype


def _fill(array: NDArray[Any], file: IO[bytes]) -> None:
    if array.nbytes:
        target = array.reshape(-1).view(np.uint8).data
        start = 0
        while start < len(target):
            part = file.read(min(_CHUNK, len(target) - start))
            if not part:
                raise EOFError("it ends too early")
            target[start : start + len(part)] = part
            start += len(part)
    file.read(1)  # at the end the sum of all bytes is checked
