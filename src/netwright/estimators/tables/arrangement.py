"""The rows of a table by architecture, budget and repeat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netwright.core.decisions import Point
from netwright.core.errors import DataError
from netwright.core.spelling import option
from netwright.estimators.tables.source_columns import Columns


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Where each architecture's rows are.

    points: the distinct architectures, in the order of their first rows.
    places: the number of each.
    budgets: ascending; empty without a fidelity column.
    rows: rows[place * max(1, len(budgets)) + budget] are those of an architecture at a budget, by repeat.
    repeats: what each row's repeat is called.
    duplicates: how many rows say again what another one says.
    """

    points: tuple[Point, ...]
    places: Mapping[Point, int]
    budgets: tuple[float, ...]
    rows: Mapping[int, tuple[int, ...]]
    repeats: NDArray[np.float64] | None
    duplicates: int

    def rows_at(self, place: int, budget: int) -> Sequence[int]:
        """The rows of an architecture at a budget, both by number; empty where there are none."""
        return self.rows.get(place * max(1, len(self.budgets)) + budget, ())


def arranged(
    columns: Columns,
    points: Sequence[Point | None],
    kept: Sequence[int],
    fidelity: NDArray[np.float64] | None,
    repeat: NDArray[np.float64] | None,
    duplicates: str,
    describe: Callable[[int], str],
) -> Arrangement:
    """Group the kept rows. Raises DataError for two rows of one architecture, budget and repeat, unless told otherwise.

    duplicates: "refuse"; "first" keeps the first of several; "mean" and "number" keep them all, side by side.
    """
    places: dict[Point, int] = {}
    budgets = () if fidelity is None else tuple(np.unique(fidelity[kept]).tolist())
    step = max(1, len(budgets))
    budget_of = np.zeros(len(columns), dtype=np.int64)
    if fidelity is not None:
        budget_of = np.searchsorted(np.asarray(budgets), fidelity)
    rows: dict[int, tuple[int, ...]] = {}
    doubled: list[tuple[int, int]] = []
    budget_list = budget_of.tolist()
    names = None if repeat is None else repeat.tolist()
    for row in kept:
        point = points[row]
        assert point is not None
        place = places.setdefault(point, len(places))
        key = place * step + budget_list[row]
        group = rows.get(key, ())
        if group and duplicates != "number":
            same = next((each for each in group if names is None or names[each] == names[row]), None)
            if same is not None:
                doubled.append((row, same))
                if duplicates == "first":
                    continue
        rows[key] = (*group, row)
    if doubled and duplicates == "refuse":
        raise _doubled(columns, doubled, describe)
    if names is not None:
        rows = {key: tuple(sorted(group, key=names.__getitem__)) for key, group in rows.items()}
    return Arrangement(tuple(places), places, budgets, rows, repeat, len(doubled))


def _doubled(columns: Columns, doubled: Sequence[tuple[int, int]], describe: Callable[[int], str]) -> DataError:
    first = dict(doubled)
    return columns.refuse(
        [row for row, _ in doubled],
        lambda row: f"{describe(row)} stands in {columns.row(first[row])} already",
        f"Several runs of one architecture need {option('repeat')} (the column of their seeds, or True to number "
        f"them), several budgets need {option('fidelity')}; {option('duplicates', 'first')} or "
        f"{option('duplicates', 'mean')} takes them together",
    )
