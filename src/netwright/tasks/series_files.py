"""Files of series: .ts files of the UCR and UEA archives, and tables with a row a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError
from netwright.core.spelling import option
from netwright.core.wording import listed
from netwright.tasks.column_kinds import Spec, decimal_of, kind_of, values_of
from netwright.tasks.portable.series_lines import says, ts_lines, ts_values
from netwright.tasks.portable.time_rows import number_of
from netwright.tasks.raw_series import GroupedRows, Lines, Reader
from netwright.tasks.tables import Table, read_table
from netwright.tasks.targets import column_of


@dataclass(eq=False)
class Found:
    """Series as they were read.

    series: of each (channels, length), float64, NaN where a value is missing.
    targets: what stands beside each, as it is written or as numbers.
    names: what each is called in messages.
    reader: how others like them are read.
    places: where each is, as the reader takes it.
    may_differ: whether the file says that lengths differ.
    """

    series: list[NDArray[np.float64]]
    targets: Any
    names: Sequence[str]
    reader: Reader
    places: Sequence[Any]
    may_differ: bool = False
    notes: tuple[str, ...] = ()
    numbers: bool | None = field(default=None)  # whether the file says that targets are numbers


# .ts files.


def read_ts(path: Path) -> Found:
    """A .ts file: a header of lines that begin with @, then a series a line, its channels apart by colons.

    Raises DataError with the line of what cannot be read.
    """
    try:
        return _read_ts(path)
    except ValueError as problem:
        said = str(problem)
        raise DataError(f"{path.name}{', ' if said.startswith('line ') else ' '}{said}") from None


def _read_ts(path: Path) -> Found:
    head, lines = ts_lines(path)
    series: list[NDArray[np.float64]] = []
    targets: list[str] = []
    for number, line in lines:
        *channels, target = line.split(":")
        if not channels or not target.strip():
            raise ValueError(f"line {number}: expected channels and a target, apart by colons")
        series.append(ts_values(channels, number))
        targets.append(_known(target.strip(), head.get("classlabel", ()), number))
        if len(channels) != len(series[0]):
            raise ValueError(f"line {number}: {len(channels)} channels, the first series has {len(series[0])}")
    if not series:
        raise ValueError("holds no series behind @data")
    return Found(
        *(series, np.array(targets), [f"line {number}" for number, _ in lines]),
        *(Lines(path), [number for number, _ in lines]),
        may_differ=says(head, "equallength") is False,
        numbers=True if says(head, "targetlabel") else None,
    )


def _known(target: str, declared: Sequence[str], number: int) -> str:
    """The target of a line; ValueError where the header lists classes, and it is none of them.

    declared: what stands behind @classLabel: true, and the classes.
    """
    classes = declared[1:]
    if not classes or target in classes or _number(target) in map(_number, classes):
        return target
    raise ValueError(
        f"line {number}: the class {target!r} is none of those that @classLabel lists: {listed(classes, 12)}"
    )


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


# Tables.


def read_rows(
    path: Path,
    series: str | int,
    target: str | int | None,
    time: str | int | None,
    drop: Sequence[str] = (),
    header: bool | None = None,
    delimiter: str | None = None,
) -> Found:
    """The series of a table with a row a time; rows of one series stand in the order of time.

    series: the column that says to which series a row belongs.
    target: the column of what is asked for, the same in all rows of a series.
    time: the column by which rows of a series ascend; None for the order of the file.

    Raises UserError for an unknown column, DataError with the line where time does not ascend or a cell is no number.
    """
    table = read_table(path, delimiter, header, target)
    group, asked = column_of(table, series), column_of(table, target)
    clock = None if time is None else column_of(table, time)
    decimal, _ = decimal_of(table.sample, table.delimiter)
    left_out = {group, asked, *([] if clock is None else [clock])}
    columns = [i for i, name in enumerate(table.columns) if i not in left_out and name not in drop]
    if not columns:
        raise DataError(
            f"{table.where} has no column of numbers beside {listed([table.columns[i] for i in left_out], 3)}"
        )
    values = np.stack([numbers_in(table, i, decimal) for i in columns])
    names, of_each = table.cells[group].texts, table.cells[group].codes
    targets = table.cells[asked].all_texts()
    times, spec = (None, {}) if clock is None else clock_of(table, clock, decimal)
    found, answers, places = [], [], []
    for code, name in enumerate(names):
        rows = np.flatnonzero(of_each == code)
        if clock is not None and times is not None:
            _require_ascending(table, clock, rows, times, name)
        asked_for = {targets[i] for i in rows.tolist()}
        if len(asked_for) > 1:
            raise DataError(
                f"{table.where}: the series {name!r} has {len(asked_for)} values of {table.columns[asked]!r}, "
                f"{listed(sorted(map(repr, asked_for)), 3)}; expected one"
            )
        found.append(values[:, rows])
        places.append(rows)
        answers.append(asked_for.pop())
    numbered = [(name, place) for place, name in enumerate(table.columns)]
    reader = GroupedRows(
        *(table, decimal, tuple(numbered[i] for i in columns), None if clock is None else numbered[clock], spec),
        targets=(numbered[asked],),
        group=numbered[group],
    )
    return Found(found, np.array(answers), [f"series {each!r}" for each in names], reader, places)


def numbers_in(table: Table, place: int, decimal: str, *, asked: bool = False) -> NDArray[np.float64]:
    """A column of numbers, NaN where one is missing; DataError with the line for anything else.

    asked: whether it is what is asked for, which cannot be left out.
    """
    found = table.cells[place].numbers(decimal)
    if found is not None:
        return found
    for row, text in enumerate(table.cells[place].all_texts()):
        try:
            float(text.replace(decimal, "."))
        except ValueError:
            if text.strip() not in ("", "?", "NA", "NaN", "nan"):
                line = table.lines([row])[0]
                way = (
                    "it is the target: correct it"
                    if asked
                    else f"leave it out with {option('drop', table.columns[place])}"
                )
                raise DataError(
                    f"{table.where}, line {line}: {text!r} in the column {table.columns[place]!r} is no number; {way}"
                ) from None
    raise UserError(f"{table.where}: the column {table.columns[place]!r} is not one of plain numbers")


def _require_ascending(table: Table, clock: int, rows: NDArray[np.int64], times: NDArray[Any], name: str) -> None:
    times = times[rows]
    late = np.flatnonzero(times[1:] <= times[:-1])
    if len(late):
        line = table.lines([int(rows[late[0] + 1])])[0]
        raise DataError(
            f"{table.where}, line {line}: {table.columns[clock]!r} does not ascend within the series {name!r}; sort "
            "the rows"
        )


def clock_of(table: Table, place: int, decimal: str) -> tuple[NDArray[Any], Spec]:
    """When each row was, and how cells say it: numbers, dates in days, times in hours, else texts that sort.

    Raises DataError with the line for a cell without a time.
    """
    column = table.cells[place]
    times, spec = column.numbers(decimal), number_of(decimal)
    if times is None:
        kind = kind_of(column.texts, column.counts.tolist(), decimal)
        if kind.spec is None or kind.odd:
            return np.array(column.all_texts()), {"kind": "text"}
        times, spec = values_of(kind.spec, column.texts)[0][column.codes], kind.spec
    gaps = np.flatnonzero(np.isnan(times))
    if len(gaps):
        raise DataError(
            f"{table.where}, line {table.lines([int(gaps[0])])[0]}: the time is missing in {table.columns[place]!r}"
        )
    return times, spec
