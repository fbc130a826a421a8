"""What `fit` and `predict` are given, arrays or data frames, as the readers of netwright's data take it."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from netwright.tasks.portable.cells import SPACES
from netwright.tasks.portable.rows import headings

Columns = Mapping[Any, Any]


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of which some hold no numbers: texts, categories, dates.

    columns: the texts of each, as a table's file would hold them; a missing one is empty.
    """

    columns: Mapping[str, Sequence[str]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def rows(self) -> list[dict[str, str]]:
        """Each row with its texts by column, as an exported model takes rows."""
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*self.columns.values(), strict=True)]

    def write(self, path: Path, more: Columns) -> None:
        """Write a text table with these columns, and more of them behind."""
        columns = {**self.columns, **more}
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))

    def chosen(self, rows: NDArray[np.bool_]) -> Table:
        """The rows that a mask keeps."""
        places = np.flatnonzero(rows).tolist()
        return Table({name: [texts[i] for i in places] for name, texts in self.columns.items()})


def given(x: Any, *, table: bool | None = None) -> Table | NDArray[Any]:
    """Examples as an array of numbers, (n, features), images or series, or as a table where a column holds others.

    x: an array, nested lists, or a data frame of pandas or polars.
    table: whether it must be a table; None where that is found out.

    Raises ValueError and TypeError, as scikit-learn's `check_array` does, for what is neither.
    """
    columns = _columns_of(x) if table is not False else None
    if columns is None and table is not False:
        columns = _columns_of_objects(x, bool(table))
    if columns is not None and (table or not all(map(_is_numbers, columns.values()))):
        return Table(dict(zip(_names(columns), map(_texts, columns.values()), strict=True)))
    finite: Any = "allow-nan"
    return check_array(x, dtype="numeric", allow_nd=True, ensure_all_finite=finite, input_name="X")


def chosen(x: Table | NDArray[Any], rows: NDArray[np.bool_] | None) -> Table | NDArray[Any]:
    """The examples that a mask keeps, all of them for None."""
    if rows is None:
        return x
    return x.chosen(rows) if isinstance(x, Table) else x[rows]


def _columns_of(x: Any) -> Columns | None:
    """The columns of a data frame by name; None of anything else."""
    pandas, polars = (sys.modules.get(each) for each in ("pandas", "polars"))
    if pandas is not None and isinstance(x, pandas.DataFrame):
        return _Numbered((name, x.iloc[:, place]) for place, name in enumerate(x.columns))
    if polars is not None and isinstance(x, polars.DataFrame):
        return {name: x[name] for name in x.columns}
    return None


class _Numbered(dict[Any, Any]):
    """Columns of which two may have one name; the later one goes by its place, too."""

    def __init__(self, pairs: Any) -> None:
        super().__init__()
        for name, column in pairs:
            self[(name, len(self)) if name in self else name] = column


def _columns_of_objects(x: Any, wanted: bool) -> Columns | None:
    """The columns of a two-dimensional array of objects among which there are texts; None of anything else."""
    if not wanted and not isinstance(x, np.ndarray) and not (isinstance(x, list) and x and isinstance(x[0], list)):
        return None
    array = x if isinstance(x, np.ndarray) else np.array(x, dtype=object)
    if array.ndim != 2 or not (wanted or (array.dtype.kind in "OU" and _holds_texts(array))):
        return None
    return {f"x{place}": array[:, place].astype(object) for place in range(array.shape[1])}


def _holds_texts(array: NDArray[Any]) -> bool:
    """Whether there are texts that are no numbers, and nothing but texts, numbers and gaps."""
    cells = array.ravel().tolist()
    if not all(each is None or isinstance(each, (str, int, float)) for each in cells):
        return False
    return any(isinstance(each, str) and not _is_number(each) for each in cells)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_numbers(column: Any) -> bool:
    """Whether a column of a frame holds numbers, whatever else it may lack."""
    if isinstance(column, np.ndarray):
        return False
    kind = getattr(column.dtype, "kind", None)  # of numpy's types and of pandas' own
    if kind is not None:
        return kind in "biuf"
    return column.dtype.is_numeric() or str(column.dtype) == "Boolean"  # of polars


def _names(columns: Columns) -> list[str]:
    """The names as a table's file gives them back: all different, none empty, without spaces around."""
    return headings([str(name[0] if isinstance(name, tuple) else name).strip(SPACES) for name in columns], [])


def _texts(column: Any) -> list[str]:
    """Each cell as a text table holds it."""
    cells = column.tolist() if isinstance(column, np.ndarray) else column.to_list()
    return ["" if _is_missing(each) else _text(each) for each in cells]


def _is_missing(cell: Any) -> bool:
    """None, NaN, NaT and pandas' NA, none of which equals itself."""
    if cell is None:
        return True
    same = cell == cell
    return same is not True and not (isinstance(same, np.bool_) and bool(same))


def _text(cell: Any) -> str:
    if hasattr(cell, "isoformat") and hasattr(cell, "hour") and hasattr(cell, "year"):
        return cell.isoformat(sep=" ").removesuffix(" 00:00:00")
    return str(cell)
