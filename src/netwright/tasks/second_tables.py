"""Further tables of the user's own, to test or to validate on: read as the training table was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from netwright.core.errors import DataError, nearest
from netwright.core.spelling import option
from netwright.tasks.choosing import Column, is_plain, places_of
from netwright.tasks.column_kinds import values_of
from netwright.tasks.portable.columns import noun
from netwright.tasks.table_rows import Examples
from netwright.tasks.tables import Table, read_table
from netwright.tasks.targets import Target, asked_like, with_answers


def second_table(
    path: Path,
    delimiter: str | None,
    train: Examples,
    asked: Target,
    decimal: str,
    which: str,
    group: str | None,
    nan: str,
) -> tuple[Examples, tuple[str, ...]]:
    """The rows of a second table, with the columns that the first one uses, and what was decided.

    path, delimiter: of the table.
    train: the rows of the first one.
    asked, decimal: what its rows ask for, and its decimal sign.
    which: what the second is for, "test" or "validation".
    group: the name of the column by which examples belong together, where there is one.
    nan: what missing numbers do, see `csv`.

    Raises DataError for a column that it lacks, and for a cell that cannot be read as the first table's are.
    """
    names = [*asked.names, *(each.name for each in train.columns)]
    table = read_table(path, delimiter, train.table.header, wanted=names if train.table.header else ())
    places = _places(table, train.table, names, asked, which)
    count = len(asked.names)
    lacking, instead = asked.separator is not None, option("nan", "impute-median")
    table, notes = with_answers(table, places[:count], lacking, nan != "error", instead)
    targets, more = asked_like(table, places[:count], asked, decimal)
    own = [_like(each, table, place) for each, place in zip(train.columns, places[count:], strict=True)]
    said = tuple(note for note in table.notes if note not in train.table.notes)
    groups = table.cells[table.columns.index(group)].all_texts() if group in table.columns else None
    found = replace(Examples.all(table, own, targets), groups=groups)
    return found, (*(f"{table.where}: {note}" for note in said), *notes, *more)


def _places(table: Table, train: Table, names: Sequence[str], asked: Target, which: str) -> list[int]:
    """Where the named columns are in a second table; DataError names those that it lacks."""
    lacking = [name for name in names if name not in table.columns]
    if not lacking:
        return [table.columns.index(name) for name in names]
    if lacking[0] in asked.names:
        raise DataError(
            f"{table.where} has no column {lacking[0]!r}, the {asked.noun}, and so cannot be the {which} split; "
            "leave it out, and let the exported model.py predict it"
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
