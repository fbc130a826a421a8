"""Rows from the pages of a database whatever became of its trees: the digest of each says whether it is true.

The format of pages and records is SQLite's (https://sqlite.org/fileformat2.html, sections 1.6 and 2.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Row = tuple[Any, ...]
_LEAF_TABLE, _LEAF_INDEX, _INNER_INDEX = 13, 10, 2
_SIZES = (0, 1, 2, 3, 4, 6, 8)  # bytes of whole numbers by serial type
LONGEST = 50_000_000  # bytes of one row


def pages_of(content: bytes) -> dict[int, bytes]:
    """The pages of a database file by number, counted from 1."""
    size = int.from_bytes(content[16:18], "big")
    size = 65536 if size == 1 else size
    if size < 512 or size & (size - 1):
        size = 4096  # the header is damaged; this is what SQLite has taken for many years
    return {k + 1: content[k * size : (k + 1) * size] for k in range(len(content) // size)}


def carve(pages: Mapping[int, bytes], *, only: int | None = None) -> Iterator[tuple[int | None, Row]]:
    """Every record that can be made out, with its row number where it has one.

    only: look at this page alone.
    """
    for number in pages if only is None else (only,):
        page = pages[number]
        start = 100 if number == 1 else 0
        kind = page[start] if len(page) > start + 12 else 0
        if kind not in (_LEAF_TABLE, _LEAF_INDEX, _INNER_INDEX):
            continue
        count = int.from_bytes(page[start + 3 : start + 5], "big")
        first = start + (12 if kind == _INNER_INDEX else 8)
        # A cell whose pointer was lost is not looked for: what is in no page's list may have been replaced.
        for k in range(min(count, (len(page) - first) // 2)):
            place = int.from_bytes(page[first + 2 * k : first + 2 * k + 2], "big")
            try:
                yield _cell(pages, page, place, kind)
            except (IndexError, ValueError, KeyError, UnicodeError, OverflowError):
                continue


def _cell(pages: Mapping[int, bytes], page: bytes, place: int, kind: int) -> tuple[int | None, Row]:
    place += 4 if kind == _INNER_INDEX else 0
    length, place = _varint(page, place)
    row: int | None = None
    if kind == _LEAF_TABLE:
        row, place = _varint(page, place)
    if not 2 <= length <= LONGEST:
        raise ValueError
    return row, _record(_payload(pages, page, place, length, kind))


def _payload(pages: Mapping[int, bytes], page: bytes, place: int, length: int, kind: int) -> bytes:
    """The bytes of a record: those on its page, and what overflows to others."""
    usable = len(page)
    most = usable - 35 if kind == _LEAF_TABLE else (usable - 12) * 64 // 255 - 23
    if length <= most:
        return page[place : place + length]
    least = (usable - 12) * 32 // 255 - 23
    here = least + (length - least) % (usable - 4)
    here = here if here <= most else least
    parts, left = [page[place : place + here]], length - here
    following = int.from_bytes(page[place + here : place + here + 4], "big")
    while left > 0:
        more = pages[following]
        parts.append(more[4 : 4 + min(left, usable - 4)])
        left -= usable - 4
        following = int.from_bytes(more[:4], "big")
    return b"".join(parts)


def _record(payload: bytes) -> Row:
    end, place = _varint(payload, 0)
    kinds: list[int] = []
    while place < end:
        kind, place = _varint(payload, place)
        kinds.append(kind)
    values: list[Any] = []
    place = end
    for kind in kinds:
        value, place = _value(payload, place, kind)
        values.append(value)
    return tuple(values)


def _value(payload: bytes, place: int, kind: int) -> tuple[Any, int]:
    if kind == 0:
        return None, place
    if kind in (8, 9):
        return kind - 8, place
    if kind == 7:
        import struct

        return struct.unpack(">d", payload[place : place + 8])[0], place + 8
    if kind < 7:
        end = place + _SIZES[kind]
        return int.from_bytes(payload[place:end], "big", signed=True), end
    if kind < 13 or kind % 2 == 0:
        raise ValueError("no column of ours holds bytes")
    end = place + (kind - 13) // 2
    if end > len(payload):
        raise ValueError("the record is cut")
    return payload[place:end].decode(), end


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for k in range(8):
        byte = data[place + k]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + k + 1
    return value << 8 | data[place + 8], place + 9
