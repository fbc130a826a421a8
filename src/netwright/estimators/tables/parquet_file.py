"""A table in a Parquet file."""

from __future__ import annotations

from typing import Any

import numpy as np

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import DataError
from netwright.estimators.tables.source_columns import Columns
from netwright.estimators.tables.sources import FileSource


class ParquetFile(FileSource):
    """A Parquet file."""

    def read(self, space: DecisionSpace) -> Columns:
        from pyarrow import ArrowException, parquet

        try:
            table: Any = parquet.read_table(self.path)
        except (ArrowException, OSError) as problem:
            raise DataError(f"{self.path.name} is not a Parquet file that can be read: {problem}") from None
        if not table.num_rows:
            raise DataError(f"{self.path.name} holds no rows")
        repeated = [name for name in table.column_names if table.column_names.count(name) > 1]
        if repeated:
            raise DataError(f"{self.path.name} names the column {repeated[0]!r} twice")
        cells = {name: _cells(table.column(name)) for name in table.column_names}
        return Columns(self.path.name, cells, lambda row: f"row {row} (counted from 0)")


def _cells(column: Any) -> Any:
    """Numbers without gaps as an array, everything else as Python's own values."""
    if column.null_count == 0:
        array = column.to_numpy()
        if isinstance(array, np.ndarray) and array.dtype.kind in "fiu":
            return array
    return column.to_pylist()
