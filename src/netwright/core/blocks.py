"""Large arrays in blocks of memory that worker processes can map, so that data is held once however many look at it.

A block is an unnamed file in memory (Linux: memfd_create), or an unnamed temporary file that only its owner could
read. It has no place in any folder, and the system frees it with the last process that holds it, however that ended.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
import weakref
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAME = "netwright-data"
LEAST = 1 << 16
"""Bytes from which an array is worth a block."""

_numbers = count(1)
_blocks: dict[int, Block] = {}  # by their first address, in this process


@dataclass(frozen=True, eq=False)
class Block:
    """A block as this process sees it.

    number: unlike that of any other block of this process.
    """

    number: int
    descriptor: int
    address: int
    size: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a block some bytes lie."""

    block: Block
    offset: int
    size: int


def empty(shape: Sequence[int], dtype: Any) -> NDArray[Any]:
    """A new array whose memory worker processes can map; an ordinary one where it is small or the system has no such.

    Raises MemoryError where there is no room.
    """
    size = int(np.prod([*shape], dtype=object)) * np.dtype(dtype).itemsize
    if size < LEAST or not hasattr(os, "memfd_create"):
        return np.empty(tuple(shape), dtype)
    descriptor = os.memfd_create(NAME, os.MFD_CLOEXEC)
    try:
        os.ftruncate(descriptor, size)
        mapped = mmap.mmap(descriptor, size)
    except OSError as problem:
        os.close(descriptor)
        raise MemoryError(f"no memory for an array of {size:,} bytes ({problem.strerror})") from None
    return _noted(descriptor, mapped).view(dtype).reshape(tuple(shape))


def of_file(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """The bytes of a file, which worker processes can map too.

    They are read when they are looked at; what is written to them reaches neither the file nor anybody else.

    Raises OSError where it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if not os.fstat(descriptor).st_size:
            os.close(descriptor)
            return np.empty(0, np.uint8)
        mapped = mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY)
    except BaseException:
        with contextlib.suppress(OSError):
            os.close(descriptor)
        raise
    return _noted(descriptor, mapped)


def shared(array: NDArray[Any]) -> NDArray[Any]:
    """The array itself where its memory can be mapped or it is small, else a copy in a new block.

    Raises OSError where there is no room for the copy.
    """
    if array.nbytes < LEAST or place_of(array) is not None:
        return array
    array = np.ascontiguousarray(array)
    descriptor = _unnamed()
    try:
        _write(descriptor, array.data.cast("B"))
        mapped = mmap.mmap(descriptor, array.nbytes)
    except BaseException:
        os.close(descriptor)
        raise
    return _noted(descriptor, mapped).view(array.dtype).reshape(array.shape)


def place_of(array: NDArray[Any]) -> Place | None:
    """Where in a block a contiguous array lies; None for memory that cannot be mapped."""
    if not array.flags.c_contiguous:
        return None
    address = array.__array_interface__["data"][0]
    starts = sorted(_blocks)
    index = bisect_right(starts, address) - 1
    if index < 0:
        return None
    block = _blocks[starts[index]]
    offset = address - block.address
    return Place(block, offset, array.nbytes) if offset + array.nbytes <= block.size else None


def mapped_copy(descriptor: int, size: int) -> mmap.mmap:
    """A block of another process, in this one: pages are shared until they are written to, which nobody else sees."""
    return mmap.mmap(descriptor, size, access=mmap.ACCESS_COPY)


def _noted(descriptor: int, mapped: mmap.mmap) -> NDArray[np.uint8]:
    array = np.frombuffer(mapped, np.uint8)
    block = Block(next(_numbers), descriptor, array.__array_interface__["data"][0], array.nbytes)
    _blocks[block.address] = block
    weakref.finalize(mapped, _forget, block).atexit = False
    return array


def _forget(block: Block) -> None:
    _blocks.pop(block.address, None)
    with contextlib.suppress(OSError):
        os.close(block.descriptor)


def _unnamed() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create(NAME, os.MFD_CLOEXEC)
    with tempfile.TemporaryFile(prefix=f"{NAME}-") as file:
        return os.dup(file.fileno())


def _write(descriptor: int, content: memoryview) -> None:
    while content:
        content = content[os.write(descriptor, content[: 1 << 30]) :]
