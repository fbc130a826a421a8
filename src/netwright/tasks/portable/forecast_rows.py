"""The last rows of a table with a row a time, from which a forecast goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.tasks.portable.time_rows import first_late, first_uneven, number_in, table_in, time_of

INPUTS: tuple[tuple[str, int], ...]  # names and places of the channels' columns
CLOCK_COLUMN: tuple[tuple[str, int], ...]  # the column by which rows ascend, or none
CLOCK: Mapping[str, Any]  # how its cells are read
LENGTH: int  # rows that the network reads
STEP: float | None  # between rows, None where it is not known


def read(path: Path) -> tuple[list[str], list[NDArray[Any]]]:
    """The last rows of a table, (channels, LENGTH), named by the line behind which values are forecast; ValueError."""
    rows = _in_order(table_in(path, (*CLOCK_COLUMN, *INPUTS)))
    if len(rows) < LENGTH:
        raise ValueError(f"holds {len(rows):,} rows; a forecast goes on from {LENGTH:,}")
    _require_even(rows[-LENGTH:])
    last = _values(rows)[:, -LENGTH:]
    for (line, _), values in zip(rows[-LENGTH:], last.T, strict=True):
        for value, (name, _) in zip(values, INPUTS, strict=True):
            if value != value:
                raise ValueError(f"line {line}: {name!r} is missing; a forecast needs each value")
    line, cells = rows[-1]
    return [f"after {cells[0] if CLOCK_COLUMN else f'line {line}'}"], [last]


def stretches(path: Path) -> list[NDArray[Any]]:
    """The values of all rows of a table, NaN where one is missing: of each stretch in even steps, (channels, rows)."""
    rows = _in_order(table_in(path, (*CLOCK_COLUMN, *INPUTS)))
    steps = enumerate(pairwise(rows), 1)
    return np.split(_values(rows), [place for place, both in steps if _gap(both) is not None], axis=1)


def _values(rows: Sequence[tuple[int, list[str]]]) -> NDArray[Any]:
    """(channels, rows); ValueError with the line of a text that is no number, however early it stands."""
    first = len(CLOCK_COLUMN)
    return np.array(
        [
            [number_in(text, line, name) for text, (name, _) in zip(cells[first:], INPUTS, strict=True)]
            for line, cells in rows
        ]
    ).T


def _gap(rows: Sequence[tuple[int, list[str]]]) -> int | None:
    """The place of the first row that is not one usual step behind the one before."""
    return first_uneven([time_of(CLOCK, cells[0]) for _, cells in rows], STEP) if CLOCK_COLUMN else None


def _require_even(rows: Sequence[tuple[int, list[str]]]) -> None:
    gap = _gap(rows)
    if gap is not None:
        line, cells = rows[gap]
        name = CLOCK_COLUMN[0][0]
        raise ValueError(f"line {line}: {cells[0]!r} in the column {name!r} is not one step behind the row before")


def _in_order(rows: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """The rows in the order of time; ValueError with the line."""
    for name, _ in CLOCK_COLUMN:
        times = [time_of(CLOCK, cells[0]) for _, cells in rows]
        if None in times:
            line, cells = rows[times.index(None)]
            raise ValueError(f"line {line}: {cells[0]!r} in the column {name!r} is no time")
        if len(times) > 1 and first_late(times[::-1]) is None:  # the last first
            rows, times = rows[::-1], times[::-1]
        late = first_late(times)
        if late is not None:
            raise ValueError(f"line {rows[late][0]}: {name!r} does not ascend; sort the rows, one a time")
    return rows
