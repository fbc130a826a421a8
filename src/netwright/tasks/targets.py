"""A table's target column: which one it is, and the class of each row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError, nearest
from netwright.core.spelling import option
from netwright.core.wording import listed
from netwright.tasks import class_labels as labelling
from netwright.tasks.column_kinds import kind_of
from netwright.tasks.portable.cells import is_missing
from netwright.tasks.table_cells import Cells
from netwright.tasks.tables import Table


def target_column(table: Table, target: str | int | None) -> int:
    """The place of the target column; UserError names the nearest."""
    known = table.columns
    if target is None:
        raise UserError(
            f"which column of {table.where} is the class? Say {option('target', known[-1])} for the last one, "
            f"or another. Columns: {listed(known, 12)}"
        )
    if str(target) in known:
        return known.index(str(target))
    try:
        place = int(target)
    except ValueError:
        here = "" if table.header else "; it has no line with names: the columns are called column_1, column_2, ..."
        raise UserError(f"{table.where} has no column {target!r}" + (here or nearest(target, known))) from None
    if not -len(known) <= place < len(known):
        raise UserError(
            f"{table.where} has {len(known)} columns: 0 to {len(known) - 1}, or -1 for the last; found {place}"
        )
    return place % len(known)


def labels_of(table: Table, column: int, decimal: str) -> labelling.Labels:
    """The class of each row; DataError for a target that is measured, or that has another text in each row."""
    cells = _complete(table, column)
    what = f"values of the target column {table.columns[column]!r}"
    values = cells.numbers(decimal)
    if values is not None:
        return labelling.encode(values, what=what)
    names = labelling.encode(np.array(cells.texts), what=what)
    if len(names.names) > max(20, len(cells) // 2):
        kind = kind_of(cells.texts, cells.counts.tolist(), decimal)
        if kind.spec is not None and not kind.odd:
            labelling.refuse_regression(len(names.names), len(cells), what)
        raise DataError(
            f"the {what} are {len(names.names):,} different texts in {len(cells):,} rows: these are no classes"
        )
    return labelling.Labels(names.codes[cells.codes], names.names, names.values)


def test_labels(
    table: Table, column: int, known: labelling.Labels, decimal: str
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The class of each row of a second table, and what was decided."""
    cells = _complete(table, column)
    what = f"values of {table.columns[column]!r} in {table.where}"
    if known.values.dtype.kind != "U":
        values = cells.numbers(decimal)
        texts = values if values is not None else np.array(cells.texts)
        return labelling.encode_as(texts, known, what), ()
    texts, names, note = cells.texts, set(known.names), ()
    if not names & set(texts) and {text.removesuffix(".") for text in texts} <= names:
        texts = [text.removesuffix(".") for text in texts]
        note = (f"{what} end with a full stop, which was removed",)
    return labelling.encode_as(np.array(texts), known, what)[cells.codes], note


def _complete(table: Table, column: int) -> Cells:
    cells = table.cells[column]
    lost = np.flatnonzero(np.array([is_missing(text) for text in cells.texts]))
    if len(lost):
        rows = np.flatnonzero(np.isin(cells.codes, lost))
        raise DataError(
            f"{table.where}: the target column {table.columns[column]!r} is empty in {len(rows):,} rows, the first in "
            f"line {table.lines([int(rows[0])])[0]}; remove these rows"
        )
    return cells
