"""Records of a TFRecord file: their frames, and the checksums that guard them.

A record is its length (8 bytes), the masked CRC-32C of the length (4), the data, and their masked CRC-32C (4), all
little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError

LONGEST = 1 << 24  # bytes of one record
BATCH = 4096  # records whose checksums are computed side by side
_FRAME = struct.Struct("<QI")
_CRC = struct.Struct("<I")
_POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed
_MASK = 0xA282EAD8


def records(path: Path) -> Iterator[bytes]:
    """The data of each record. Raises DataError, with the record's number, for a checksum that does not fit and an end
    within a record."""
    first = 0
    for batch, sums, lengths, length_sums in _batches(path, first):
        _check(path, first, [_FRAME.pack(each, 0)[:8] for each in lengths], length_sums, "length")
        _check(path, first, batch, sums, "data")
        first += len(batch)
        yield from batch


def _batches(path: Path, number: int) -> Iterator[tuple[list[bytes], list[int], list[int], list[int]]]:
    with path.open("rb") as file:
        while True:
            batch: list[bytes] = []
            sums: list[int] = []
            lengths: list[int] = []
            length_sums: list[int] = []
            while len(batch) < BATCH and (head := file.read(_FRAME.size)):
                if len(head) < _FRAME.size:
                    raise DataError(f"{path.name} ends within record {number}")
                length, length_sum = _FRAME.unpack(head)
                if length > LONGEST:
                    raise DataError(
                        f"{path.name}, record {number}: a length of {length:,} bytes; this is no TFRecord file, or it "
                        "is damaged"
                    )
                body = file.read(length + _CRC.size)
                if len(body) < length + _CRC.size:
                    raise DataError(f"{path.name} ends within record {number}")
                batch.append(body[:length])
                sums.append(_CRC.unpack_from(body, length)[0])
                lengths.append(length)
                length_sums.append(length_sum)
                number += 1
            if not batch:
                return
            yield batch, sums, lengths, length_sums


def _check(path: Path, first: int, batch: Sequence[bytes], expected: Sequence[int], what: str) -> None:
    found = masked(crc32c(batch))
    wrong = np.flatnonzero(found != np.array(expected, dtype=np.uint32))
    if len(wrong):
        raise DataError(
            f"{path.name}, record {first + int(wrong[0])}: the checksum of its {what} does not fit; the file is damaged"
        )


def masked(sums: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Checksums as TFRecord stores them: rotated by 15 bits, and a constant added."""
    return (sums >> np.uint32(15) | sums << np.uint32(17)) + np.uint32(_MASK)


def crc32c(messages: Sequence[bytes]) -> NDArray[np.uint32]:
    """The CRC-32C (Castagnoli) of each message, all computed side by side, a byte of each at a time."""
    lengths = np.array([len(each) for each in messages])
    order = np.argsort(-lengths, kind="stable")
    longest = int(lengths.max(initial=0))
    joined = np.frombuffer(b"".join(messages) + bytes(longest), dtype=np.uint8)
    starts = (np.cumsum(lengths) - lengths)[order]
    still = np.searchsorted(-lengths[order], -np.arange(longest), side="left")  # how many are longer than so many bytes
    table = _table()
    sums = np.full(len(messages), 0xFFFFFFFF, dtype=np.uint32)
    for place in range(longest):
        active = slice(0, int(still[place]))
        byte = joined[starts[active] + place]
        sums[active] = table[(sums[active] ^ byte) & 0xFF] ^ (sums[active] >> np.uint32(8))
    found = np.empty_like(sums)
    found[order] = ~sums
    return found


@lru_cache(1)
def _table() -> NDArray[np.uint32]:
    """The remainder of every byte."""
    sums = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        sums = np.where(sums & 1, sums >> np.uint32(1) ^ np.uint32(_POLYNOMIAL), sums >> np.uint32(1))
    return sums.astype(np.uint32)
