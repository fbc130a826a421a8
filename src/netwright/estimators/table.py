"""Measures an architecture by looking it up in a table of known results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from netwright.core.among import Among
from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Point
from netwright.core.errors import ConfigurationError, TrialFailed, UserError
from netwright.core.estimator import Estimator
from netwright.core.objective import Objective
from netwright.core.space import Space
from netwright.core.spelling import option
from netwright.core.trial import Measurement, Proposal
from netwright.core.workplace import workplace
from netwright.estimators.tables.contents import COST, check_choice, contents
from netwright.estimators.tables.coverage import report_of, require_complete
from netwright.estimators.tables.curves import curve_identity, with_absolute_paths
from netwright.estimators.tables.fidelities import Fidelities
from netwright.estimators.tables.joined import Joined
from netwright.estimators.tables.lookup import Lookup
from netwright.estimators.tables.places import Places
from netwright.estimators.tables.readers import source_of
from netwright.estimators.tables.surrogate import Surrogates, check_surrogate
from netwright.estimators.tables.table_report import TableReport

PROVIDES = ("est.tabular",)


class Untabulated(TrialFailed):
    """A table knows nothing of a candidate, which costs nothing and is no fault."""

    state = "infeasible"


class Table(Estimator):
    """Looks architectures up in a table of known results; no network is built.

    space: the space whose architectures are meant.
    source: a CSV, JSON or Parquet file, a mapping from column names to arrays or lists, a data frame, or a
        `netwright.estimators.tables.sources.Source`.
    architecture: the column that holds the space's own string form or its JSON; or a mapping from decisions to their
        columns, None for one column a decision, named like it.
    metrics: the columns to measure, or a mapping from metric to column; by default every column of numbers that is
        nothing else.
    fidelity: the column of the training budget (epochs), where there are several rows an architecture.
    cost: the column of seconds, measured as "cost_seconds"; where a trial continues another one of the same training
        (see `curve`), what it takes more.
    repeat: the column that tells several runs of one architecture apart, or True to number them as they come; the seed
        of the trial picks one.
    curve: {metric: where its learning curve is}, a column of lists, what the names of a family of columns begin with,
        an .npy or .npz file, or an array (rows, epochs); True where the rows of ascending fidelity are one training.
    missing: "refuse" or "skip" rows that lack a number.
    duplicates: "refuse", "first", or "mean" of the rows that are about the same.
    coverage: "complete" refuses a table that lacks an architecture of the space.
    within: let the table's `space` be its own architectures alone (`Among`), so that whatever draws or changes
        architectures keeps to them: for a table that knows a small part of its space.
    join: a further file, mapping or data frame, whose columns are added: that of latencies on a device, for one. Rows
        belong together that are equal in all columns that both have.
    surrogate: or let a predictor that is fitted to the table answer for all other architectures of the space: "forest",
        "boosting", "gp" or "linear". Such a measurement has the further metric "is_predicted".

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
        join: Any = None,
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
        self.space = space
        self.source = source_of(source) if join is None else Joined(source_of(source), source_of(join))
        self._arguments |= {"source": self.source, "join": None, "curve": with_absolute_paths(curve)}
        options = {name: self._arguments[name] for name in _READING}
        options["repeat"] = None if repeat is False else repeat
        self._contents = contents(space, self.source, options)
        self._fidelities = Fidelities(self._contents)
        self._about = space
        if within:
            self.space = Among(space, self._contents.arrangement.points)
        self.metrics = tuple(self._contents.values)
        self.surrogate = surrogate
        self._places = Places(self.space, self._contents.arrangement)
        self._lookup = Lookup(self._contents, self._fidelities, averaged=duplicates == "mean")
        self._ready: dict[Point, Measurement] = {}  # of architectures with one row
        self._by_part = self.one_training and COST in self.metrics
        self._one_each = not self.budgets and repeat in (None, False) and not self._by_part
        if coverage == "complete":
            require_complete(space, self._contents, self._places)

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
        share = self._fidelities.share(proposal.fidelity)
        if place is None:
            return self._without_row(candidate, share)
        found = self._lookup.at(place, share, seed)
        if found is None:
            raise self._not_at(candidate, share)
        if self._by_part and (continued := workplace().continued):
            return self._lookup.continuing(found, place, share, continued, seed)
        if self._one_each and share == 1:
            self._ready[candidate.content] = found
        return found

    def _without_row(self, candidate: Architecture, share: float) -> Measurement:
        """What the surrogate says."""
        if self.surrogate is None:
            raise Untabulated(f"{self._contents.where} has no row for {candidate}, nor for one of the same network")
        return self._surrogates.answer(candidate, share, self._fidelities.taken(share))

    def _not_at(self, candidate: Architecture, share: float) -> Untabulated:
        budget = self.budgets[self._fidelities.budget(share)]
        return Untabulated(
            f"{self._contents.where} has no row for {candidate} at {self._contents.fidelity} = {budget:g}"
        )

    def place_of(self, candidate: Architecture) -> int | None:
        """The number of the architecture's rows; its own first, then those of an equivalent one."""
        return self._places.place_of(candidate)

    # Predicting what the table lacks.

    def predicted(self, metric: str, candidate: Architecture, fidelity: float = 1.0) -> float:
        """What the surrogate says of an architecture, whether or not the table has it."""
        return self._surrogates.of(metric, self.share(fidelity)).predicted(candidate)

    @cached_property
    def _surrogates(self) -> Surrogates:
        if self.surrogate is None:
            raise UserError(f"{self._contents.where} was read without {option('surrogate')}, so that nothing predicts")
        return Surrogates(
            *(self.surrogate, self.space, self.metrics, self._contents.where),
            known=lambda: self.architectures,
            values=self.column,
        )

    def surrogate_lines(self, metrics: Sequence[str] = ()) -> list[str]:
        """Which predictor answers for the architectures that the table lacks, and how well it ranks held-out ones."""
        return [] if self.surrogate is None else self._surrogates.lines(metrics)

    # What the table holds.

    @property
    def budgets(self) -> tuple[float, ...]:
        """The values of the fidelity column, ascending; empty without one."""
        return self._fidelities.budgets

    @property
    def fidelities(self) -> tuple[float, ...]:
        """The shares of the full budget that differ, ascending; (1.0,) where there is only the full one."""
        return self._fidelities.different()

    @property
    def one_training(self) -> bool:
        """Whether what is known of an architecture at several budgets is one training, which a trial may continue."""
        return self._contents.followed or self._fidelities.epochs > 0

    def share(self, fidelity: float | None) -> float:
        """The share of the full budget of the row or the epoch that a proposal's fidelity takes."""
        return self._fidelities.taken(fidelity)

    @cached_property
    def architectures(self) -> tuple[Architecture, ...]:
        """The distinct architectures, in the order of their first rows."""
        return tuple([self.space.from_indices(point, check=False) for point in self._contents.arrangement.points])

    def column(self, metric: str, fidelity: float | None = None) -> NDArray[np.float64]:
        """The metric, or combination of metrics, of each of `architectures`, the mean of its repeats.

        NaN where it has no row at that fidelity.
        """
        return self._lookup.column(metric, fidelity)

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
        del described["arguments"]["join"]  # which the source tells of
        return described

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the source's content; a resumed run refuses another."""
        return self.source.fingerprint

    @cached_property
    def report(self) -> TableReport:
        """Rows, architectures, how much of the space they cover, and the range of each metric."""
        return report_of(self._about, self._contents, self._places)


_READING = ("architecture", "metrics", "fidelity", "cost", "repeat", "curve", "missing", "duplicates")
