"""Decoded examples in a file that is mapped: data larger than memory, decoded once, found again by later commands.

A folder holds two files for each data set, named by what they were made of: `KEY.pixels`, the examples one after the
other, and `KEY.json`, which says how far it is and the SHA-256 of each part. A process that is killed leaves the parts
that are done; the next one checks them and goes on. Two processes that want the same file wait for each other.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core import blocks
from netwright.core.errors import DataError, UserError
from netwright.core.room import gibibytes, memory_left
from netwright.core.spelling import option

FORMAT = 1
PART = 64 << 20
"""Bytes of a part: what is lost where a process is killed."""
SHARE_OF_MEMORY = 0.25
"""Of the memory that is left, from which on examples are kept in a file where there is a folder for it."""
PLACES = ("auto", "memory", "file")

_folder: ContextVar[Path | None] = ContextVar("folder of decoded examples", default=None)
Decode = Callable[[Sequence[int]], tuple[list[NDArray[np.uint8]], dict[int, str]]]
"""Numbers of examples -> those that can be used, in order, and why the others cannot."""


@contextlib.contextmanager
def decoded_in(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Within the block, what is decoded and large is kept in this folder, and found there again.

    folder: is made where it is needed; `netwright clean` removes that of a project.
    """
    token = _folder.set(Path(folder))
    try:
        yield
    finally:
        _folder.reset(token)


def folder_for(decoded: str, count: int, shape: Sequence[int]) -> Path | None:
    """Where so many examples are to be kept; None for memory.

    decoded: "memory", "file", or "auto": in a file where they are large and there is a folder.

    Raises UserError for another word, where there is no room in memory, and for "file" without a folder.
    """
    if decoded not in PLACES:
        raise UserError(f"{option('decoded')} must be one of {', '.join(PLACES)}, found {decoded!r}")
    size, left, folder = count * math.prod(shape), memory_left(), _folder.get()
    large = left is not None and size > SHARE_OF_MEMORY * left
    if decoded == "file" and folder is None:
        raise UserError(
            "decoded='file' needs a folder: read the data within `with netwright.tasks.decoded_in(folder):`"
        )
    if folder is not None and (decoded == "file" or (decoded == "auto" and large)):
        return folder
    if left is not None and 1.1 * size > left:
        raise UserError(
            f"{count:,} images of {math.prod(shape):,} bytes need {gibibytes(int(1.1 * size))} of memory, and "
            f"{gibibytes(left)} are left here; choose a smaller {option('size')} or a {option('limit')}, or keep them "
            f"in a file with {option('decoded', 'file')}"
        )
    return None


def key_of(*parts: object) -> str:
    """The name of what is made of these: files with their sizes and times, and how they are decoded."""
    return hashlib.sha256(repr((FORMAT, *parts)).encode()).hexdigest()[:24]


def stamp(file: Path) -> tuple[str, int, int]:
    """What tells a file from a changed one: path, size, and time of its last change in nanoseconds."""
    known = file.stat()
    return str(file.absolute()), known.st_size, known.st_mtime_ns


@dataclass
class _Record:
    """How far a file is. parts: [examples taken from, rows written, SHA-256] each. bad: examples left out, and why."""

    shape: list[int]
    count: int
    format: int = FORMAT
    parts: list[tuple[int, int, str]] = field(default_factory=list)
    bad: dict[str, str] = field(default_factory=dict)

    @property
    def taken(self) -> int:
        return sum(part[0] for part in self.parts)

    @property
    def rows(self) -> int:
        return sum(part[1] for part in self.parts)


def in_file(
    folder: Path, key: str, count: int, shape: Sequence[int], decode: Decode
) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """The examples as an array over a file, made now or found whole, and why some were left out.

    folder: that holds the file.
    key: of `key_of`.
    count: examples that there are.
    shape: of one.
    decode: gives those of some numbers.

    Raises DataError where the file cannot be written.
    """
    path = folder / f"{key}.pixels"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(folder / f"{key}.lock"):
            record = _checked(path, _read(path.with_suffix(".json"), count, shape))
            if record.taken < count:
                _require_disk(folder, (count - record.taken) * math.prod(shape))
                _go_on(path, record, decode)
    except OSError as problem:
        raise DataError(f"{path} cannot be written: {problem.strerror or problem}") from problem
    rows = blocks.of_file(path).reshape(record.rows, *shape)
    return rows, {int(number): why for number, why in record.bad.items()}


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process at a time; the lock goes with the process that holds it."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path, count: int, shape: Sequence[int]) -> _Record:
    """What is recorded; a new record where there is none, or it is of something else."""
    fresh = _Record([*shape], count)
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        known = json.loads(path.read_text(encoding="utf-8"))
        parts = [(int(taken), int(rows), str(digest)) for taken, rows, digest in known["parts"]]
        found = _Record(list(known["shape"]), int(known["count"]), int(known["format"]), parts, dict(known["bad"]))
        if (found.shape, found.count, found.format) == (fresh.shape, fresh.count, FORMAT) and found.taken <= count:
            return found
    return fresh


def _checked(path: Path, record: _Record) -> _Record:
    """The record of those first parts whose bytes are what was written; of none where the file is gone."""
    if not record.parts:
        return record
    size, starts = math.prod(record.shape), [0]
    for part in record.parts:
        starts.append(starts[-1] + part[1] * size)
    try:
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            digests = list(pool.map(lambda span: _digest(path, *span), itertools.pairwise(starts)))
    except OSError:
        digests = []
    whole = 0
    while whole < len(digests) and digests[whole] == record.parts[whole][2]:
        whole += 1
    parts = record.parts[:whole]
    taken = sum(part[0] for part in parts)
    bad = {number: why for number, why in record.bad.items() if int(number) < taken}
    return _Record(record.shape, record.count, FORMAT, parts, bad)


def _digest(path: Path, start: int, stop: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(start)
        while start < stop:
            content = file.read(min(1 << 22, stop - start))
            if not content:
                return ""  # it ends too early
            digest.update(content)
            start += len(content)
    return digest.hexdigest()


def _go_on(path: Path, record: _Record, decode: Decode) -> None:
    """Decode what is missing, a part at a time."""
    size = math.prod(record.shape)
    step = max(1, PART // size)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        file.truncate(record.rows * size)
        file.seek(0, os.SEEK_END)
        while record.taken < record.count:
            first = record.taken
            numbers = range(first, min(first + step, record.count))
            good, bad = decode(numbers)
            digest = hashlib.sha256()
            for each in good:
                content = np.ascontiguousarray(each, dtype=np.uint8)
                digest.update(content.data.cast("B"))
                file.write(content.data.cast("B"))
            file.flush()
            os.fsync(file.fileno())
            record.parts.append((len(numbers), len(good), digest.hexdigest()))
            record.bad |= {str(number): why for number, why in bad.items()}
            _write(path.with_suffix(".json"), record)


def _write(path: Path, record: _Record) -> None:
    """Replace the record at once."""
    beside = path.with_suffix(".new")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(asdict(record), file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _require_disk(folder: Path, size: int) -> None:
    known = os.statvfs(folder)
    free = known.f_bavail * known.f_frsize
    if 1.05 * size > free:
        raise DataError(
            f"the decoded images need {gibibytes(int(1.05 * size))} on the disk of {folder}, and {gibibytes(free)} are "
            f"free there; choose a smaller {option('size')} or a {option('limit')}"
        )


def kept(folder: Path) -> dict[str, int]:
    """What a folder keeps: the bytes of each file by its name; files of anybody else's are left out."""
    ours = (".pixels", ".json", ".lock", ".new")
    found: dict[str, int] = {}
    if folder.is_dir():
        for each in sorted(folder.iterdir()):
            if each.suffix in ours and len(each.stem) == 24 and each.is_file() and not each.is_symlink():
                found[each.name] = each.stat().st_size
    return found


def remove(folder: Path) -> int:
    """Remove what a folder keeps, and the folder where nothing else is in it; how many bytes that were."""
    found = kept(folder)
    for name in found:
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
    return sum(found.values())


def as_decode(function: Callable[[int], NDArray[np.uint8]], threads: int) -> Decode:
    """`function` of a number, which raises BadImage or ValueError for what cannot be used, as a `Decode`."""
    from netwright.tasks.decoding import BadImage, each

    def decode(numbers: Sequence[int]) -> tuple[list[Any], dict[int, str]]:
        results = each(function, numbers, threads)
        bad = {k: str(found) for k, found in zip(numbers, results, strict=True) if isinstance(found, BadImage)}
        return [found for found in results if not isinstance(found, BadImage)], bad

    return decode
