"""MNIST and everything in its IDX format (LeCun et al. 1998): Fashion-MNIST, KMNIST, EMNIST."""

from __future__ import annotations

import gzip
import math
import os
import re
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError
from netwright.core.kinds import kinds_checked
from netwright.core.task import Augmentation
from netwright.core.wording import listed
from netwright.tasks.archives import Arrays
from netwright.tasks.from_arrays import arrays
from netwright.tasks.given_paths import existing
from netwright.tasks.remaking import remakeable
from netwright.tasks.task import Task

_LARGEST = 4 << 30
_KEYS = ("x_train", "y_train", "x_test", "y_test")
_PARTS = {
    "x_train": r"train-images[.-]idx3-ubyte(\.gz)?",
    "y_train": r"train-labels[.-]idx1-ubyte(\.gz)?",
    "x_test": r"(t10k|test)-images[.-]idx3-ubyte(\.gz)?",
    "y_test": r"(t10k|test)-labels[.-]idx1-ubyte(\.gz)?",
}


@remakeable("mnist")
@kinds_checked
def mnist(
    path: str | os.PathLike[str],
    *,
    limit: int | float | None = None,
    augmentation: Augmentation | None = None,
    split_seed: int = 0,
) -> Task:
    """MNIST from the four IDX files (plain or .gz) in a folder or its MNIST/raw subfolder, or from mnist.npz.

    path: of the folder or file.
    limit: see `arrays`. The default augmentation shifts by up to two pixels and mirrors nothing.
    augmentation: in place of the default one.
    split_seed: chooses what `limit` keeps.

    Raises UserError for a missing path, and DataError for missing, foreign or damaged files.
    """
    place = existing(path, "any", "MNIST: a folder of IDX files, or mnist.npz")
    x, y, x_test, y_test = _from_npz(place) if place.is_file() else _from_folder(place)
    augmentation = augmentation or Augmentation(padding=2)
    return arrays(
        x, y, test=(x_test, y_test), augmentation=augmentation, limit=limit, split_seed=split_seed, name="mnist"
    )


def _from_folder(folder: Path) -> list[NDArray[np.uint8]]:
    for place in (folder, folder / "raw", folder / "MNIST" / "raw", folder / "FashionMNIST" / "raw"):
        if not place.is_dir():
            continue
        found = {part: _matching(place, pattern) for part, pattern in _PARTS.items()}
        missing = [part for part, file in found.items() if file is None]
        if not missing:
            return [read_idx(file) for file in found.values() if file is not None]
        if len(missing) < len(_PARTS):
            raise DataError(f"{place} lacks the IDX file of {', '.join(missing)} (such as {_PLAIN[missing[0]]})")
    if (folder / "mnist.npz").is_file():
        return _from_npz(folder / "mnist.npz")
    names = sorted(each.name for each in folder.iterdir())
    raise DataError(
        f"{folder} holds no MNIST; expected {', '.join(_PLAIN.values())} (plain or .gz), or mnist.npz, found "
        + (listed(names, 6) or "nothing")
    )


_PLAIN = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


def _matching(folder: Path, pattern: str) -> Path | None:
    return next((each for each in sorted(folder.iterdir()) if re.fullmatch(pattern, each.name)), None)


def _from_npz(path: Path) -> list[NDArray[np.uint8]]:
    stored = Arrays(path)
    missing = [key for key in _KEYS if key not in stored.keys]
    if missing:
        raise DataError(f"{path} holds the arrays {', '.join(stored.keys)}; expected {', '.join(_KEYS)}")
    return [stored[key] for key in _KEYS]


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of an IDX file of bytes, plain or .gz; DataError where it is damaged or of another kind."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            start = file.read(4)
            if len(start) < 4 or start[:3] != b"\x00\x00\x08" or not 1 <= start[3] <= 4:
                raise DataError(f"{path} is no IDX file of bytes: it begins with {start.hex(' ') or 'nothing'}")
            extents = file.read(4 * start[3])
            shape = tuple(int.from_bytes(extents[i : i + 4], "big") for i in range(0, len(extents), 4))
            count = math.prod(shape)
            if len(extents) != 4 * start[3] or count > _LARGEST:
                raise DataError(f"{path} claims the shape {shape}: damaged, or too large")
            body = file.read(count + 1)
    except (OSError, EOFError, zlib.error) as problem:
        raise DataError(f"{path} cannot be read, it is damaged: {problem}") from None
    if len(body) != count:
        found = f"{len(body):,}" if len(body) < count else "more"
        raise DataError(f"{path} is damaged: its shape {shape} asks for {count:,} bytes, found {found}")
    return np.frombuffer(bytearray(body), np.uint8).reshape(shape)
