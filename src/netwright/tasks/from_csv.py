"""A text table with one row an example, and a column that says the class."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError, nearest
from netwright.core.task import Augmentation
from netwright.tasks import labels as labelling
from netwright.tasks.building import Raw, build, prepare
from netwright.tasks.paths import existing
from netwright.tasks.remaking import remakeable
from netwright.tasks.splits import limited
from netwright.tasks.tables import Table, is_missing, missing, numbers, read_table
from netwright.tasks.task import Task
from netwright.tasks.values import check_policy

ENCODINGS = ("one-hot", "ordinal")
_MOST_CATEGORIES = 64
_TYPING_ERRORS = 0.1


@remakeable("csv")
def csv(
    path: str | os.PathLike[str],
    *,
    target: str | int | None = None,
    test: str | os.PathLike[str] | None = None,
    categories: str = "one-hot",
    nan: str = "error",
    delimiter: str | None = None,
    header: bool | None = None,
    limit: int | float | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
) -> Task:
    """A task of a text table: columns of numbers as they are, columns of text as categories, and a target column.

    target: the class column's name, or its number from 0 (-1 is the last). test: a second file with the test split.
    categories: "one-hot" (a 0/1 feature for each of the 64 most frequent texts) or "ordinal" (their number in sorted
    order, -1 for one that only the test split has). nan: what missing numbers do, see `arrays`; a missing text is a
    category of its own. delimiter, header: found out unless given.
    Raises UserError for an unknown column, and DataError with the line for rows that cannot be used; a target of
    measured numbers is regression and is refused.
    """
    check_policy(nan)
    if categories not in ENCODINGS:
        raise UserError(f"categories must be one of {', '.join(ENCODINGS)}, found {categories!r}")
    place = existing(path, "file", "a table (.csv)")
    table = read_table(place, delimiter, header)
    column = target_column(table, target)
    labels = _labels(table, column)
    other, codes = None, None
    notes = table.notes + labels.notes
    if test is not None:
        other = _like(read_table(existing(test, "file", "a table (.csv)"), delimiter, header), table)
        codes, more = _test_labels(other, column, labels)
        notes += more
    columns = [i for i in range(len(table.columns)) if i != column]
    plans, found = _plans(table, columns, categories)
    _refuse_missing(table, plans, nan)
    train = Raw(_matrix(table, plans), labels.codes)
    held_out = None if other is None or codes is None else Raw(_matrix(other, plans), codes)
    if limit is not None:
        chosen, chosen_test, note = limited(labels.codes, codes, limit, split_seed)
        train = Raw(train.inputs[chosen], train.codes[chosen])
        if held_out is not None and chosen_test is not None:
            held_out = Raw(held_out.inputs[chosen_test], held_out.codes[chosen_test])
        notes += note
    names = [name for plan in plans for name in plan.features]
    done = prepare(train, held_out, nan=nan, columns=names)
    prepared, prepared_test, more = done.train, done.test, done.notes
    return build(
        place.stem,
        prepared,
        prepared_test,
        labels.names,
        augmentation=Augmentation(),
        notes=(f"the class is the column {table.columns[column]!r}", *notes, *found, *more),
        test_share=test_share,
        split_seed=split_seed,
    )


def target_column(table: Table, target: str | int | None) -> int:
    """The place of the target column; UserError names the nearest."""
    known = table.columns
    if target is None:
        raise UserError(
            f"which column of {table.where} is the class? Say target=, such as {known[-1]!r} (the last one). Columns: "
            + ", ".join(known[:12])
            + (f", and {len(known) - 12} more" if len(known) > 12 else "")
        )
    if str(target) in known:
        return known.index(str(target))
    try:
        place = int(target)
    except ValueError:
        raise UserError(f"{table.where} has no column {target!r}" + nearest(target, known)) from None
    if not -len(known) <= place < len(known):
        raise UserError(
            f"{table.where} has {len(known)} columns: 0 to {len(known) - 1}, or -1 for the last; found {place}"
        )
    return place % len(known)


@dataclass(frozen=True, eq=False)
class Plan:
    """How one column becomes features. texts: the categories, or None for a column of numbers."""

    column: int
    features: tuple[str, ...]
    texts: tuple[str, ...] | None = None
    ordinal: bool = False


def _plans(table: Table, columns: Sequence[int], categories: str) -> tuple[list[Plan], tuple[str, ...]]:
    plans: list[Plan] = []
    notes: tuple[str, ...] = ()
    left_out: list[str] = []
    for column in columns:
        name, cells = table.columns[column], table.cells[column]
        if _is_numeric(table, column):
            plans.append(Plan(column, (name,)))
            continue
        counts: Counter[str] = Counter()
        for cell, count in Counter(cells).items():
            counts[_category(cell)] += count
        if len(counts) > max(20, len(cells) // 2):
            left_out.append(f"{name!r} ({len(counts):,} different texts in {len(cells):,} rows)")
            continue
        texts = tuple(sorted(text for text, _ in counts.most_common(_MOST_CATEGORIES)))
        ordinal = categories == "ordinal"
        plans.append(Plan(column, (name,) if ordinal else tuple(f"{name}={text}" for text in texts), texts, ordinal))
    if left_out:
        notes += (f"left out, since every row has another text: {', '.join(left_out)}",)
    if not plans:
        raise DataError(f"{table.where} has no column that can serve as a feature besides the target")
    texts = sum(plan.texts is not None for plan in plans)
    notes += (
        f"{len(plans) - texts} columns of numbers and {texts} of categories became "
        f"{sum(len(plan.features) for plan in plans)} features",
    )
    return plans, notes


def _is_numeric(table: Table, column: int) -> bool:
    """Whether a column holds numbers; DataError where it nearly does, since that is a typing error."""
    cells = table.cells[column]
    values = numbers(cells, table.delimiter)
    odd = np.isinf(values)
    count = len(cells) - int(np.isnan(values).sum())
    if count == 0 or not odd.any():
        return count > 0
    if odd.mean() <= _TYPING_ERRORS and count > 20:
        first = ", ".join(f"line {table.lines[i]}: {cells[i]!r}" for i in np.flatnonzero(odd)[:5])
        raise DataError(
            f"{table.where}: the column {table.columns[column]!r} holds numbers, but {int(odd.sum()):,} of "
            f"{len(cells):,} are none ({first}); correct them, or leave them empty and say nan='impute-median'"
        )
    return False


def _refuse_missing(table: Table, plans: Sequence[Plan], nan: str) -> None:
    if nan != "error":
        return
    lost = [(plan.column, missing(table.cells[plan.column])) for plan in plans if plan.texts is None]
    total = sum(int(gaps.sum()) for _, gaps in lost)
    if total:
        places = [
            (table.lines[row], table.columns[column]) for column, gaps in lost for row in np.flatnonzero(gaps)[:5]
        ]
        first = ", ".join(f"(line {line}, {name!r})" for line, name in sorted(places)[:5])
        raise DataError(
            f"{table.where} lacks {total:,} numbers, the first at {first}; nan='impute-median' fills them with the "
            "column's median, nan='drop' leaves the rows out"
        )


def _matrix(table: Table, plans: Sequence[Plan]) -> NDArray[np.float64]:
    blocks = [_block(table, plan) for plan in plans]
    return np.concatenate(blocks, axis=1)


def _block(table: Table, plan: Plan) -> NDArray[np.float64]:
    cells = table.cells[plan.column]
    if plan.texts is None:
        values = numbers(cells, table.delimiter)
        odd = np.flatnonzero(np.isinf(values))
        if len(odd):
            name, line = table.columns[plan.column], table.lines[odd[0]]
            raise DataError(f"{table.where}, line {line}: {cells[odd[0]]!r} in the column {name!r} is no finite number")
        return values[:, None]
    number = {text: i for i, text in enumerate(plan.texts)}
    place = {cell: number.get(_category(cell), -1) for cell in set(cells)}
    places = np.array([place[cell] for cell in cells])
    if plan.ordinal:
        return places[:, None].astype(np.float64)
    return (places[:, None] == np.arange(len(plan.texts))).astype(np.float64)


def _category(cell: str) -> str:
    return "(missing)" if is_missing(cell) else cell


def _labels(table: Table, column: int) -> labelling.Labels:
    cells = _target_cells(table, column)
    values = numbers(cells, table.delimiter)
    what = f"values of the target column {table.columns[column]!r}"
    if np.isfinite(values).all():
        return labelling.encode(values, what=what)
    labels = labelling.encode(np.array(cells), what=what)
    if len(labels.names) > max(20, len(cells) // 2):
        raise DataError(
            f"the {what} are {len(labels.names):,} different texts in {len(cells):,} rows: these are no classes"
        )
    return labels


def _target_cells(table: Table, column: int) -> tuple[str, ...]:
    cells = table.cells[column]
    lost = np.flatnonzero(missing(cells))
    if len(lost):
        raise DataError(
            f"{table.where}: the target column {table.columns[column]!r} is empty in {len(lost):,} rows, the first in "
            f"line {table.lines[lost[0]]}; remove these rows"
        )
    return cells


def _test_labels(table: Table, column: int, known: labelling.Labels) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    cells = _target_cells(table, column)
    what = f"values of {table.columns[column]!r} in {table.where}"
    if known.values.dtype.kind != "U":
        return labelling.encode_as(numbers(cells, table.delimiter), known, what), ()
    names = set(known.names)
    if not names & set(cells) and {cell.removesuffix(".") for cell in cells} <= names:
        cells = tuple(cell.removesuffix(".") for cell in cells)
        note = (f"{what} end with a full stop, which was removed",)
        return labelling.encode_as(np.array(cells), known, what), note
    return labelling.encode_as(np.array(cells), known, what), ()


def _like(test: Table, train: Table) -> Table:
    """The test table with its columns in the training table's order."""
    if len(test.columns) != len(train.columns):
        raise DataError(
            f"{test.where} has {len(test.columns)} columns, {train.where} has {len(train.columns)}; expected the same"
        )
    lacking = [name for name in train.columns if name not in test.columns]
    if lacking:
        raise DataError(f"{test.where} has no column {lacking[0]!r}" + nearest(lacking[0], test.columns))
    order = [test.columns.index(name) for name in train.columns]
    cells = tuple(test.cells[i] for i in order)
    return Table(test.where, train.columns, cells, test.lines, test.delimiter, test.notes)
