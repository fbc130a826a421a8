"""What a table says of the architectures that it has rows of, by their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.core.combination import Combination, combination, is_combination
from netwright.core.errors import UserError, nearest
from netwright.core.trial import Measurement
from netwright.estimators.tables.contents import COST, Contents
from netwright.estimators.tables.fidelities import Fidelities


class Lookup:
    """The measurements of one table; each is made once.

    contents: of the table.
    fidelities: of the same contents.
    averaged: whether the mean of an architecture's repeats is taken, in place of the one that a seed picks.
    """

    def __init__(self, contents: Contents, fidelities: Fidelities, averaged: bool) -> None:
        self._contents, self._fidelities, self._averaged = contents, fidelities, averaged
        self._arrangement = contents.arrangement
        self._made: dict[tuple[int, ...], Measurement] = {}
        self._continued: dict[tuple[int, int], Measurement] = {}  # by the ids of two of these

    def at(self, place: int, share: float, seed: int) -> Measurement | None:
        """What is known of an architecture, by number, at a share of the full budget; None where there is no row."""
        budget = self._fidelities.budget(share)
        rows = self._arrangement.rows_at(place, budget)
        if not rows:
            return None
        row = rows[seed % len(rows)]
        epochs = self._fidelities.epochs_at(share)
        key = (place, budget, epochs) if self._averaged else (row, budget, epochs)
        found = self._made.get(key)
        if found is None:
            chosen = list(rows) if self._averaged else [row]
            found = self._made[key] = self._measured(chosen, epochs, self._curve(place, budget, row))
        return found

    def _measured(self, rows: list[int], epochs: int, curve: Sequence[Mapping[str, float]]) -> Measurement:
        contents = self._contents
        metrics = {name: _mean(values, rows) for name, values in contents.values.items()}
        if epochs:
            curve = self._beside(rows, epochs)
        if epochs < self._fidelities.epochs:
            cost = metrics.get(COST)
            metrics = {name: value for name, value in curve[-1].items() if name != "epoch"}
            if cost is not None:
                metrics[COST] = cost * epochs / self._fidelities.epochs
        return Measurement(metrics, curve=tuple(curve))

    def _beside(self, rows: list[int], epochs: int) -> list[dict[str, float]]:
        """The first epochs of the curves beside these rows."""
        curves = {name: curve[rows, :epochs].mean(axis=0).tolist() for name, curve in self._contents.curves.items()}
        return [{"epoch": float(i + 1), **{name: curve[i] for name, curve in curves.items()}} for i in range(epochs)]

    def _curve(self, place: int, budget: int, row: int) -> list[dict[str, float]]:
        """What is known of this run up to its budget, where the rows of ascending fidelity are one training."""
        if not self._contents.followed:
            return []
        entries: list[dict[str, float]] = []
        for number in range(budget + 1):
            if rows := self._of_training(place, number, budget, row):
                values = {name: _mean(values, rows) for name, values in self._contents.values.items()}
                entries.append({"epoch": self._fidelities.budgets[number], **values})
        return entries

    # Going on with a training.

    def continuing(self, found: Measurement, place: int, share: float, continued: float, seed: int) -> Measurement:
        """What a trial measures that goes on from an earlier one, at the share `continued`, whose cost was paid then.

        found: what is known at `share`.
        """
        before = self._earlier(place, share, continued, seed)
        if before is None:
            return found
        key = id(found), id(before)
        if key not in self._continued:
            added = max(0.0, found.metrics[COST] - before.metrics[COST])  # means of other repeats may fall
            metrics = {**found.metrics, COST: added}
            self._continued[key] = Measurement(metrics, curve=found.curve)
        return self._continued[key]

    def _earlier(self, place: int, share: float, continued: float, seed: int) -> Measurement | None:
        """What the training that `seed` picks at a share measured at a lower one; None where it has no row there."""
        now, before = self._fidelities.budget(share), self._fidelities.budget(continued)
        rows = self._arrangement.rows_at(place, now)
        same = self._of_training(place, before, now, rows[seed % len(rows)])
        return self.at(place, continued, self._arrangement.rows_at(place, before).index(same[0])) if same else None

    def _of_training(self, place: int, budget: int, now: int, row: int) -> Sequence[int]:
        """The rows at a budget of the training that has this row at the budget `now`: by its name, else its number."""
        rows, repeats = self._arrangement.rows_at(place, budget), self._arrangement.repeats
        if self._averaged:
            return rows
        if repeats is not None:
            return [each for each in rows if repeats[each] == repeats[row]]
        number = self._arrangement.rows_at(place, now).index(row)
        return rows[number : number + 1]

    # All architectures at once.

    def column(self, metric: str, fidelity: float | None) -> NDArray[np.float64]:
        """The metric, or combination of metrics, of each architecture, the mean of its repeats; NaN without a row."""
        if metric not in self._contents.values and is_combination(metric):
            return self._combined(combination(metric), fidelity)
        self._require(metric)
        share = self._fidelities.share(fidelity)
        values = self._values(metric, share)
        budget = self._fidelities.budget(share)
        found = [self._arrangement.rows_at(place, budget) for place in range(len(self._arrangement.points))]
        if all(len(rows) == 1 for rows in found):
            return values[[rows[0] for rows in found]]
        return np.array([_mean(values, rows) if rows else np.nan for rows in found])

    def _require(self, metric: str) -> None:
        values = self._contents.values
        if metric not in values:
            raise UserError(f"{self._contents.where} has no metric {metric!r}{nearest(metric, tuple(values))}")

    def _values(self, metric: str, share: float) -> NDArray[np.float64]:
        """Of each row."""
        contents, epochs = self._contents, self._fidelities.epochs_at(share)
        if epochs == self._fidelities.epochs:
            return contents.values[metric]
        if metric not in contents.curves:
            raise UserError(f"{metric!r} has no curve{nearest(metric, contents.curves)}")
        return contents.curves[metric][:, epochs - 1]

    def _combined(self, wanted: Combination, fidelity: float | None) -> NDArray[np.float64]:
        columns = {name: self.column(name, fidelity).tolist() for name in wanted.needs}
        rows = zip(*columns.values(), strict=True)
        return np.array([wanted.value(dict(zip(columns, row, strict=True))) for row in rows])


def _mean(values: NDArray[np.float64], rows: Sequence[int]) -> float:
    return float(values[rows[0]]) if len(rows) == 1 else float(values[list(rows)].mean())
