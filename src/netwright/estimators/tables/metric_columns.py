"""The numbers of a table: which columns are metrics, and what in them is no number."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import ConfigurationError, DataError, shown
from netwright.estimators.tables.source_columns import Columns
from netwright.tasks.portable.cells import is_missing

Metrics = str | Sequence[str] | Mapping[str, str] | None

MISPRINTS = 0.5  # for one number, so many cells of something else may be misprints in a column of numbers


def metric_columns(columns: Columns, metrics: Metrics, taken: Collection[str]) -> dict[str, str]:
    """The column of each metric, by the metric's name; by default every column of numbers that is nothing else."""
    if metrics is None:
        return {name: name for name in columns.names if name not in taken and is_numeric(columns, name)}
    if isinstance(metrics, str):
        metrics = [metrics]
    named = dict(metrics) if isinstance(metrics, Mapping) else {name: name for name in metrics}
    if not named:
        raise ConfigurationError("metrics names no column; None takes every column of numbers")
    for column in named.values():
        columns.column(column, "metric")
    return named


def is_numeric(columns: Columns, name: str) -> bool:
    """Whether a column holds numbers (NaN and infinities among them), but for gaps and misprints."""
    cells = columns.cells[name]
    if isinstance(cells, np.ndarray) and cells.ndim > 1:
        return False
    values = columns.numbers(name)
    doubtful = [_is_number(cells[row]) for row in np.flatnonzero(~np.isfinite(values)).tolist()]
    numbers = len(values) - len(doubtful) + sum(each is True for each in doubtful)
    return numbers > 0 and sum(each is False for each in doubtful) <= MISPRINTS * numbers


def _is_number(cell: object) -> bool | None:
    """Whether a cell that is no finite number is NaN or infinite; None for a gap."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    try:
        float(cell)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, OverflowError):
        return None if isinstance(cell, str) and is_missing(cell) else False
    return True


def checked(columns: Columns, names: Collection[str], missing: str) -> tuple[dict[str, NDArray[np.float64]], list[int]]:
    """The columns as finite numbers, and the rows that have them all.

    Raises DataError, with the rows, for what is no finite number; for gaps too, unless `missing` is "skip".
    """
    values: dict[str, NDArray[np.float64]] = {}
    gaps = np.zeros(len(columns), dtype=bool)
    for name in names:
        cells = columns.cells[name]
        if isinstance(cells, np.ndarray) and cells.ndim > 1:
            raise DataError(
                f"{columns.where}: column {name!r} holds {cells.shape[1:]} numbers a row; name it as a curve"
            )
        values[name] = columns.numbers(name)
        odd = np.flatnonzero(np.isinf(values[name]))
        lost = np.isnan(values[name])
        if len(odd):
            raise columns.refuse(odd.tolist(), _what(columns, name, "is no finite number"))
        if lost.any() and missing != "skip":
            raise columns.refuse(
                np.flatnonzero(lost).tolist(),
                _what(columns, name, "is missing or NaN"),
                "missing='skip' leaves such rows out",
            )
        gaps |= lost
    return values, np.flatnonzero(~gaps).tolist()


def _what(columns: Columns, name: str, problem: str) -> Callable[[int], str]:
    cells = columns.cells[name]
    return lambda row: f"{shown(_plain(cells[row]))} in column {name!r} {problem}"


def _plain(cell: object) -> object:
    return cell.item() if isinstance(cell, np.generic) else cell
