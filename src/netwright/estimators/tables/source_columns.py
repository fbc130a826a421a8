"""What a source of a table holds, whatever its form: columns of cells, and what each row is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.decisions import Point
from netwright.core.errors import DataError, nearest
from netwright.tasks.portable.cells import is_missing

SHOWN_ROWS = 3


@dataclass(frozen=True, eq=False)
class Columns:
    """The cells of each column: text, numbers, lists or objects.

    where: the file's name, for messages.
    row: what a row, counted from 0, is called there ("line 17").
    points: the architectures of the rows, where the source knows them without any text; None for one outside of the
        space.
    delimiter: of a text file.
    """

    where: str
    cells: Mapping[str, Sequence[Any]]
    row: Callable[[int], str]
    points: Sequence[Point | None] | None = None
    delimiter: str = ","
    _numbers: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.cells)

    def __len__(self) -> int:
        if self.points is not None:
            return len(self.points)
        return len(next(iter(self.cells.values()), ()))

    def column(self, name: str, role: str) -> Sequence[Any]:
        """The cells of a column; DataError names the nearest where there is none."""
        if name not in self.cells:
            raise DataError(f"{self.where} has no column {name!r} for the {role}{nearest(name, self.cells)}")
        return self.cells[name]

    def numbers(self, name: str, role: str = "metric") -> NDArray[np.float64]:
        """The column as numbers: NaN where a cell is missing or NaN, infinity where it is no finite number."""
        if name not in self._numbers:
            self._numbers[name] = as_numbers(self.column(name, role), self.delimiter)
        return self._numbers[name]

    def refuse(self, rows: Sequence[int], what: Callable[[int], str], advice: str = "") -> DataError:
        """The error that names the first few of these rows and what is wrong with each."""
        named = "; ".join(f"{self.row(int(i))}: {what(int(i))}" for i in rows[:SHOWN_ROWS])
        more = f"; and {len(rows) - SHOWN_ROWS:,} more rows like these" if len(rows) > SHOWN_ROWS else ""
        return DataError(f"{self.where}, {named}{more}{advice and '. ' + advice}")


def as_numbers(cells: Sequence[Any], delimiter: str = ",") -> NDArray[np.float64]:
    """Cells as numbers: NaN where one is missing or NaN, infinity where it is no finite number."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "fiub":
        return cells.astype(np.float64)
    if len(cells) and type(cells[0]) is str and all(type(each) is str for each in cells):
        try:
            if "_" not in "".join(cells):  # which float allows in a number
                return np.array(list(map(float, cells)))  # the quick way, where every cell is a number
        except ValueError:
            pass
        return _numbers(cells, delimiter)
    return np.array([_number(each) for each in cells])


def _numbers(cells: Sequence[str], delimiter: str) -> NDArray[np.float64]:
    """Texts as numbers, each different one looked at once; with a decimal comma unless commas separate the columns."""
    values = {cell: _number(cell.replace(",", ".") if delimiter != "," else cell) for cell in set(cells)}
    return np.array([values[cell] for cell in cells])


def _number(cell: Any) -> float:
    if cell is None or (isinstance(cell, str) and is_missing(cell)):
        return float("nan")
    if isinstance(cell, str) and "_" in cell:
        return float("inf")
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return float("inf")
