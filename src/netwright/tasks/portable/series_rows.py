"""Series of a table with a row a time and a column that says to which series a row belongs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.tasks.portable.series import require_fit
from netwright.tasks.portable.time_rows import first_late, number_in, table_in, time_of

INPUTS: tuple[tuple[str, int], ...]  # names and places of the channels' columns
GROUP: tuple[str, int]  # the column that says to which series a row belongs
CLOCK_COLUMN: tuple[tuple[str, int], ...]  # the column by which rows of a series ascend, or none
CLOCK: Mapping[str, Any]  # how its cells are read
MASKED: bool  # whether a channel more says where values are
UNEQUAL: str  # what is done with other lengths: "error", "pad" or "cut"


def read(path: Path) -> tuple[list[str], list[NDArray[Any]]]:
    """The series of a table, in the order in which they come, named as there; ValueError with the line."""
    rows: dict[str, list[tuple[int, list[str]]]] = {}
    for line, (group, *cells) in table_in(path, (GROUP, *CLOCK_COLUMN, *INPUTS)):
        rows.setdefault(group, []).append((line, cells))
    found: list[NDArray[Any]] = []
    for name, own in rows.items():
        _require_ascending(name, own)
        found.append(np.array([_values(line, cells[len(CLOCK_COLUMN) :]) for line, cells in own]).T)
        require_fit(f"series {name!r}", found[-1])
    return list(rows), found


def _values(line: int, cells: Sequence[str]) -> list[float]:
    found = [number_in(text, line, name) for text, (name, _) in zip(cells, INPUTS, strict=True)]
    if not MASKED and UNEQUAL != "cut":  # where all times are read
        for value, (name, _) in zip(found, INPUTS, strict=True):
            if value != value:
                raise ValueError(f"line {line}: {name!r} is missing; no training series lacked a value")
    return found


def _require_ascending(series: str, rows: Sequence[tuple[int, list[str]]]) -> None:
    for name, _ in CLOCK_COLUMN:
        times = [time_of(CLOCK, cells[0]) for _, cells in rows]
        if None in times:
            line, cells = rows[times.index(None)]
            raise ValueError(f"line {line}: {cells[0]!r} in the column {name!r} is no time")
        late = first_late(times)
        if late is not None:
            raise ValueError(
                f"line {rows[late][0]}: {name!r} does not ascend within the series {series!r}; sort the rows"
            )
