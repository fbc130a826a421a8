"""Which examples belong together, and in which order they came: columns by which splits are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError
from netwright.core.spelling import option
from netwright.core.wording import listed
from netwright.tasks.column_kinds import kind_of, values_of
from netwright.tasks.portable.cells import is_missing
from netwright.tasks.table_rows import Examples
from netwright.tasks.tables import Table

_SHOWN = 5
_ALONE = "\0"  # begins the group of a row of which nothing is known


def group_numbers(
    train: Examples, validation: Examples | None, test: Examples | None, name: str | None
) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """A number for each training and validation row, equal for those of one group, and what is said of them.

    name: of the column; None where there are no groups.
    """
    if name is None:
        return None, ()
    given = {"training": train, "validation": validation, "test": test}
    parts = {which: [] if part is None else _texts(part, which) for which, part in given.items()}
    texts = parts["training"] + parts["validation"]
    distinct, numbers = np.unique(np.array(texts), return_inverse=True)
    given_parts = (train, validation, test)
    require_groups(distinct.tolist(), sum(each is None for each in given_parts) + 1, f"{train.table.where}: {name!r}")
    groups = f"{len(distinct):,} groups of rows by {name!r}, never on both sides of a split"
    return numbers.reshape(-1).astype(np.int64), (groups, *_in_both(parts, name))


def require_groups(names: Sequence[object], least: int, what: str) -> None:
    """DataError where groups, which are split whole, are too few.

    names: of the groups.
    least: how many splits take some of them.
    what: whose they are.
    """
    if len(names) < least:
        for_what = {2: "one each to train and to set aside", 3: "one each to train, to validate and to test on"}
        raise DataError(
            f"{what} has {len(names)} group{'s' * (len(names) != 1)} ({listed(list(map(repr, names)), _SHOWN)}), which "
            f"are split whole: at least {least} are needed, {for_what[least]}; give a column with more of them for "
            f"{option('group_column')}, or none"
        )


def _texts(examples: Examples, which: str) -> list[str]:
    """The group of each row that is kept; a row without one stands for itself."""
    kept: list[int] = examples.kept.tolist()
    groups = [""] * len(examples.targets) if examples.groups is None else list(examples.groups)
    texts = [groups[row] for row in kept]
    return [f"{_ALONE}{which} {i}" if is_missing(text) else text for i, text in enumerate(texts)]


def _in_both(parts: dict[str, list[str]], name: str) -> tuple[str, ...]:
    """What is said of groups that the user's own files have on both sides."""
    notes: tuple[str, ...] = ()
    known = {which: set(texts) for which, texts in parts.items()}
    for first, second in (("training", "validation"), ("training", "test"), ("validation", "test")):
        both = sorted(each for each in known[first] & known[second] if not each.startswith(_ALONE))
        if both:
            notes += (
                f"{len(both):,} groups of {name!r} are in the {first} and in the {second} file "
                f"({listed([repr(each) for each in both], _SHOWN)}): what is measured there may be too good",
            )
    return notes


def times_of(table: Table, place: int, decimal: str) -> NDArray[np.float64]:
    """When each row was, in numbers, days or hours; DataError for a gap or another text, with its line."""
    cells = table.cells[place]
    values = cells.numbers(decimal)
    if values is None:
        kind = kind_of(cells.texts, cells.counts.tolist(), decimal)
        if kind.spec is None:
            raise _no_time(table, place, 0)
        found, odd = values_of(kind.spec, cells.texts)
        if odd:
            raise _no_time(table, place, cells.first(odd[0]))
        values = found[cells.codes]
    gaps = np.flatnonzero(np.isnan(values))
    if len(gaps):
        raise _no_time(table, place, int(gaps[0]))
    return values


def _no_time(table: Table, place: int, row: int) -> DataError:
    cells = table.cells[place]
    text = cells.texts[cells.codes[row]]
    return DataError(
        f"{table.where}, line {table.lines([row])[0]}: {text!r} in the column {table.columns[place]!r} is no date, "
        "time or number, by which rows could be ordered"
    )


def numbered(values: Sequence[object], count: int, what: str) -> NDArray[np.int64]:
    """A number for each of `count` examples, equal for equal values; DataError for another length, and for gaps."""
    array = np.asarray(values)
    if array.shape != (count,):
        raise DataError(f"{what} has the shape {array.shape}; expected one value for each of {count:,} examples")
    if array.dtype.kind == "f" and bool(np.isnan(array).any()):
        raise DataError(f"{what} lacks a value, the first at row {int(np.isnan(array).argmax())}")
    return np.unique(array.astype(str) if array.dtype.kind == "O" else array, return_inverse=True)[1].astype(np.int64)
