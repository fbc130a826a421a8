"""A text table with one row an example, and a column that says the class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError, nearest
from netwright.core.kinds import kinds_checked
from netwright.core.spelling import option
from netwright.core.task import Augmentation
from netwright.problems.classification import require_each
from netwright.tasks import repeats
from netwright.tasks.building import Prepared, build
from netwright.tasks.choosing import Column, choose, is_plain, places_of
from netwright.tasks.class_labels import Labels
from netwright.tasks.column_kinds import decimal_of, values_of
from netwright.tasks.given_paths import existing
from netwright.tasks.plain_numbers import check_policy
from netwright.tasks.portable.columns import noun
from netwright.tasks.remaking import remakeable
from netwright.tasks.splits import TEST, split
from netwright.tasks.table_columns import Columns, Source
from netwright.tasks.table_rows import Examples, chosen_rows, fitted
from netwright.tasks.tables import Table, read_table
from netwright.tasks.targets import labels_of, target_column, test_labels
from netwright.tasks.task import Task

ENCODINGS = ("one-hot", "ordinal")


@remakeable("csv")
@kinds_checked
def csv(
    path: str | os.PathLike[str],
    *,
    target: str | int | None = None,
    test: str | os.PathLike[str] | None = None,
    categories: str = "one-hot",
    nan: str = "error",
    delimiter: str | None = None,
    header: bool | None = None,
    drop: Sequence[str] = (),
    limit: int | float | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
) -> Task:
    """A task of a text table: columns of numbers and of categories, and a target column.

    Amounts, percentages, dates, times, yes and no are numbers; what was decided is in the task's notes.

    path: of the file.
    target: the class column's name, or its number from 0 (-1 is the last); the row that holds the name is the header.
    test: a second file with the test split.
    categories: "one-hot" (a 0/1 feature for each of the 64 most frequent texts) or "ordinal" (their number in sorted
        order, -1 for one that only the test split has).
    nan: what missing numbers do, see `arrays`; a missing text is a category of its own.
    delimiter, header: found out unless given.
    drop: names of columns to leave out.
    limit: keep a stratified part, as a number of training rows or a share.
    test_share: of each class that is set aside, where there is no `test`.
    split_seed: chooses which.

    Raises UserError for an unknown column, and DataError with the line for rows that cannot be used; a target of
    measured numbers is regression and is refused.
    """
    check_policy(nan)
    if categories not in ENCODINGS:
        raise UserError(f"{option('categories')} must be one of {', '.join(ENCODINGS)}, found {categories!r}")
    place = existing(path, "file", "a table (.csv)")
    other = None if test is None else existing(test, "file", "a table (.csv)")
    table = read_table(place, delimiter, header, target)
    column = target_column(table, target)
    decimal, of_decimal = decimal_of(table.sample, table.delimiter)
    labels = labels_of(table, column, decimal)
    choice = choose(table, _wanted(table, column, drop), labels, decimal, categories)
    notes = (
        f"the class is the column {table.columns[column]!r}",
        *table.notes,
        *of_decimal,
        *labels.notes,
        *choice.notes(),
    )
    train = Examples.all(table, choice.columns, labels.codes)
    held_out, of_test = None, ()
    if other is not None:
        held_out, of_test = _test_examples(other, delimiter, table, column, choice.columns, labels, decimal)
    for examples in (train, held_out):
        if examples is not None:
            examples.check(nan)
    train, held_out, of_rows = chosen_rows(train, held_out, nan, limit, split_seed)
    columns, shifted = fitted(choice.columns, train.kept, table.where)
    ours = _prepared(train, columns)
    theirs = None if held_out is None else _prepared(held_out, columns)
    if held_out is None or theirs is None:
        source, shared = _drawn(train, ours, labels.names, test_share, split_seed)
    else:
        source = _source(held_out.table, held_out.kept)
        shared = repeats.note(repeats.digests(ours), repeats.digests(theirs), drawn=False)
    specs, names = [each.spec for each in columns], table.columns
    return build(
        place.stem,
        ours,
        theirs,
        labels.names,
        augmentation=Augmentation(),
        notes=(*notes, *of_test, *of_rows, *shifted, *shared),
        test_share=test_share,
        split_seed=split_seed,
        preparation=Columns(specs, table.header, table.delimiter, len(names), (names[column], column), source),
    )


def _wanted(table: Table, target: int, drop: Sequence[str]) -> list[int]:
    """The places of the columns that may be features; UserError for a dropped one that is not there."""
    for name in [drop] if isinstance(drop, str) else drop:
        if name not in table.columns:
            raise UserError(f"{table.where} has no column {name!r} to leave out" + nearest(name, table.columns))
        if table.columns.index(name) == target:
            raise UserError(f"the column {name!r} is the class; it cannot be left out with {option('drop')}")
    return [i for i, name in enumerate(table.columns) if i != target and name not in drop]


def _prepared(examples: Examples, columns: Sequence[Column]) -> Prepared:
    return Prepared(examples.with_specs(columns).inputs(), examples.codes[examples.kept])


def _drawn(
    train: Examples, prepared: Prepared, names: Sequence[str], share: float, seed: int
) -> tuple[Source, tuple[str, ...]]:
    """Where the test rows are that `build` will draw from one table, and what is said of their copies."""
    require_each(prepared.codes, names, 3, "one each to train, to validate and to test on")
    aside, rest = split(prepared.codes, share, seed, TEST)
    digests = repeats.digests(prepared)
    return _source(train.table, train.kept[aside]), repeats.note(digests[rest], digests[aside], drawn=True)


def _source(table: Table, rows: NDArray[np.int64]) -> Source:
    return Source(table.path.resolve(), table.encoding, table.delimiter, table.before, rows)


def _test_examples(
    path: Path,
    delimiter: str | None,
    train: Table,
    target: int,
    columns: Sequence[Column],
    labels: Labels,
    decimal: str,
) -> tuple[Examples, tuple[str, ...]]:
    """The rows of a second table, with the columns that the first one uses."""
    names = [train.columns[target], *(each.name for each in columns)]
    table = read_table(path, delimiter, train.header, wanted=names if train.header else ())
    places = _places(table, train, names)
    codes, notes = test_labels(table, places[0], labels, decimal)
    own = [_like(each, table, place) for each, place in zip(columns, places[1:], strict=True)]
    said = tuple(note for note in table.notes if note not in train.notes)
    return Examples.all(table, own, codes), (*(f"{table.where}: {note}" for note in said), *notes)


def _places(table: Table, train: Table, names: Sequence[str]) -> list[int]:
    """Where the named columns are in a second table; DataError names those that it lacks."""
    lacking = [name for name in names if name not in table.columns]
    if not lacking:
        return [table.columns.index(name) for name in names]
    if names[0] == lacking[0]:
        raise DataError(
            f"{table.where} has no column {names[0]!r}, the class, and so cannot be the test split; leave it out, and "
            "let the exported model.py predict it"
        )
    if len(table.columns) != len(train.columns):
        raise DataError(
            f"{table.where} has {len(table.columns)} columns, {train.where} has {len(train.columns)}; it lacks "
            f"{', '.join(map(repr, lacking[:5]))}"
        )
    raise DataError(f"{table.where} has no column {lacking[0]!r}" + nearest(lacking[0], table.columns))


def _like(column: Column, table: Table, place: int) -> Column:
    """A column of a second table, read as the first one's; DataError for a cell that cannot be."""
    cells, spec = table.cells[place], column.spec
    if column.is_category:
        return replace(column, values=places_of(spec, cells))
    values = cells.numbers(spec["decimal"]) if is_plain(spec) else None
    if values is None:
        each, odd = values_of(spec, cells.texts)
        if odd:
            line = table.lines([cells.first(odd[0])])[0]
            text = cells.texts[odd[0]]
            raise DataError(f"{table.where}, line {line}: {text!r} in the column {spec['name']!r} is no {noun(spec)}")
        values = each[cells.codes]
    return replace(column, values=values)
