"""Learning curves beside the rows of a table: a family of columns, a column of lists, or an array of its own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError, nearest
from netwright.estimators.tables.source_columns import Columns
from netwright.estimators.tables.sources import sha256
from netwright.tasks.given_paths import existing

Curve = NDArray[np.float64]


def curve_of(columns: Columns, metric: str, given: Any) -> Curve:
    """The metric after each epoch, (rows, epochs).

    given: a column whose cells are lists, what the names of a family of columns begin with before the number of the
        epoch, the path of an .npy or .npz file, or an array with a row for each row of the table.
    """
    if not isinstance(given, (str, os.PathLike)):
        array = np.asarray(given, dtype=np.float64)
    elif _is_file(given):
        array = read_array(given)
    elif given in columns.cells:
        array = _lists(columns, str(given))
    else:
        array = _family(columns, str(given))
    if array.ndim != 2 or len(array) != len(columns) or not array.shape[1]:
        raise DataError(
            f"the curve of {metric!r} has the shape {array.shape}; expected ({len(columns)} rows, epochs), "
            f"a row for each of {columns.where}"
        )
    odd = np.flatnonzero(~np.isfinite(array).all(axis=1)).tolist()
    if odd:
        raise columns.refuse(odd, lambda row: f"the curve of {metric!r} holds what is no finite number")
    return array


def with_absolute_paths(curve: Any) -> Any:
    """The option as another process, in another folder, can use it."""
    if not isinstance(curve, Mapping):
        return curve
    return {metric: os.path.abspath(each) if _is_file(each) else each for metric, each in curve.items()}


def _is_file(given: Any) -> bool:
    return isinstance(given, (str, os.PathLike)) and Path(given).suffix in (".npy", ".npz")


def curve_identity(curve: Any) -> Any:
    """The option as JSON: arrays and files of arrays by the SHA-256 of their content."""
    if not isinstance(curve, Mapping):
        return curve
    return {str(metric): _identity(given) for metric, given in curve.items()}


def _identity(given: Any) -> Any:
    if not isinstance(given, (str, os.PathLike)):
        array = np.ascontiguousarray(given, dtype=np.float64)
        return {"shape": list(array.shape), "sha256": hashlib.sha256(array.tobytes()).hexdigest()}
    if not _is_file(given):
        return str(given)
    place = existing(given, "file", "an array (.npy, .npz)")
    return {"name": place.name, "sha256": sha256(place)}


def family(columns: Columns, given: object) -> list[str]:
    """The columns that a curve takes up."""
    if not isinstance(given, str):
        return []
    if given in columns.cells:
        return [given]
    found = {int(name[len(given) :]): name for name in columns.names if _epoch(name, given)}
    return [found[epoch] for epoch in sorted(found)]


def _epoch(name: str, stem: str) -> bool:
    return name.startswith(stem) and name[len(stem) :].isdecimal()


def _family(columns: Columns, stem: str) -> Curve:
    names = family(columns, stem)
    epochs = [int(name[len(stem) :]) for name in names]
    if not names:
        raise DataError(
            f"{columns.where} has no column {stem!r}, nor columns {stem}1, {stem}2, ... for a curve"
            f"{nearest(stem, columns.cells)}"
        )
    if epochs not in (list(range(len(epochs))), list(range(1, len(epochs) + 1))):
        raise DataError(f"{columns.where}: the columns {names[0]!r} to {names[-1]!r} leave epochs out: {epochs}")
    return np.stack([columns.numbers(name, "curve") for name in names], axis=1)


def _lists(columns: Columns, name: str) -> Curve:
    cells: Sequence[Any] = columns.cells[name]
    if isinstance(cells, np.ndarray):
        return cells.astype(np.float64)
    lengths = [len(cell) if isinstance(cell, (list, tuple)) else -1 for cell in cells]
    odd = [row for row, length in enumerate(lengths) if length != lengths[0] or length < 1]
    if lengths[0] < 1 or odd:
        raise columns.refuse(
            odd or [0], lambda row: f"column {name!r} holds no list of {max(1, lengths[0])} numbers, one an epoch"
        )
    try:
        return np.array(cells, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise DataError(f"{columns.where}: column {name!r} holds lists that are no curves: {problem}") from None


def read_array(path: str | os.PathLike[str]) -> Curve:
    """The array of an .npy file, or the only one of an .npz file. Objects, which are pickles, are refused."""
    place = existing(path, "file", "an array (.npy, .npz)")
    try:
        loaded: Any = np.load(place, allow_pickle=False)
        if hasattr(loaded, "files"):
            with loaded:
                if len(loaded.files) != 1:
                    raise UserError(f"{place.name} holds the arrays {', '.join(loaded.files)}; expected one alone")
                loaded = loaded[loaded.files[0]]
        return np.asarray(loaded, dtype=np.float64)
    except UserError:
        raise
    except (OSError, ValueError) as problem:
        raise DataError(f"{place.name} holds no array of numbers: {problem}") from None
