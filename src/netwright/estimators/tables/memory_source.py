"""A table of columns that are already in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import DataError, UserError
from netwright.estimators.tables.source_columns import Columns
from netwright.estimators.tables.sources import Source


class InMemory(Source):
    """Columns by name: arrays, lists, tensors, or a data frame. A stored run keeps their SHA-256, not the cells."""

    def __init__(self, columns: Any) -> None:
        names = list(columns) if isinstance(columns, Mapping) else [str(each) for each in columns.columns]
        self.cells = {str(name): _cells(columns[name]) for name in names}
        if not self.cells:
            raise UserError("a table needs columns; the mapping is empty")
        first, cells = next(iter(self.cells.items()))
        for name, column in self.cells.items():
            if len(column) != len(cells):
                raise DataError(f"column {name!r} has {len(column)} cells, column {first!r} has {len(cells)}")
        if not len(cells):
            raise DataError("the table holds no rows")
        self._arguments["columns"] = self.cells

    @property
    def name(self) -> str:
        return "columns in memory"

    def read(self, space: DecisionSpace) -> Columns:
        return Columns(self.name, self.cells, lambda row: f"row {row} (counted from 0)")

    @cached_property
    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for name, cells in self.cells.items():
            digest.update(json.dumps([name, len(cells)]).encode())
            digest.update(_bytes(cells))
        return digest.hexdigest()

    def __repr__(self) -> str:
        return f"InMemory({', '.join(self.cells)})"


def _cells(column: Any) -> Any:
    """A column as an array of numbers, or else as a list."""
    if hasattr(column, "detach"):
        column = column.detach().cpu()
    if isinstance(column, (list, tuple)):
        return list(column)
    try:
        array = np.asarray(column)
    except (TypeError, ValueError) as problem:
        raise DataError(f"a column is an array or a list, found {type(column).__name__}: {problem}") from None
    if array.ndim == 0:
        raise DataError(f"a column is an array or a list, found {type(column).__name__} {column!r}")
    return array if array.dtype.kind in "fiub" else array.tolist()


def _bytes(cells: Any) -> bytes:
    if isinstance(cells, np.ndarray):
        return repr((cells.dtype.str, cells.shape)).encode() + np.ascontiguousarray(cells).tobytes()
    return json.dumps([each if type(each) in (str, int, float, bool) else str(each) for each in cells]).encode()
