"""Examples of a table: which rows are kept, which gaps are refused, and what goes with each column before float32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core import blocks
from netwright.core.errors import DataError
from netwright.core.problem import Problem
from netwright.core.spelling import option
from netwright.tasks import features
from netwright.tasks.choosing import Column
from netwright.tasks.column_kinds import quoted
from netwright.tasks.splits import limited, pick
from netwright.tasks.tables import Table

Rows = NDArray[np.int64]
_FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows of one table.

    targets: what each asks for.
    kept: the places of those that are used.
    groups: the text of each by which it belongs to others.
    """

    table: Table
    columns: Sequence[Column]
    targets: NDArray[Any]
    kept: Rows
    groups: Sequence[str] | None = None

    @classmethod
    def all(cls, table: Table, columns: Sequence[Column], targets: NDArray[Any]) -> Examples:
        return cls(table, columns, targets, np.arange(len(targets)))

    def with_specs(self, columns: Sequence[Column]) -> Examples:
        """The same rows, prepared as these columns say."""
        own = [replace(each, spec=other.spec) for each, other in zip(self.columns, columns, strict=True)]
        return replace(self, columns=own)

    def inputs(self) -> NDArray[np.float32]:
        """The kept rows as features (n, features), gaps filled with the median, and told where the column says so."""
        width = sum(len(each.features) for each in self.columns)
        found: NDArray[np.float32] = blocks.empty((len(self.kept), width), np.float32)
        at = 0
        for column in self.columns:
            spec, width, values = column.spec, len(column.features), column.values[self.kept]
            if spec["kind"] == "one-hot":
                found[:, at : at + width] = values[:, None] == np.arange(width)
            else:
                found[:, at] = (values if column.is_category else _filled(values, spec["median"])) - spec["offset"]
                if width > 1:
                    found[:, at + 1] = np.isnan(values)
            at += width
        return found

    def check(self, nan: str) -> None:
        """Raise DataError for gaps, unless `nan` says what to do with them, and for numbers beyond float32."""
        for column in self.columns:
            huge = np.abs(column.values) > _FLOAT32_MAX
            if huge.any():
                line = self.table.lines([int(np.argmax(huge))])[0]
                raise DataError(
                    f"{self.table.where}: the column {column.name!r} holds {int(huge.sum()):,} values beyond 3.4e38, "
                    f"the largest that networks compute with, such as {column.values[huge][0]:.3g} in line {line}; "
                    "scale the column, or leave these cells empty"
                )
        if nan == "error":
            self._refuse_gaps()

    def _refuse_gaps(self) -> None:
        gaps = [(each.name, np.flatnonzero(np.isnan(each.values))) for each in self.columns if not each.is_category]
        total = sum(len(rows) for _, rows in gaps)
        if not total:
            return
        first = sorted((int(row), name) for name, rows in gaps for row in rows[:5])[:5]
        rows = sorted({row for row, _ in first})
        line = dict(zip(rows, self.table.lines(rows), strict=True))
        listed = ", ".join(f"(line {line[row]}, {name!r})" for row, name in first)
        raise DataError(
            f"{self.table.where} lacks {total:,} numbers, the first at {listed}; {option('nan', 'impute-median')} "
            f"fills them with the column's median, {option('nan', 'indicate')} also tells networks where they were, "
            f"{option('nan', 'drop')} leaves the rows out"
        )

    def without_gaps(self) -> tuple[Examples, tuple[str, ...]]:
        """The rows that lack no number, and what is said of the others."""
        bad = np.zeros(len(self.kept), np.bool_)
        for column in self.columns:
            bad |= np.isnan(column.values[self.kept])
        if not bad.any():
            return self, ()
        if bad.all():
            raise DataError(f"every row of {self.table.where} lacks a number, so that none is left")
        note = f"{int(bad.sum()):,} of {len(bad):,} rows of {self.table.where} lack a number and were left out"
        return replace(self, kept=self.kept[~bad]), (note,)

    def filled(self) -> tuple[str, ...]:
        """What is said of gaps that the median fills."""
        total = sum(int(np.isnan(each.values[self.kept]).sum()) for each in self.columns)
        return (f"{total:,} gaps of {self.table.where} became their column's median",) if total else ()


def chosen_rows(
    train: Examples,
    others: Sequence[Examples | None],
    nan: str,
    limit: int | float | None,
    seed: int,
    problem: Problem,
) -> tuple[Examples, list[Examples | None], tuple[str, ...]]:
    """The rows that a limit keeps, without those that `nan` leaves out, and what is said of both.

    others: the test and the validation rows, where they came with the data.
    problem: what is asked for, by whose strata the rows are drawn.
    """
    notes: tuple[str, ...] = ()
    test, validation = others
    if limit is not None:
        train, test, validation, notes = _limited(train, test, validation, limit, seed, problem)
    found: list[Examples | None] = []
    for each in (train, test, validation):
        if each is not None and nan == "drop":
            each, more = each.without_gaps()
            notes += more
        elif each is not None:
            notes += each.filled()
        found.append(each)
    assert found[0] is not None
    return found[0], found[1:], notes


def _limited(
    train: Examples,
    test: Examples | None,
    validation: Examples | None,
    limit: int | float,
    seed: int,
    problem: Problem,
) -> tuple[Examples, Examples | None, Examples | None, tuple[str, ...]]:
    """The same share of each; of test rows no fewer than say something."""
    of_test = None if test is None else problem.strata(test.targets)
    kept, kept_test, notes = limited(problem.strata(train.targets), of_test, limit, seed)
    share = len(kept) / len(train.targets)
    if test is not None and kept_test is not None:
        test = replace(test, kept=kept_test)
    if validation is not None:
        count = max(1, round(share * len(validation.targets)))
        validation = replace(validation, kept=pick(problem.strata(validation.targets), count, seed))
    return replace(train, kept=kept), test, validation, notes


def fitted(
    columns: Sequence[Column], kept: Rows, where: str, indicate: bool = False
) -> tuple[list[Column], tuple[str, ...]]:
    """The columns with the median that fills their gaps and the offset that float32 needs, of these rows.

    columns: as they were chosen.
    kept: places of the training rows.
    where: the table's name.
    indicate: whether columns of numbers with gaps get a second feature, which is 1 where there was one.
    """
    done, shifted, indicated = [], [], []
    for column in columns:
        if column.is_category:
            done.append(column)
            continue
        values = column.values[kept]
        if np.isnan(values).all():
            raise DataError(
                f"{where}: the column {column.name!r} holds no number in the rows that are kept; leave it out"
            )
        median = float(np.nanmedian(values))
        offset = features.offsets(_filled(values, median)[:, None])
        shift = 0.0 if offset is None else float(offset[0])
        shifted += [column.name] if shift else []
        spec = {**column.spec, "median": median, "offset": shift}
        if indicate and np.isnan(values).any():
            spec["indicated"] = True
            indicated.append(column.name)
        done.append(replace(column, spec=spec))
    said = (f"a second feature of {quoted(indicated)} says which numbers were missing",) if indicated else ()
    return done, (*features.shifted_note(shifted), *said)


def _filled(values: NDArray[Any], median: float) -> NDArray[Any]:
    gaps = np.isnan(values)
    return np.where(gaps, median, values) if gaps.any() else values
