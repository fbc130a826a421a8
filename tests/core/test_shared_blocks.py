"""Arrays in memory that other processes can map."""

from __future__ import annotations

import gc
import mmap
import os

import numpy as np
import pytest

from netwright.core import blocks

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs files in memory")


@pytest.mark.parametrize(
    ("shape", "dtype"), [((70_000,), np.uint8), ((300, 3, 16, 16), np.float32), ((9000,), np.int64)]
)
def test_an_array_lies_in_a_block_that_can_be_mapped_again(shape, dtype):
    array = blocks.empty(shape, dtype)
    array[:] = np.arange(array.size).reshape(shape) % 251
    assert array.shape == shape and array.dtype == dtype and array.flags.writeable
    place = blocks.place_of(array)
    assert place is not None and (place.offset, place.size) == (0, array.nbytes)
    again = np.frombuffer(blocks.mapped_copy(place.block.descriptor, place.block.size), dtype).reshape(shape)
    array[1] = 7
    assert np.array_equal(again, array) and (again[1] == 7).all()
    again[0] = 1
    assert not np.array_equal(again, array)  # what one process writes no other sees


def test_a_part_of_an_array_has_its_place_and_a_strided_view_none():
    array = blocks.empty((100, 1000), np.float32)
    place = blocks.place_of(array[10:20])
    assert place is not None and (place.offset, place.size) == (40_000, 40_000)
    assert blocks.place_of(array[:, 1:]) is None and blocks.place_of(np.zeros(100_000)) is None


def test_only_what_lies_elsewhere_is_copied_and_only_where_it_is_large():
    array, small = np.arange(100_000), np.arange(10)
    moved = blocks.shared(array)
    assert moved is not array and np.array_equal(moved, array) and blocks.place_of(moved) is not None
    assert blocks.shared(moved) is moved and blocks.shared(small) is small and blocks.shared(moved[5:]).base is not None
    assert blocks.shared(np.asfortranarray(np.ones((300, 300)))).sum() == 90_000


def test_a_block_ends_with_the_last_array_in_it():
    array = blocks.empty((100_000,), np.uint8)
    part, place = array[50_000:], blocks.place_of(array)
    assert place is not None
    del array
    gc.collect()
    os.fstat(place.block.descriptor)
    assert len(part) == 50_000
    del part
    gc.collect()
    with pytest.raises(OSError):
        mmap.mmap(place.block.descriptor, place.block.size)


def test_more_than_there_can_be_is_refused_in_one_line():
    with pytest.raises(MemoryError, match="no memory for an array of"):
        blocks.empty((2**62,), np.uint8)
