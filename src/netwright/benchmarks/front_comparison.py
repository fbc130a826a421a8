"""A comparison of strategies that search for fronts, by the hypervolume of what they found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.benchmarks.cells import Cell
from netwright.benchmarks.problem import oriented
from netwright.benchmarks.trajectories import sampled
from netwright.core.fronts import attained, hypervolume, hypervolumes, worst
from netwright.core.objective import Objective
from netwright.core.wording import table

if TYPE_CHECKING:
    from netwright.benchmarks.comparison import Comparison

    Base = Comparison
else:
    Base = object

SHARES = (0.25, 0.5, 0.75)  # of the seeds, whose attained fronts are written
MOST_OBJECTIVES = 3  # of which moocore knows the attainment
HYPERVOLUME = Objective("hypervolume")


class FrontMeasures(Base):
    """What a comparison of fronts has in place of a metric: curves, final values and tests are of the hypervolume.

    It is measured from a reference point, by default the worst value in each objective that any strategy found on the
    problem, and as a share of what lies between that and the best value in each. Of a search the evaluations at its
    highest fidelity count.
    """

    def searched(self, problem: str) -> Objective:
        self._problem(problem)
        return HYPERVOLUME

    def reported(self, problem: str) -> Objective:
        self._problem(problem)
        return HYPERVOLUME

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """Those of all problems."""
        return tuple(map(Objective.parse, self.plan.objectives))

    def searched_by(self, problem: str) -> str:
        self._problem(problem)
        return " and ".join(map(str, self.objectives))

    def reference(self, problem: str) -> tuple[float, ...]:
        """The point from which hypervolume is measured, as scores: larger is better; zeros while nothing is known."""
        return self._box(problem)[0]

    def best(self, problem: str) -> tuple[float, ...]:
        """The best value in each objective, as scores: of the table, where it knows all networks, else found."""
        return self._box(problem)[1]

    def volume(self, scores: np.ndarray, problem: str) -> float:
        """The hypervolume of points as a share of what lies between the reference point and the best, from 0 to 1.

        scores: (n, objectives), larger is better. problem: its name.
        """
        return hypervolume(scores, self.reference(problem)) / self._whole(problem)

    def _whole(self, problem: str) -> float:
        low, high = map(np.array, self._box(problem))
        return float(np.prod(np.maximum(high - low, 0.0))) or 1.0

    def _box(self, problem: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Reference point and best values."""
        if problem not in self._boxes:
            scores = [self._scores(each)[1] for each in self.cells.values() if each.place.problem == problem]
            found = np.vstack([*scores, np.empty((0, len(self.objectives)))])
            every = np.vstack([found, self._front(problem)])
            none = (0.0,) * len(self.objectives)
            given = tuple(self._oriented(np.array([self.plan.reference]))[0].tolist()) if self.plan.reference else ()
            low = given or (worst(found) if len(found) else none)
            self._boxes[problem] = low, tuple(every.max(axis=0).tolist()) if len(every) else none
        return self._boxes[problem]

    @cached_property
    def _boxes(self) -> dict[str, tuple[tuple[float, ...], tuple[float, ...]]]:
        return {}

    def _front(self, problem: str) -> np.ndarray:
        """The table's front as scores; none where no table knows all networks."""
        front = np.array(self._problem(problem)["front"], dtype=np.float64).reshape(-1, len(self.objectives))
        return self._oriented(front)

    def limits(self, problem: str) -> Mapping[str, float]:
        """The hypervolume of the table's front, where a table knows all networks; empty elsewhere."""
        if problem not in self._limits:
            front = self._front(problem)
            best = self.volume(front, problem) if len(front) else None
            names = ("searched", "reported", "perfect")
            self._limits[problem] = {} if best is None else dict.fromkeys(names, best)
        return self._limits[problem]

    @cached_property
    def _limits(self) -> dict[str, dict[str, float]]:
        return {}

    def _oriented(self, values: np.ndarray) -> np.ndarray:
        return np.column_stack([oriented(*each) for each in zip(values.T, self.objectives, strict=True)])

    def _scores(self, cell: Cell) -> tuple[np.ndarray, np.ndarray]:
        """Which evaluations count, and their scores: (n,), (n, objectives)."""
        finite = np.isfinite(cell.values).all(axis=1)
        fidelities = cell.column("fidelity")
        counted = np.flatnonzero(finite & (fidelities == fidelities[finite].max(initial=0.0)))
        return counted, self._oriented(cell.values[counted])

    def _curve(self, cell: Cell) -> np.ndarray:
        counted, scores = self._scores(cell)
        positions = self._spending(cell)[counted] - 1e-9 * self.plan.budget.amount
        problem = cell.place.problem
        values = np.array(hypervolumes(scores, self.reference(problem))) / self._whole(problem)
        return np.array([sampled(positions, values, self.grid)] * 2)

    def attained(self, strategy: str, problem: str, share: float = 0.5) -> np.ndarray:
        """float64 (points, objectives), own units: the front that at least this share of the seeds reach or beat.

        The level set of the empirical attainment function (Grunert da Fonseca et al. 2001), on the repeats that all
        strategies finished; the points by the first objective. Of two and three objectives.

        strategy, problem: their names.
        share: of the seeds, above 0 and at most 1.
        """
        repeats = set(self.shared(problem)[1])
        places = [each for each in self.places(strategy, problem) if each.repeat in repeats]
        found = self._oriented(attained([self._scores(self.cells[each])[1] for each in places], share))
        return found[np.lexsort(found.T[::-1])]

    @property
    def has_attainment(self) -> bool:
        return len(self.objectives) <= MOST_OBJECTIVES

    # Reports.

    def measured_from(self, problem: str) -> str:
        worst, best = (self._told(each) for each in self._box(problem))
        whose = "as asked" if self.plan.reference else "the worst that any strategy measured"
        return (
            f"hypervolume from the reference point {worst} ({whose}), as a share of what lies between it and {best}, "
            "the best in each objective"
        )

    def _told(self, scores: Sequence[float]) -> str:
        """A point in the objectives' own units, in words."""
        values = self._oriented(np.array([scores]))[0]
        return ", ".join(f"{each.metric} {value:.6g}" for each, value in zip(self.objectives, values, strict=True))

    def more_lines(self, problem: str) -> list[str]:
        return [self.measured_from(problem), *(self._attainment(problem) if self.has_attainment else [])]

    def _attainment(self, problem: str) -> list[str]:
        """A row a strategy: how far the front reaches that half of its seeds attain."""
        rows: list[list[str]] = []
        for name in [each.strategy for each in self.finals(problem)]:
            points = self.attained(name, problem)
            scores = self._oriented(points)
            ends = [f"{points[place, column]:.6g}" for column, place in enumerate(scores.argmax(axis=0))]
            size = self.volume(scores, problem)
            rows.append([name, str(len(points)), *ends, f"{size:.6g}"])
        heads = ["strategy", "points", *(f"best {each.metric}" for each in self.objectives), "hypervolume"]
        return ["", "attainment: the front that half of the seeds reach or beat", *table(heads, rows)]

    def as_json(self) -> dict[str, Any]:
        """As of `Comparison`, with objectives, reference point and the front that half of the seeds attain."""
        found = super().as_json()
        for problem, described in found["problems"].items():
            point = self._oriented(np.array([self.reference(problem)]))[0]
            described["objectives"] = list(map(str, self.objectives))
            described["reference"] = {each.metric: float(x) for each, x in zip(self.objectives, point, strict=True)}
            names = self.shared(problem)[0] if self.has_attainment and self.shared(problem)[1] else []
            described["attained"] = {name: self.attained(name, problem).tolist() for name in names}
        return found


def attained_rows(found: Comparison) -> Iterator[Sequence[Any]]:
    """A row a point of the fronts that a quarter, half and three quarters of the seeds attain."""
    assert isinstance(found, FrontMeasures)
    yield ("problem", "strategy", "share", *(each.metric for each in found.objectives))
    for problem in found.problems if found.has_attainment else ():
        names, repeats = found.shared(problem)
        for name in names if repeats else ():
            for share in SHARES:
                for point in found.attained(name, problem, share).tolist():
                    yield problem, name, share, *point
