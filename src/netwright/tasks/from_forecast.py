"""What comes next in a table over time: the next values of some columns, from the last values of all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.core.checks import one_of, part, whole_number
from netwright.core.errors import DataError, UserError
from netwright.core.kinds import kinds_checked
from netwright.core.problem import amount
from netwright.core.spelling import option
from netwright.core.task import Examples
from netwright.problems.forecast import Forecast
from netwright.tasks.column_kinds import Spec, decimal_of
from netwright.tasks.given_paths import existing
from netwright.tasks.portable.time_rows import EVEN
from netwright.tasks.raw_series import LastRows, SeriesOf
from netwright.tasks.remaking import remakeable
from netwright.tasks.series_files import clock_of, numbers_in
from netwright.tasks.splits import kept
from netwright.tasks.tables import Table, read_table
from netwright.tasks.targets import column_of, target_columns
from netwright.tasks.task import Task

WINDOW = 24
_LEAST = 4  # windows of a part of the data

Numbers = NDArray[np.float64]


@remakeable("forecast")
@kinds_checked
def forecast(
    path: str | os.PathLike[str],
    *,
    horizon: int,
    target: str | int | Sequence[str] | None = None,
    window: int = WINDOW,
    time_column: str | int | None = None,
    season: int | None = None,
    gaps: Literal["error", "allow"] = "error",
    drop: Sequence[str] = (),
    header: bool | None = None,
    delimiter: str | None = None,
    limit: int | float | None = None,
    test_share: float = 0.1,
    validation_share: float = 0.1,
) -> Task:
    """A task of a table with a row a time: the next values of one or several columns.

    A network is given the last `window` rows of all columns, and answers with the next `horizon` values of each target.
    The last part of the table is the final test, the part before it is validated on; windows that reach over a border
    between two parts are left out, so that nothing that is asked for in one part is seen in another.

    path: of the table.
    horizon: rows ahead.
    target: the columns that are asked for, in a list or separated by commas; all of numbers where None.
    window: rows that are given.
    time_column: the column by which rows ascend; None for the order of the file.
    season: rows after which values come again, such as 24 for hours; told beside the last value.
    gaps: what is done where a row is not one usual step of time behind the one before: "error" names it, "allow" takes
        each row as the next.
    drop: columns to leave out.
    header, delimiter: found out unless given.
    limit: keep the last rows, as a number or a share.
    test_share, validation_share: of the rows.

    Raises UserError for an unknown column, DataError with the line where time does not ascend or leaves a gap and where
    a cell is no number, and for fewer rows than windows need.
    """
    for name, value in (("horizon", horizon), ("window", window)):
        whole_number("", name, value)
    for name, value in (("test_share", test_share), ("validation_share", validation_share)):
        part("", name, value)
    one_of("", "gaps", gaps, ("error", "allow"))
    table = read_table(existing(path, "file", "a table (.csv)"), delimiter, header)
    decimal, _ = decimal_of(table.sample, table.delimiter)
    clock = None if time_column is None else column_of(table, time_column)
    asked = [] if target is None or target == [] else target_columns(table, target)
    columns, values = _columns(table, asked, clock, drop, decimal)
    order, spec, step = _in_order(table, clock, decimal, gaps)
    order, notes = _limited(order, limit)
    values = values[order]
    asked = asked or columns
    places = [columns.index(each) for each in asked]
    cuts = _cuts(table, len(values), test_share, validation_share, window + horizon)
    names = [table.columns[each] for each in asked]
    starts = [
        np.arange(first, last - window - horizon + 1)
        for first, last in zip((0, *cuts), (*cuts, len(values)), strict=True)
    ]
    inputs, targets = _windows(values, places, window, horizon)
    learnt, validated, tested = starts
    reader = LastRows(
        *(table, decimal, tuple((table.columns[i], i) for i in columns)),
        None if clock is None else (table.columns[clock], clock),
        *(spec, (), step),
    )
    labels = [f"{name} +{step}" for name in names for step in range(1, horizon + 1)]
    problem = Forecast(labels, channels=places, season=season).fitted(targets[learnt])
    told = [f"{len(each):,}" for each in starts]
    left_out = 2 * (window + horizon - 1)
    notes += (
        f"split in time: {told[0]} windows to train on, then {told[1]} to validate and {told[2]} to test on; "
        f"{left_out:,} that reach over a border were left out",
        *_naive(values, places, validated, window, horizon, season),
    )

    def examples(each: NDArray[np.int64]) -> Examples:
        stored = np.ascontiguousarray(problem.stored(targets[each]))
        return Examples(torch.from_numpy(np.ascontiguousarray(inputs[each])), torch.from_numpy(stored))

    ours = examples(np.concatenate((learnt, validated)))
    held_out = np.arange(len(learnt), len(learnt) + len(validated))
    windows = [order[start : start + window] for start in tested.tolist()]
    return Task(
        *(table.path.stem, ours, examples(tested), problem),
        notes=notes,
        validation=held_out,
        validation_said="the last ones before the test",
        by_time=True,
        preparation=SeriesOf(reader, reader, windows, window, (0.0,) * len(columns)),
    )


def _columns(
    table: Table, asked: Sequence[int], clock: int | None, drop: Sequence[str], decimal: str
) -> tuple[list[int], Numbers]:
    """The columns of numbers, and their values (rows, columns); those that are asked for must be among them."""
    for name in drop:
        column_of(table, name)
    others = [i for i, name in enumerate(table.columns) if i != clock and name not in drop]
    columns = [i for i in others if i in asked or table.cells[i].numbers(decimal) is not None]
    if not columns:
        raise DataError(f"{table.where} has no column of numbers")
    values = np.stack([numbers_in(table, i, decimal, asked=i in asked) for i in columns], 1)
    gaps = np.argwhere(~np.isfinite(values))
    if len(gaps):
        row, column = gaps[0].tolist()
        place, count = columns[column], int((gaps[:, 1] == column).sum())
        name = table.columns[place]
        what, way = f"{name!r}", f", or leave the column out with {option('drop', name)}"
        if place in asked:
            what, way = f"the target {name!r}", ""
        raise DataError(
            f"{table.where}, line {table.lines([row])[0]}: {what} is missing, as in {count:,} of {len(values):,} rows; "
            f"fill the gaps{way}"
        )
    return columns, values


def _in_order(table: Table, clock: int | None, decimal: str, gaps: str) -> tuple[NDArray[np.int64], Spec, float | None]:
    """The rows in the order of time, how their cells say it, and the usual step; DataError with the line."""
    order = np.arange(len(table))
    if clock is None:
        return order, {}, None
    times, spec = clock_of(table, clock, decimal)
    if (times[1:] < times[:-1]).all():  # the last first
        order, times = order[::-1], times[::-1]
    late = np.flatnonzero(times[1:] <= times[:-1])
    if len(late):
        raise DataError(
            f"{table.where}, line {table.lines([int(order[late[0] + 1])])[0]}: {table.columns[clock]!r} does not "
            "ascend; sort the rows, one a time"
        )
    if gaps == "allow" or times.dtype.kind != "f":
        return order, spec, None
    step = float(np.median(np.diff(times)))
    _require_even(table, clock, order, times, step)
    return order, spec, step


def _require_even(table: Table, clock: int, order: NDArray[np.int64], times: Numbers, step: float) -> None:
    """DataError with the line of the first row that is not one usual step behind the one before."""
    steps = np.diff(times)
    uneven = np.flatnonzero(np.abs(steps - step) > EVEN * step)
    if len(uneven):
        row, name = int(uneven[0]) + 1, table.columns[clock]
        before, here = ((table.cells[clock].all_texts())[i] for i in order[[row - 1, row]].tolist())
        raise DataError(
            f"{table.where}, line {table.lines([int(order[row])])[0]}: {name!r} goes from {before} to {here}, "
            f"{steps[row - 1] / step:,.3g} of the usual steps ({len(uneven):,} of {len(steps):,} differ); fill the "
            f"gaps, or say {option('gaps', 'allow')} to take each row as the next"
        )


def _limited(rows: NDArray[np.int64], limit: int | float | None) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    count = kept(len(rows), limit)
    note = f"limit: the last {count:,} of {len(rows):,} rows kept"
    return rows[len(rows) - count :], (note,) * (count < len(rows))


def _cuts(table: Table, rows: int, test: float, validation: float, span: int) -> tuple[int, int]:
    """The rows at which validation and test begin; DataError where a part has too few windows."""
    last = round(rows * (1 - test))
    first = last - round(rows * validation)
    for begin, end, what in ((0, first, "train"), (first, last, "validate"), (last, rows, "test")):
        if end - begin - span + 1 < _LEAST:
            raise DataError(
                f"{table.where} has {rows:,} rows, too few: {max(0, end - begin):,} are to {what} on, where {_LEAST} "
                f"windows with what follows them take {span + _LEAST - 1}; give more rows, or a smaller window"
            )
    if first <= 0:
        raise UserError(f"{option('test_share')} and {option('validation_share')} leave nothing to train on")
    return first, last


def _windows(values: Numbers, places: Sequence[int], window: int, horizon: int) -> tuple[NDArray[np.float32], Numbers]:
    """Of each window its rows, (n, columns, window), and what follows, (n, targets x horizon), target by target."""
    count = len(values) - window - horizon + 1
    inputs = np.lib.stride_tricks.sliding_window_view(values.astype(np.float32), window, 0)[:count]
    later = np.lib.stride_tricks.sliding_window_view(values[window:, places], horizon, 0)[:count]
    return inputs, later.reshape(count, -1)


def _naive(
    values: Numbers, places: Sequence[int], starts: NDArray[np.int64], window: int, horizon: int, season: int | None
) -> tuple[str, ...]:
    """How far off it is to say that values stay as they are, or come again after a season, on what is validated."""
    ahead = starts[:, None] + window + np.arange(horizon)
    truth = values[ahead][:, :, places]
    guesses = {"the last value again": values[starts + window - 1][:, None, places]}
    if season is not None:
        back = starts[:, None] + window + np.arange(horizon) % season - season
        if (back >= 0).all():
            guesses[f"the value {season} rows before"] = values[back][:, :, places]
    told = [f"{name} is off by {amount(float(np.abs(truth - guess).mean()))}" for name, guess in guesses.items()]
    return (f"without a network, in validation windows, on average: {'; '.join(told)} (MAE)",)
