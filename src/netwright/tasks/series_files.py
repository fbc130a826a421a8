"""Files of series: .ts files of the UCR and UEA archives, and tables with a row a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError
from netwright.core.spelling import option
from netwright.core.wording import listed
from netwright.tasks.column_kinds import decimal_of
from netwright.tasks.tables import Table, read_table
from netwright.tasks.targets import column_of

_FLAGS = {"true": True, "false": False}


@dataclass(eq=False)
class Found:
    """Series as they were read.

    series: of each (channels, length), float64, NaN where a value is missing.
    targets: what stands beside each, as it is written or as numbers.
    names: what each is called in messages.
    channels: names of the channels.
    may_differ: whether the file says that lengths differ.
    """

    series: list[NDArray[np.float64]]
    targets: Any
    names: Sequence[str]
    channels: Sequence[str]
    may_differ: bool = False
    notes: tuple[str, ...] = ()
    numbers: bool | None = field(default=None)  # whether the file says that targets are numbers


# .ts files.


def read_ts(path: Path) -> Found:
    """A .ts file: a header of lines that begin with @, then a series a line, its channels apart by colons.

    Raises DataError with the line of what cannot be read.
    """
    head, lines = _header(path)
    series: list[NDArray[np.float64]] = []
    targets: list[str] = []
    names: list[str] = []
    for number, line in lines:
        *channels, target = line.split(":")
        if not channels or not target.strip():
            raise DataError(f"{path.name}, line {number}: expected channels and a target, apart by colons")
        series.append(_values(channels, path, number))
        targets.append(_known(target.strip(), head.get("classlabel", ()), path, number))
        names.append(f"line {number}")
        if len(channels) != len(series[0]):
            raise DataError(
                f"{path.name}, line {number}: {len(channels)} channels, the first series has {len(series[0])}"
            )
    if not series:
        raise DataError(f"{path.name} holds no series behind @data")
    return Found(
        *(series, np.array(targets), names, [f"channel {i}" for i in range(len(series[0]))]),
        may_differ=_says(head, "equallength") is False,
        numbers=True if _says(head, "targetlabel") else None,
    )


def _says(head: Mapping[str, Sequence[str]], name: str) -> bool | None:
    """What a line such as "@equalLength true" says; None where it says neither, or is not there."""
    words = head.get(name, ())
    return _FLAGS.get(words[0].lower()) if words else None


def _known(target: str, declared: Sequence[str], path: Path, number: int) -> str:
    """The target of a line; DataError where the header lists classes, and it is none of them.

    declared: what stands behind @classLabel: true, and the classes.
    """
    classes = declared[1:]
    if not classes or target in classes or _number(target) in map(_number, classes):
        return target
    raise DataError(
        f"{path.name}, line {number}: the class {target!r} is none of those that @classLabel lists: "
        f"{listed(classes, 12)}"
    )


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _header(path: Path) -> tuple[dict[str, list[str]], Iterator[tuple[int, str]]]:
    """The words of the lines before @data, by their first one, and the numbered lines behind it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path.name} is no .ts file: it is no text") from None
    if not text:
        raise DataError(f"{path} is empty (0 bytes)")
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    head: dict[str, list[str]] = {}
    for place, (_, line) in enumerate(lines):
        word, *rest = line.split() or [""]
        if word.lower() == "@data":
            behind = ((number, each) for number, each in lines[place + 1 :] if each and not each.startswith("#"))
            if _says(head, "timestamps"):
                raise DataError(f"{path.name} has time stamps, which are not read; write values at even times")
            return head, behind
        if word.startswith("@"):
            head[word[1:].lower()] = rest
    raise DataError(f"{path.name} is no .ts file: it has no line @data")


def _values(channels: Sequence[str], path: Path, number: int) -> NDArray[np.float64]:
    rows: list[list[float]] = []
    for channel in channels:
        cells = [each.strip() for each in channel.split(",")]
        try:
            rows.append([np.nan if each in ("?", "", "NaN") else float(each) for each in cells])
        except ValueError as problem:
            raise DataError(
                f"{path.name}, line {number}: {problem}; expected numbers, or ? where one is missing"
            ) from None
    if len({len(row) for row in rows}) > 1:
        lengths = [len(row) for row in rows]
        raise DataError(f"{path.name}, line {number}: its channels have different lengths: {lengths}")
    return np.array(rows)


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
    found, answers = [], []
    for code, name in enumerate(names):
        rows = np.flatnonzero(of_each == code)
        if clock is not None:
            _require_ascending(table, clock, rows, decimal, name)
        asked_for = {targets[i] for i in rows.tolist()}
        if len(asked_for) > 1:
            raise DataError(
                f"{table.where}: the series {name!r} has {len(asked_for)} values of {table.columns[asked]!r}, "
                f"{listed(sorted(map(repr, asked_for)), 3)}; expected one"
            )
        found.append(values[:, rows])
        answers.append(asked_for.pop())
    return Found(found, np.array(answers), [f"series {each!r}" for each in names], [table.columns[i] for i in columns])


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


def _require_ascending(table: Table, clock: int, rows: NDArray[np.int64], decimal: str, name: str) -> None:
    times = clock_of(table, clock, decimal)[rows]
    late = np.flatnonzero(times[1:] <= times[:-1])
    if len(late):
        line = table.lines([int(rows[late[0] + 1])])[0]
        raise DataError(
            f"{table.where}, line {line}: {table.columns[clock]!r} does not ascend within the series {name!r}; sort "
            "the rows"
        )


def clock_of(table: Table, place: int, decimal: str) -> NDArray[Any]:
    """What rows are ordered by: numbers, or dates as texts that sort as they follow each other."""
    found = table.cells[place].numbers(decimal)
    return np.array(table.cells[place].all_texts()) if found is None else found
