"""Measures an architecture by looking it up in a table of known results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from netwright.core.among import Among
from netwright.core.architecture import Architecture
from netwright.core.combination import Combination, combination, is_combination
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Point
from netwright.core.errors import ConfigurationError, DataError, TrialFailed, UserError, nearest
from netwright.core.estimator import Estimator
from netwright.core.objective import Objective
from netwright.core.space import Space
from netwright.core.spelling import option
from netwright.core.trial import Measurement, Proposal, share_of
from netwright.core.workplace import workplace
from netwright.estimators.tables.contents import COST, check_choice, contents
from netwright.estimators.tables.curves import curve_identity, with_absolute_paths
from netwright.estimators.tables.readers import source_of
from netwright.estimators.tables.surrogate import Surrogate, check_surrogate
from netwright.estimators.tables.table_report import TableReport

PROVIDES = ("est.tabular",)

MOST_COUNTED = 1_000_000  # architectures of a space that are gone through to see which of them a table lacks
_ROUNDING = 1e-9


class Untabulated(TrialFailed):
    """A table knows nothing of a candidate, which costs nothing and is no fault."""

    state = "infeasible"


class Table(Estimator):
    """Looks architectures up in a table of known results; no network is built.

    source: a CSV, JSON or Parquet file, a mapping from column names to arrays or lists, a data frame, or a
    `netwright.estimators.tables.sources.Source`. architecture: the column that holds the space's own string form or its
    JSON; or a mapping from decisions to their columns, None for one column a decision, named like it. metrics: the
    columns to measure, or a mapping from metric to column; by default every column of numbers that is nothing else.
    fidelity: the column of the training budget (epochs), where there are several rows an architecture. cost: the column
    of seconds, measured as "cost_seconds"; where a trial continues another one of the same training (see `curve`), what
    it takes more. repeat: the column that tells several runs of one architecture apart, or
    True to number them as they come; the seed of the trial picks one. curve: {metric: where its learning curve is}, a
    column of lists, what the names of a family of columns begin with, an .npy or .npz file, or an array (rows,
    epochs); True where the rows of ascending fidelity are one training. missing: "refuse" or "skip" rows that lack
    a number. duplicates: "refuse", "first", or "mean" of the rows that are about the same. coverage: "complete"
    refuses a table that lacks an architecture of the space. within: let the table's `space` be its own architectures
    alone (`Among`), so that whatever draws or changes architectures keeps to them: for a table that knows a small part
    of its space. surrogate: or let a predictor that is fitted to the table answer for all other architectures of the
    space: "forest", "boosting", "gp" or "linear". Such a measurement has the further metric "is_predicted".

    An architecture that has no row of its own takes that of `space.canonical`, or of another one with the same
    canonical form; where there is none, the trial is infeasible. A proposal's fidelity f takes the row of the largest
    budget up to f times the largest; with curves beside the rows, the epoch, and the cost in proportion.

    Raises DataError, with file, row, value and the nearest alternative, for what cannot be read, is no architecture of
    the space, stands there twice, or is no finite number; ConfigurationError for options that do not fit each other.
    """

    needs: ClassVar[type[Space]] = DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        source: Any,
        *,
        architecture: str | Mapping[str, str] | None = "arch",
        metrics: str | Sequence[str] | Mapping[str, str] | None = None,
        fidelity: str | None = None,
        cost: str | None = None,
        repeat: str | bool | None = None,
        curve: Mapping[str, Any] | bool | None = None,
        missing: Literal["refuse", "skip"] = "refuse",
        duplicates: Literal["refuse", "first", "mean"] = "refuse",
        coverage: Literal["any", "complete"] = "any",
        within: bool = False,
        surrogate: Literal["forest", "boosting", "gp", "linear"] | None = None,
    ) -> None:
        check_surrogate(surrogate)
        if within and surrogate is not None:
            raise ConfigurationError(
                "Table: within keeps to the architectures of the table, and surrogate answers for the others; give one"
            )
        check_choice("missing", missing, ("refuse", "skip"))
        check_choice("duplicates", duplicates, ("refuse", "first", "mean"))
        check_choice("coverage", coverage, ("any", "complete"))
        self.space, self.source = space, source_of(source)
        self._arguments |= {"source": self.source, "curve": with_absolute_paths(curve)}
        options = {name: self._arguments[name] for name in _READING}
        options["repeat"] = None if repeat is False else repeat
        self._contents = contents(space, self.source, options)
        self._arrangement = self._contents.arrangement
        self._about = space
        if self.budgets and self.budgets[-1] <= 0:
            raise DataError(
                f"{self._contents.where}: the largest {self._contents.fidelity} is {self.budgets[-1]:g}; expected "
                "budgets above 0"
            )
        if within:
            self.space = Among(space, self._arrangement.points)
        self.metrics = tuple(self._contents.values)
        self.surrogate = surrogate
        self._surrogates: dict[tuple[str, float], Surrogate] = {}
        self._predicted: dict[tuple[Point, float], Measurement] = {}
        self._averaged = duplicates == "mean"
        self._ready: dict[Point, Measurement] = {}  # of architectures with one row
        self._made: dict[tuple[int, ...], Measurement] = {}
        self._continued: dict[tuple[int, int], Measurement] = {}  # by the ids of two of these
        self._equivalents: dict[Point, int] = {}
        self._by_part = self.one_training and COST in self.metrics
        self._one_each = not self.budgets and repeat in (None, False) and not self._by_part
        if coverage == "complete":
            self._require_complete()

    # Estimating.

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """The row of the candidate; `seed` picks one of several repeats.

        Raises Untabulated for an architecture that the table lacks, UserError for a mixture and for a fidelity that is
        no share of the full budget, or where the table has neither budgets nor curves.
        """
        candidate = proposal.candidate
        if proposal.fidelity is None and type(candidate) is Architecture and candidate.space is self.space:
            found = self._ready.get(candidate.content)
            if found is not None:
                return found
        return self._looked_up(proposal, seed)

    def _looked_up(self, proposal: Proposal, seed: int) -> Measurement:
        candidate = proposal.candidate
        if not isinstance(candidate, Architecture):
            raise UserError("Table looks architectures up; a mixture of all options was proposed")
        place = self.place_of(candidate)
        share = self._share(proposal.fidelity)
        if place is None and self.surrogate is not None:
            return self._answered(candidate, share)
        if place is None:
            raise Untabulated(f"{self._contents.where} has no row for {candidate}, nor for one of the same network")
        found = self._at(place, share, seed)
        if found is None:
            raise Untabulated(
                f"{self._contents.where} has no row for {candidate} at {self._contents.fidelity} = "
                f"{self.budgets[self._budget(share)]:g}"
            )
        if self._by_part and (continued := workplace().continued):
            return self._continuing(found, self._earlier(place, share, continued, seed))
        if self._one_each and share == 1:
            self._ready[candidate.content] = found
        return found

    # Predicting what the table lacks.

    def _answered(self, candidate: Architecture, share: float) -> Measurement:
        """What the surrogate says of an architecture without a row; "is_predicted" tells it from a measured one."""
        key = candidate.content, share
        if key not in self._predicted:
            values = {metric: self.predicted(metric, candidate, share) for metric in self.metrics}
            self._predicted[key] = Measurement({**values, "is_predicted": 1.0})
        return self._predicted[key]

    def predicted(self, metric: str, candidate: Architecture, fidelity: float = 1.0) -> float:
        """What the surrogate says of an architecture, whether or not the table has it."""
        return self._surrogate(metric, self.share(fidelity)).predicted(candidate)

    def _surrogate(self, metric: str, share: float) -> Surrogate:
        if (metric, share) not in self._surrogates:
            values = self.column(metric, share)
            self._surrogates[metric, share] = Surrogate(
                self.surrogate or "", self.space, self.architectures, values, self._contents.where
            )
        return self._surrogates[metric, share]

    def surrogate_lines(self, metrics: Sequence[str] = ()) -> list[str]:
        """Which predictor answers for the architectures that the table lacks, and how well it ranks held-out ones."""
        if self.surrogate is None:
            return []
        taus = [f"{metric} {self._surrogate(metric, 1.0).rank_correlation:.2f}" for metric in metrics or self.metrics]
        return [
            f"architectures without a row are predicted ({self.surrogate}, made of the {len(self.architectures):,} of "
            f"the table); Kendall's tau on held-out ones: {', '.join(taus)}"
        ]

    def _earlier(self, place: int, share: float, continued: float, seed: int) -> Measurement | None:
        """What the training that `seed` picks at a share measured at a lower one; None where it has no row there."""
        now, before = self._budget(share), self._budget(continued)
        rows = self._arrangement.rows_at(place, now)
        same = self._of_training(place, before, now, rows[seed % len(rows)])
        return self._at(place, continued, self._arrangement.rows_at(place, before).index(same[0])) if same else None

    def _of_training(self, place: int, budget: int, now: int, row: int) -> Sequence[int]:
        """The rows at a budget of the training that has this row at the budget `now`: by its name, else its number."""
        rows, repeats = self._arrangement.rows_at(place, budget), self._arrangement.repeats
        if self._averaged:
            return rows
        if repeats is not None:
            return [each for each in rows if repeats[each] == repeats[row]]
        number = self._arrangement.rows_at(place, now).index(row)
        return rows[number : number + 1]

    def _continuing(self, found: Measurement, before: Measurement | None) -> Measurement:
        """What a trial measures that goes on from an earlier one, whose cost was paid then."""
        if before is None:
            return found
        key = id(found), id(before)
        if key not in self._continued:
            added = max(0.0, found.metrics[COST] - before.metrics[COST])  # means of other repeats may fall
            metrics = {**found.metrics, COST: added}
            self._continued[key] = Measurement(metrics, curve=found.curve)
        return self._continued[key]

    def _at(self, place: int, share: float, seed: int) -> Measurement | None:
        """What is known of an architecture, by number, at a share of the full budget; None where there is no row."""
        budget = self._budget(share)
        rows = self._arrangement.rows_at(place, budget)
        if not rows:
            return None
        row = rows[seed % len(rows)]
        epochs = self._epochs(share)
        key = (place, budget, epochs) if self._averaged else (row, budget, epochs)
        found = self._made.get(key)
        if found is None:
            chosen = list(rows) if self._averaged else [row]
            found = self._made[key] = self._measured(chosen, epochs, self._curve(place, budget, row))
        return found

    def place_of(self, candidate: Architecture) -> int | None:
        """The number of the architecture's rows; its own first, then those of an equivalent one."""
        if candidate.space is not self.space:
            self.space.require_own(candidate)
        place = self._arrangement.places.get(candidate.content)
        if place is None:
            place = self._equivalents.get(candidate.content)
        return self._equivalent(candidate.content) if place is None else place

    def _equivalent(self, point: Point) -> int | None:
        """The number of the rows of an architecture that gives the same network."""
        canonical = self.space.key(self.space.from_indices(point, check=False))
        place = self._arrangement.places.get(canonical)
        if place is None:
            place = self._classes.get(canonical)
        if place is not None:
            self._equivalents[point] = place
        return place

    @cached_property
    def _classes(self) -> dict[Point, int]:
        """By canonical form, the first architecture of the table that has it."""
        found: dict[Point, int] = {}
        for place, point in enumerate(self._arrangement.points):
            found.setdefault(self.space.key(self.space.from_indices(point, check=False)), place)
        return found

    def _share(self, fidelity: float | None) -> float:
        share = share_of(fidelity)
        if not 0 < share <= 1:
            raise UserError(f"fidelity is a share of the full budget, above 0 and at most 1, found {share!r}")
        if share < 1 and not self.budgets and not self._contents.epochs:
            raise UserError(
                f"{self._contents.where} was read without a fidelity column or curves, so that nothing is known at "
                f"fidelity {share:g}; name them with {option('fidelity')} or {option('curve')}"
            )
        return share

    def _budget(self, share: float) -> int:
        """The number of the largest budget that the share allows, never one of 0: that would be no training."""
        if not self.budgets:
            return 0
        limit = share * self.budgets[-1] * (1 + _ROUNDING)
        number = int(np.searchsorted(self.budgets, limit, side="right")) - 1
        if number < 0 or self.budgets[number] <= 0:
            least = min((each for each in self.budgets if each > 0), default=self.budgets[-1])
            raise UserError(
                f"fidelity {share:g} of {self._contents.fidelity} = {self.budgets[-1]:g} lies below the smallest "
                f"budget of {self._contents.where} above 0, {least:g}; the smallest share is "
                f"{least / self.budgets[-1]:.4g}"
            )
        return number

    def _epochs(self, share: float) -> int:
        """How many epochs of the curves beside the rows the share allows, at least one; 0 without any."""
        epochs = self._contents.epochs
        return epochs and max(1, int(share * epochs * (1 + _ROUNDING)))

    def _measured(self, rows: list[int], epochs: int, curve: Sequence[Mapping[str, float]]) -> Measurement:
        contents = self._contents
        metrics = {name: _mean(values, rows) for name, values in contents.values.items()}
        if epochs:
            curve = self._beside(rows, epochs)
        if epochs < contents.epochs:
            cost = metrics.get(COST)
            metrics = {name: value for name, value in curve[-1].items() if name != "epoch"}
            if cost is not None:
                metrics[COST] = cost * epochs / contents.epochs
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
                entries.append({"epoch": self.budgets[number], **values})
        return entries

    # What the table holds.

    @property
    def budgets(self) -> tuple[float, ...]:
        """The values of the fidelity column, ascending; empty without one."""
        return self._arrangement.budgets

    @property
    def fidelities(self) -> tuple[float, ...]:
        """The shares of the full budget that differ, ascending; (1.0,) where there is only the full one."""
        if self.budgets:
            return tuple(each / self.budgets[-1] for each in self.budgets if each > 0)
        epochs = self._contents.epochs
        return tuple((i + 1) / epochs for i in range(epochs)) or (1.0,)

    @property
    def one_training(self) -> bool:
        """Whether what is known of an architecture at several budgets is one training, which a trial may continue."""
        return self._contents.followed or self._contents.epochs > 0

    def share(self, fidelity: float | None) -> float:
        """The share of the full budget of the row or the epoch that a proposal's fidelity takes."""
        share = self._share(fidelity)
        if self.budgets:
            return self.budgets[self._budget(share)] / self.budgets[-1]
        return self._epochs(share) / self._contents.epochs if self._contents.epochs else share

    @cached_property
    def architectures(self) -> tuple[Architecture, ...]:
        """The distinct architectures, in the order of their first rows."""
        return tuple([self.space.from_indices(point, check=False) for point in self._arrangement.points])

    def column(self, metric: str, fidelity: float | None = None) -> NDArray[np.float64]:
        """The metric, or combination of metrics, of each of `architectures`, the mean of its repeats.

        NaN where it has no row at that fidelity.
        """
        if metric not in self._contents.values and is_combination(metric):
            return self._combined(combination(metric), fidelity)
        if metric not in self._contents.values:
            raise UserError(f"{self._contents.where} has no metric {metric!r}{nearest(metric, self.metrics)}")
        share = self._share(fidelity)
        epochs = self._epochs(share)
        if epochs < self._contents.epochs:
            if metric not in self._contents.curves:
                raise UserError(f"{metric!r} has no curve{nearest(metric, self._contents.curves)}")
            values = self._contents.curves[metric][:, epochs - 1]
        else:
            values = self._contents.values[metric]
        budget = self._budget(share)
        found = [self._arrangement.rows_at(place, budget) for place in range(len(self._arrangement.points))]
        if all(len(rows) == 1 for rows in found):
            return values[[rows[0] for rows in found]]
        return np.array([_mean(values, rows) if rows else np.nan for rows in found])

    def _combined(self, wanted: Combination, fidelity: float | None) -> NDArray[np.float64]:
        columns = {name: self.column(name, fidelity).tolist() for name in wanted.needs}
        rows = zip(*columns.values(), strict=True)
        return np.array([wanted.value(dict(zip(columns, row, strict=True))) for row in rows])

    def best(self, metric: str) -> float:
        """The best value at the full budget; "loss:minimize" gives a direction, most names imply theirs."""
        place, objective = self._best(metric)
        return float(self.column(objective.metric)[place])

    def best_architecture(self, metric: str) -> Architecture:
        """The architecture with the best value, the first of several."""
        return self.architectures[self._best(metric)[0]]

    def _best(self, metric: str) -> tuple[int, Objective]:
        objective = Objective.parse(metric)
        values = self.column(objective.metric)
        return int(np.nanargmax(values if objective.direction == "maximize" else -values)), objective

    def configuration(self) -> dict[str, Any]:
        """As JSON: the source and the curves by name and SHA-256 of their content, wherever they lie."""
        described = super().configuration()
        described["arguments"]["curve"] = curve_identity(self._arguments["curve"])
        return described

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the source's content; a resumed run refuses another."""
        return self.source.fingerprint

    @cached_property
    def report(self) -> TableReport:
        """Rows, architectures, how much of the space they cover, and the range of each metric."""
        found, contents = self._arrangement, self._contents
        lengths = [len(rows) for rows in found.rows.values()]
        used = [row for rows in found.rows.values() for row in rows]
        ranges = {name: (float(each[used].min()), float(each[used].max())) for name, each in contents.values.items()}
        return TableReport(
            *(contents.where, self._about.id, contents.used, contents.skipped, found.duplicates),
            *(len(found.points), self._about.size, self._covered(), found.budgets),
            *((min(lengths), max(lengths)), contents.epochs, ranges, contents.outside),
        )

    def _covered(self) -> int | None:
        """How many architectures of the space the table knows; None where there are too many to go through."""
        if len(self._arrangement.points) == self._about.size:
            return self._about.size
        if type(self._about).canonical is DecisionSpace.canonical:
            return len(self._arrangement.points)
        if self._about.size > MOST_COUNTED:
            return None
        return sum(self.place_of(each) is not None for each in self._about.enumerate())

    def _require_complete(self) -> None:
        if len(self._arrangement.points) == self._about.size:
            return
        if self._about.size > MOST_COUNTED:
            raise DataError(
                f"{self._contents.where} holds {len(self._arrangement.points):,} of the {self._about.size:,} "
                "architectures of the space; coverage='complete' was asked"
            )
        lost = next((each for each in self._about.enumerate() if self.place_of(each) is None), None)
        if lost is not None:
            raise DataError(
                f"{self._contents.where} has no row for {lost}; {self.report.missing:,} of {self._about.size:,} "
                "architectures are missing, and coverage='complete' was asked"
            )


_READING = ("architecture", "metrics", "fidelity", "cost", "repeat", "curve", "missing", "duplicates")


def _mean(values: NDArray[np.float64], rows: Sequence[int]) -> float:
    return float(values[rows[0]]) if len(rows) == 1 else float(values[list(rows)].mean())
