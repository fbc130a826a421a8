"""Arrays as a person holds them: read from .npy and .npz files, and as tensors whatever their number type."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

ARRAY_ENDINGS = (".npy", ".npz")
ARRAY_NAMES = ("x_test", "test_images", "test_x", "x", "data", "images", "inputs", "features", "x_train")


def arrays_in(path: Path) -> Any:
    """The inputs in an .npy file, or in an .npz file under one of the usual names; raises ValueError."""
    import numpy

    try:
        stored = numpy.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except (ValueError, OSError, EOFError, MemoryError, zipfile.BadZipFile):
        raise ValueError("is no .npy or .npz file of numbers that can be read, or is damaged") from None
    if isinstance(stored, numpy.ndarray):
        return stored
    with stored:
        name = _array_name(list(stored.files))
        try:
            return stored[name]
        except Exception as problem:
            raise ValueError(f"the array {name!r} cannot be read ({str(problem).splitlines()[0][:120]})") from None


def _array_name(names: list[str]) -> str:
    for name in ARRAY_NAMES:
        for each in names:
            if each.lower() == name:
                return each
    if len(names) == 1:
        return names[0]
    raise ValueError(f"holds the arrays {', '.join(names) or '(none)'}; expected one, or one called x")


def as_tensor(raw: Any) -> Tensor:
    """A tensor on the CPU of a tensor, an array of any real number type, or nested lists of numbers."""
    if isinstance(raw, Tensor):
        return raw.detach().cpu()
    if not hasattr(raw, "dtype"):
        return torch.as_tensor(raw)
    import numpy

    array = numpy.asarray(raw)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"holds {array.dtype}; expected numbers")
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(numpy.float64)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if min(array.strides, default=0) < 0:
        array = array.copy()
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def numbered(path: Path, count: int) -> list[str]:
    """A name for each example of one file."""
    return [path.name] if count == 1 else [f"{path.name}[{i}]" for i in range(count)]
