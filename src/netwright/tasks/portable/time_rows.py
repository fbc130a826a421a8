"""Tables with a row a time: their columns of numbers, and whether their rows follow each other as they should."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netwright.tasks.portable.cells import cell_value
from netwright.tasks.portable.rows import (
    LOOKED_THROUGH,
    delimiter_of,
    encoding_of,
    headings,
    rows_of,
    width_of,
    with_names,
)

DECIMAL: str
DELIMITER: str
HEADER: bool  # whether the table has a line with the columns' names
WIDTH: int  # columns of the training table
TARGETS: tuple[tuple[str, int], ...]  # columns that a table may lack

ENDINGS = (".csv", ".tsv", ".txt", ".data")
EVEN = 0.25  # part of the usual step by which another may differ: as months do, and clocks that are not exact


def time_of(clock: Mapping[str, Any], text: str) -> Any:
    """When a row was: a number, or a text that sorts; None for a cell that is neither."""
    if clock["kind"] == "text":
        return text
    value = cell_value(clock, text)
    return None if value is None or value != value else value


def first_late(times: Sequence[Any]) -> int | None:
    """The place of the first time that is not behind the one before."""
    return next((i for i in range(1, len(times)) if not times[i] > times[i - 1]), None)


def first_uneven(times: Sequence[Any], step: float | None) -> int | None:
    """The place of the first time that is not one usual step behind the one before; None without a step."""
    if step is None:
        return None
    return next((i for i in range(1, len(times)) if abs(times[i] - times[i - 1] - step) > EVEN * step), None)


def table_in(path: Path, columns: Sequence[tuple[str, int]]) -> list[tuple[int, list[str]]]:
    """The number of each row's line, and its texts in these columns, given by name and place; ValueError."""
    body = path.read_bytes()
    if not body.strip():
        raise ValueError("is empty")
    encoding = encoding_of(body)
    try:
        marks = dict.fromkeys((DELIMITER, delimiter_of(body, encoding) or DELIMITER))
        tables = [list(rows_of(body, encoding, mark)) for mark in marks]
    except csv.Error as problem:
        raise ValueError(f"cannot be read: {problem}") from None
    names = {name for name, _ in columns}
    numbered = max(tables, key=lambda rows: _fit([cells for _, cells in rows[:LOOKED_THROUGH]], names))
    start, places, width = _layout([cells for _, cells in numbered[: LOOKED_THROUGH + 1]], columns)
    found = []
    for line, cells in numbered[start:]:
        if len(cells) != width:
            raise ValueError(f"line {line}: {len(cells)} columns, but expected {width}")
        found.append((line, [cells[place] for place in places]))
    if not found:
        raise ValueError("holds no rows")
    return found


def number_of(decimal: str) -> dict[str, Any]:
    """How a cell of plain numbers is read."""
    return {"kind": "number", "decimal": decimal, "thousands": "", "sign": "", "brackets": False}


def number_in(text: str, line: int, name: str) -> float:
    """A cell's number, NaN where it is missing; ValueError with the line for anything else."""
    value = cell_value(number_of(DECIMAL), text)
    if value is None:
        raise ValueError(f"line {line}: {text!r} in the column {name!r} is no number")
    return value


def _fit(rows: Sequence[Sequence[str]], names: set[str]) -> int:
    """How well a delimiter splits rows: columns that are found, or rows of the right width."""
    if HEADER:
        return max((len(names & set(row)) for row in rows), default=0)
    return sum(len(row) in (WIDTH, WIDTH - len(TARGETS)) for row in rows)


def _layout(rows: Sequence[Sequence[str]], columns: Sequence[tuple[str, int]]) -> tuple[int, list[int], int]:
    """How many rows stand before the first time, where each column is, and how many there are."""
    wanted = [name for name, _ in columns]
    start = with_names(rows, wanted) if HEADER else None
    if start is None and HEADER:
        raise ValueError(f"has no line with the columns' names; expected {', '.join(map(repr, wanted[:8]))}")
    if start is None:
        return _without_names(rows, columns)
    names = headings(rows[start], rows[start + 1 :])
    lacking = [name for name in wanted if name not in names]
    if lacking:
        there = ", ".join(map(repr, names[:8]))
        raise ValueError(f"lacks {', '.join(map(repr, lacking[:8]))} among its columns; it has {there}")
    return start + 1, [names.index(name) for name in wanted], len(names)


def _without_names(rows: Sequence[Sequence[str]], columns: Sequence[tuple[str, int]]) -> tuple[int, list[int], int]:
    width = width_of(rows)
    if width not in (WIDTH, WIDTH - len(TARGETS)):
        raise ValueError(f"has {width} columns; expected {WIDTH}")
    gone = [place for _, place in TARGETS] if width < WIDTH else []
    start = next(i for i, row in enumerate(rows) if len(row) == width)
    return start, [place - sum(each < place for each in gone) for _, place in columns], width
