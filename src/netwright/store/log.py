"""Looks whether SQLite's write-ahead log is as it was written.

SQLite takes the log up to the first page that does not fit its checksum, as it must after a loss of power. A byte that
was changed in the middle would so take everything after it away without a word. A page that does not fit, with a
transaction after it that was completed, is damage (https://sqlite.org/fileformat2.html, section 4).

A break inside the last transaction is none where that was never completed. One that is larger than SQLite's cache is
written in several goes: pages are written over in place, and checksums are put right at the very end, when the mark of
completion is there already. The driver itself writes them once; another program may not.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

_HEADER, _FRAME = 32, 24  # bytes
_LARGE = 400  # pages; SQLite's cache holds 420 that were changed before it writes some of them early
_MAGIC = {b"\x37\x7f\x06\x82": "<u4", b"\x37\x7f\x06\x83": ">u4"}


class Log(NamedTuple):
    """What a log holds.

    pages: number and content of each page of completed transactions that fits, in order.

    damage: empty where there is none.
    torn: whether the last transaction is not whole, as a loss of power leaves it.
    """

    pages: list[tuple[int, bytes]]
    damage: str = ""
    torn: bool = False


def inspect(path: Path) -> Log:
    """What the log at `path` holds; nothing where there is none."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Log([])
    if len(content) <= _HEADER or not any(content[:_HEADER]):
        return Log([], torn=bool(content))
    order = _MAGIC.get(content[:4])
    size = int.from_bytes(content[8:12], "big")
    if order is None or size not in [2**k for k in range(9, 17)]:
        return Log([], "the header of its log was changed")
    import numpy as np

    header = np.frombuffer(content[:24], order).astype(np.uint32)
    if _checksum(header[None], np.zeros((1, 2), np.uint32))[0].tolist() != _numbers(content[24:32]):
        return Log([], "the header of its log was changed")
    return _frames(content, size, order)


def _frames(content: bytes, size: int, order: str) -> Log:
    import numpy as np

    count = (len(content) - _HEADER) // (_FRAME + size)
    end = _HEADER + count * (_FRAME + size)
    frames = np.frombuffer(content[_HEADER:end], np.uint8).reshape(count, _FRAME + size)
    stored = frames[:, 16:24].copy().view(">u4").astype(np.uint32)
    before = np.concatenate([np.array([_numbers(content[24:32])], np.uint32), stored])[:count]
    covered = np.ascontiguousarray(np.concatenate([frames[:, :8], frames[:, _FRAME:]], axis=1)).view(order)
    salts = frames[:, 8:16] == np.frombuffer(content[16:24], np.uint8)
    fits = (_checksum(covered.astype(np.uint32), before) == stored).all(axis=1) & salts.all(axis=1)
    # Pages of an earlier round through the file differ in both salts, changed pages of this one in one at most.
    present = salts[:, :4].all(axis=1) | salts[:, 4:].all(axis=1)
    ends = frames[:, 4:8].any(axis=1)  # the mark of the last page of a transaction
    completed = np.flatnonzero(fits & ends)
    whole = int(completed[-1]) + 1 if len(completed) else 0
    broken = np.flatnonzero(~fits)
    wrong = int(broken[0]) if len(broken) else count
    if _unfinished(completed, wrong, present):
        completed = completed[completed < wrong]
        whole = int(completed[-1]) + 1 if len(completed) else 0
    good = np.flatnonzero(fits[:whole])
    pages = [(_numbers(frames[k, :4].tobytes())[0], frames[k, _FRAME:].tobytes()) for k in good]
    if len(good) != whole:
        return Log(pages, f"page {wrong + 1} of {count} in its log was changed")
    return Log(pages, torn=bool(present[whole:].any()))


def _unfinished(completed: np.ndarray[Any, Any], wrong: int, present: np.ndarray[Any, Any]) -> bool:
    """Whether the page that does not fit lies in a last, large transaction whose checksums were not put right yet.

    completed: the last pages of transactions. wrong: the first page that does not fit. present: those of this round.
    """
    before, after = completed[completed < wrong], completed[completed > wrong]
    if len(after) != 1 or present[after[0] + 1 :].any():
        return False
    return int(after[0]) - (int(before[-1]) if len(before) else -1) >= _LARGE


def _checksum(words: np.ndarray[Any, Any], start: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """SQLite's running sums s += x + t, t += y + s over pairs (x, y), of each row; all modulo 2^32."""
    import numpy as np

    x, y = words[:, 0::2], words[:, 1::2]
    near, middle, far = (np.array(each, np.uint32) for each in _powers(x.shape[1]))
    with np.errstate(over="ignore"):
        both = x + y
        first = (near[1:] * x + middle[1:] * both).sum(axis=1, dtype=np.uint32)
        second = (middle[1:] * x + far[1:] * both).sum(axis=1, dtype=np.uint32)
        s, t = start[:, 0], start[:, 1]
        return np.stack([first + near[0] * s + middle[0] * t, second + middle[0] * s + far[0] * t], axis=1)


@cache
def _powers(count: int) -> tuple[list[int], list[int], list[int]]:
    """The entries of [[1, 1], [1, 2]]^k for k = count, count - 1, ..., 0: upper left, off the diagonal, lower right."""
    a, b, c = [1], [0], [1]
    for _ in range(count):
        a.append((a[-1] + b[-1]) & 0xFFFFFFFF)
        b.append((a[-1] + b[-1]) & 0xFFFFFFFF)  # M^k M: [[a, b], [b, c]] -> [[a + b, a + 2b], [b + c, b + 2c]]
        c.append((b[-1] + c[-1]) & 0xFFFFFFFF)
    return a[::-1], b[::-1], c[::-1]


def _numbers(content: bytes) -> list[int]:
    return [int.from_bytes(content[k : k + 4], "big") for k in range(0, len(content), 4)]
