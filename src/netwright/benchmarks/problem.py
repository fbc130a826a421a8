"""What a comparison searches: an estimator over a space, the metric that is searched, and the one that is reported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.benchmarks.blinded import Blinded
from netwright.core.configuration import as_json
from netwright.core.errors import ConfigurationError, UserError, nearest
from netwright.core.estimator import Estimator
from netwright.core.kinds import expect
from netwright.core.objective import Objective
from netwright.core.roles import space_of
from netwright.core.space import Space
from netwright.core.wording import listed
from netwright.estimators.tables.contents import COST

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.estimators.table import Table


@dataclass(frozen=True, eq=False)
class BenchmarkProblem:
    """One task of a comparison.

    estimator: of the networks of one space; a table, or any other.
    metric: what the strategies are told, and what the best network so far is chosen by.
    report: what is reported of the chosen network, which strategies never see on a table; by default the metric itself.
        Both may give a direction, as "test_error:minimize".
    name: by default the report's metric, or those of all objectives.
    objectives: two and more in place of a metric and a report, as "latency_ms:minimize"; strategies search for a front,
        and are compared by its hypervolume.

    A table reports its value at the full budget, the mean over repeats. Any other estimator must measure the report
    together with the metric. Raises ConfigurationError for what is no estimator of a space, and for metrics that it
    does not measure.
    """

    estimator: Estimator
    metric: str = ""
    report: str = ""
    name: str = ""
    objectives: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        estimator = self.estimator
        expect(estimator, "Estimator", "a problem's estimator")
        if self._space is None:
            raise ConfigurationError(
                f"{type(estimator).__name__} has no space; a comparison needs estimators that know theirs, such as "
                "Table and Training, or one of your own with the attribute `space`"
            )
        object.__setattr__(self, "objectives", tuple(self.objectives))
        if self.objectives:
            self._check_objectives()
        elif not self.metric:
            raise ConfigurationError("a problem needs a metric, or objectives: two and more")
        object.__setattr__(self, "report", self.report or self.metric)
        asked = [each.metric for each in self.several] or [self.reported.metric]
        object.__setattr__(self, "name", self.name or " and ".join(asked))
        roles = (("objective", each) for each in self.several)
        for role, objective in roles if self.objectives else (("metric", self.searched), ("report", self.reported)):
            for name in objective.needs(self.metrics) if self.metrics else ():
                if name not in self.metrics:
                    hint = nearest(name, self.metrics)
                    raise ConfigurationError(f"{role} {name!r}: {self.where} has no such metric{hint}")

    def _check_objectives(self) -> None:
        if self.metric or self.report:
            raise ConfigurationError("a problem has a metric and a report, or objectives; give one of them")
        names = [each.metric for each in self.several]
        if len(names) < 2 or len(set(names)) < len(names):
            raise ConfigurationError(f"objectives are {listed(names, 5)}; expected two and more, each once")

    def __reduce__(self) -> tuple[Any, ...]:
        return BenchmarkProblem, (self.estimator, self.metric, self.report, self.name, self.objectives)

    @property
    def several(self) -> tuple[Objective, ...]:
        """The objectives where there are several; empty for a single metric."""
        return tuple(map(Objective.parse, self.objectives))

    @property
    def space(self) -> Space:
        assert self._space is not None
        return self._space

    @property
    def _space(self) -> Space | None:
        """The space of the estimator, or of the stages that it is made of, as of `Stack`."""
        found = (space_of(each) for each in (self.estimator, *self.estimator.stages()))
        return next((each for each in found if each is not None), None)

    @property
    def metrics(self) -> tuple[str, ...]:
        """What the estimator measures, as far as it says so; without the cost of a table."""
        found = [each.metrics for each in self.estimator.stages()]
        return tuple(name for names in found for name in names if name != COST) if all(found) else ()

    @property
    def where(self) -> str:
        """The estimator in a few words."""
        table = self.table
        return type(self.estimator).__name__ if table is None else table.source.name

    @property
    def searched(self) -> Objective:
        return Objective.parse(self.metric)

    @property
    def reported(self) -> Objective:
        return Objective.parse(self.report)

    @cached_property
    def table(self) -> Table | None:
        """The estimator where it is a table."""
        from netwright.estimators.table import Table

        return self.estimator if isinstance(self.estimator, Table) else None

    @property
    def has_costs(self) -> bool:
        """Whether the estimator is a table that knows what each evaluation would have taken."""
        return self.table is not None and COST in self.table.metrics

    @property
    def whole_only(self) -> bool:
        """Whether the estimator is a table that knows of full trainings alone."""
        return self.table is not None and self.table.fidelities == (1.0,)

    @property
    def continues(self) -> bool:
        """Whether a trial at a higher fidelity that goes on from one at a lower takes only what is missing."""
        if self.table is not None:
            return self.table.one_training
        return any(each.can_continue for each in self.estimator.stages())

    def part(self, fidelity: float | None) -> float:
        """What an evaluation at this fidelity is, in full ones: on a table, of the row or the epoch that it takes.

        Of a training the epochs, of which it takes at least one.
        """
        if fidelity is None:
            return 1.0
        if self.table is not None:
            return self.table.share(fidelity)
        from netwright.estimators.training import Training

        trained = next((each for each in self.estimator.stages() if isinstance(each, Training)), None)
        return fidelity if trained is None else trained.share(fidelity)

    @cached_property
    def searching(self) -> Estimator:
        """The estimator as the strategies know it: of a table, only the metric that is searched and the cost."""
        if self.table is None:
            return self.estimator
        asked = self.several or (self.searched,)
        needed = dict.fromkeys(name for each in asked for name in each.needs(self.table.metrics))
        return Blinded(self.table, (*needed, *((COST,) if self.has_costs else ())))

    @cached_property
    def _reports(self) -> dict[Architecture, float]:
        """Of a table: the reported metric by architecture, those of other architectures are added as they are met."""
        assert self.table is not None
        values = self.table.column(self.reported.metric).tolist()
        return dict(zip(self.table.architectures, values, strict=True))

    def true_report(self, architecture: Architecture, measured: Mapping[str, float]) -> float:
        """The reported metric of a network that was measured so; NaN where nothing is known of it."""
        if self.table is None:
            return float(measured.get(self.reported.metric, float("nan")))
        found = self._reports.get(architecture)
        if found is None:
            found = self._reports[architecture] = self._of_the_same_network(architecture)
        return found

    def _of_the_same_network(self, architecture: Architecture) -> float:
        """The report of an architecture that the table knows by another one with the same network."""
        assert self.table is not None
        place = self.table.place_of(architecture)
        if place is None and self.table.surrogate is not None:
            return self.table.predicted(self.reported.metric, architecture)
        return float("nan") if place is None else self._reports[self.table.architectures[place]]

    @cached_property
    def limits(self) -> Mapping[str, float]:
        """The best values there are, where a table knows them all; empty elsewhere.

        searched, reported: of the metrics; perfect: the report of the network that is best by the searched metric.
        """
        if self.table is None or self.table.surrogate is not None:  # which may predict more than there is
            return {}
        best = self.table.best_architecture(self.metric)
        return {
            "searched": self.table.best(self.metric),
            "reported": self.table.best(self.report),
            "perfect": self.true_report(best, {}),
        }

    @cached_property
    def front(self) -> np.ndarray:
        """float64 (points, objectives): the front of a table that knows all networks; no points elsewhere."""
        if self.table is None or self.table.surrogate is not None:
            return np.empty((0, len(self.objectives)))
        from moocore import is_nondominated  # pyright: ignore[reportMissingTypeStubs]

        values = np.column_stack([self.table.column(each.metric) for each in self.several])
        values = values[np.isfinite(values).all(axis=1)]
        scores = np.column_stack([oriented(*each) for each in zip(values.T, self.several, strict=True)])
        return values[is_nondominated(scores, maximise=True, keep_weakly=False)]

    def described(self) -> dict[str, Any]:
        """What it is, as JSON: equal for problems with equal answers."""
        if self.objectives:
            asked = list(map(str, self.several))
            return {"estimator": as_json(self.estimator), "objectives": asked, "front": self.front.tolist()}
        return {
            "estimator": as_json(self.estimator),
            "metric": str(self.searched),
            "report": str(self.reported),
            "limits": dict(self.limits),
        }


def oriented(values: np.ndarray, objective: Objective) -> np.ndarray:
    """Values of a metric so that larger is better."""
    return values if objective.direction == "maximize" else -values


def surrogate_lines(problem: BenchmarkProblem) -> list[str]:
    """By what a table answers for the architectures that it lacks, and how well that ranks; nothing of other problems.

    Computed once for each table and metric.
    """
    if problem.table is None:
        return []
    asked = problem.several or (problem.searched, problem.reported)
    metrics = tuple(dict.fromkeys(each.metric for each in asked))
    return [f"{problem.where}: {line}" for line in problem.table.surrogate_lines(metrics)]


def problems_of(given: BenchmarkProblem | Sequence[BenchmarkProblem]) -> tuple[BenchmarkProblem, ...]:
    """The problems of a comparison. Raises ConfigurationError where there is none, UserError for two of one name."""
    several: Any = given
    found: tuple[BenchmarkProblem, ...] = (
        tuple(several) if isinstance(given, Iterable) and not isinstance(given, str) else (several,)
    )
    if not found:
        raise ConfigurationError(
            "a comparison needs problems, as BenchmarkProblem(Table(...), metric, report); found none"
        )
    for each in found:
        expect(each, "BenchmarkProblem", "a problem of the comparison")
    if len({each.several for each in found}) > 1:
        raise ConfigurationError("all problems of a comparison have the same objectives, or a single metric each")
    names = [each.name for each in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"two problems are called {twice!r}; give them names of their own")
    return found
