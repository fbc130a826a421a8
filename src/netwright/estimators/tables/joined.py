"""A table whose further columns stand in another one, as latencies that were measured apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import DataError, shown
from netwright.estimators.tables.source_columns import Columns
from netwright.estimators.tables.sources import Source


class Joined(Source):
    """The rows of one table, with the columns that only the other one has; a row without its like there has gaps.

    Rows belong together that are equal in all columns which both have, of which the first table may repeat some.

    table: what tells the rows.
    other: with at most one row for each.
    """

    def __init__(self, table: Source, other: Source) -> None:
        self.table, self.other = table, other

    @property
    def name(self) -> str:
        return f"{self.table.name} with {self.other.name}"

    @cached_property
    def fingerprint(self) -> str:
        return f"{self.table.fingerprint}+{self.other.fingerprint}"

    @property
    def signature(self) -> object:
        return self.table.signature, self.other.signature

    def read(self, space: DecisionSpace) -> Columns:
        first, second = self.table.read(space), self.other.read(space)
        keys = [name for name in first.names if name in second.cells]
        if not keys:
            raise DataError(
                f"{first.where} and {second.where} have no column in common that says which rows belong together: "
                f"{shown(', '.join(first.names))} and {shown(', '.join(second.names))}"
            )
        rows = _places(second, keys)
        found = [rows.get(key) for key in _keys(first, keys)]
        if not any(each is not None for each in found):
            raise DataError(
                f"no row of {first.where} is equal to one of {second.where} in {' and '.join(keys)}, the columns that "
                f"both have: {_example(first, keys)} there, {_example(second, keys)} here"
            )
        added = {name: [None if i is None else cells[i] for i in found] for name, cells in _others(second, keys)}
        return Columns(first.where, {**first.cells, **added}, first.row, first.points, first.delimiter)


def _others(columns: Columns, keys: Sequence[str]) -> list[tuple[str, Sequence[Any]]]:
    return [(name, cells) for name, cells in columns.cells.items() if name not in keys]


def _keys(columns: Columns, names: Sequence[str]) -> list[tuple[str, ...]]:
    """What each row has in these columns; numbers alike however they are written."""
    cells = [[_key(each) for each in columns.cells[name]] for name in names]
    return list(zip(*cells, strict=True))


def _key(cell: Any) -> str:
    try:
        return repr(float(cell))
    except (TypeError, ValueError, OverflowError):
        return str(cell)


def _places(columns: Columns, names: Sequence[str]) -> Mapping[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    for row, key in enumerate(_keys(columns, names)):
        first = found.setdefault(key, row)
        if first != row:
            raise columns.refuse(
                [row],
                lambda i: f"{' and '.join(names)} {', '.join(key)} as in {columns.row(first)}",  # noqa: B023
                "A table that is joined to another has one row for each",
            )
    return found


def _example(columns: Columns, names: Sequence[str]) -> str:
    return ", ".join(shown(str(columns.cells[name][0])) for name in names)
