"""What a comparison found: curves over the budget, final values, ranks, tests, and every raw number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.benchmarks import statistics
from netwright.benchmarks.cells import Cell, Place
from netwright.benchmarks.front_comparison import FrontMeasures
from netwright.benchmarks.plan import Plan
from netwright.benchmarks.problem import oriented
from netwright.benchmarks.record import Record
from netwright.benchmarks.statistics import Pair
from netwright.benchmarks.trajectories import incumbents, sampled
from netwright.core.display import html_lines
from netwright.core.errors import CorruptStore, UserError, nearest
from netwright.core.objective import Objective
from netwright.core.randomness import derived_seed

if TYPE_CHECKING:
    from netwright.charts.figure import Figure

PROVIDES = ("est.audit",)
PAPERS = {
    "nas_benchmark_yang": (
        "netwright search DATA --method darts --repeats 8",
        "one method at a time, and only those that are there",
    ),
}

POINTS = 300  # of a curve, at most
PLAN = "plan"


@dataclass(frozen=True, eq=False)
class Curves:
    """The best network so far, of one strategy on one problem.

    grid: (points,), how much of the budget was spent.
    searched, reported: (seeds, points), its metrics there, NaN while nothing has completed.
    """

    grid: np.ndarray
    searched: np.ndarray
    reported: np.ndarray


@dataclass(frozen=True, slots=True)
class Final:
    """What a strategy's searches had found at the end of the budget, on one problem.

    values: (seeds,) of the reported metric. mean, interval, deviation, median, worst, best: of it; 95 %, bootstrap.
    regret: how much the best there is is better, the mean.
    searched_regret: of the metric that was searched; NaN where the best is not known.
    beats: the share of seeds on which it beats the baseline, with Wilson's interval.
    superiority: A12 against it; None for the baseline and without one.
    rank: mean rank among the strategies.
    """

    strategy: str
    values: np.ndarray
    interval: tuple[float, float]
    regret: float
    searched_regret: float
    rank: float
    beats: tuple[float, tuple[float, float]] | None
    superiority: float | None

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def median(self) -> float:
        return float(np.median(self.values))

    def as_json(self) -> dict[str, Any]:
        described = {**asdict(self), "values": self.values.tolist()}
        return {**described, "mean": self.mean, "median": self.median, "deviation": self.deviation}

    @property
    def deviation(self) -> float:
        """Sample standard deviation; NaN for a single seed."""
        return float(self.values.std(ddof=1)) if len(self.values) > 1 else float("nan")


class Comparison:
    """The searches of a comparison that are done. Read from its folder by `Comparison.load`.

    plan: what was compared.
    cells: what each search found.
    folder: where they lie; None for those in memory.
    baseline: the strategy that the others are set beside: the random search among them, or else the first.
    """

    def __init__(self, plan: Plan, cells: Sequence[Cell], folder: Path | None = None) -> None:
        self.plan, self.folder = plan, folder
        self.cells: dict[Place, Cell] = {each.place: each for each in cells}

    @classmethod
    def load(cls, folder: str | Path) -> Comparison:
        """What a folder holds, finished or not. Raises UserError and CorruptStore."""
        with Record(Path(folder), writable=False) as record:
            return read(record)

    @property
    def strategies(self) -> tuple[str, ...]:
        return tuple(self.plan.strategies)

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(self.plan.problems)

    @property
    def failures(self) -> list[Cell]:
        return [each for each in self.cells.values() if each.failed]

    @property
    def missing(self) -> int:
        """Searches of the plan that have not been run."""
        return sum(place not in self.cells for place in self.plan.places())

    @cached_property
    def baseline(self) -> str:
        for name, described in self.plan.strategies.items():
            told = described["strategy"]
            text = told if isinstance(told, str) else told.get("class", "")
            if text.partition(":")[0] == "random" or text.endswith(":RandomSearch"):
                return name
        return self.strategies[0]

    def searched(self, problem: str) -> Objective:
        """The metric that was searched."""
        return Objective.parse(self._problem(problem)["metric"])

    def reported(self, problem: str) -> Objective:
        """The metric that is reported."""
        return Objective.parse(self._problem(problem)["report"])

    def searched_by(self, problem: str) -> str:
        """What was searched by, in words."""
        return self.searched(problem).metric

    def measured_from(self, problem: str) -> str:
        """What must be known to read the values; "" where nothing must."""
        self._problem(problem)
        return ""

    def more_lines(self, problem: str) -> list[str]:
        """Of the text report, what is said of a problem below its table."""
        self._problem(problem)
        return []

    def limits(self, problem: str) -> Mapping[str, float]:
        """The best values there are: `searched`, `reported`, and `perfect`; empty where they are not known."""
        return self._problem(problem)["limits"]

    def _problem(self, problem: str) -> Mapping[str, Any]:
        if problem not in self.plan.problems:
            raise UserError(f"there is no problem {problem!r}{nearest(problem, self.problems)}")
        return self.plan.problems[problem]

    def seed(self, place: Place) -> int:
        """The seed of a search; that of a copy of another strategy is derived from the repeat's."""
        repeat, copy = self.plan.base + place.repeat, self.plan.strategies[place.strategy].get("copy", 0)
        return derived_seed(repeat, copy) if copy else repeat

    def places(self, strategy: str, problem: str, *, failed: bool = False) -> list[Place]:
        """The searches of a strategy that were run, by repeat; failed ones where asked."""
        ran = self._ran.get((strategy, problem), [])
        return [each for each in ran if failed or not self.cells[each].failed]

    @cached_property
    def _ran(self) -> dict[tuple[str, str], list[Place]]:
        """The searches that were run, by strategy and problem."""
        found: dict[tuple[str, str], list[Place]] = {}
        for place in self.plan.places():
            if place in self.cells:
                found.setdefault((place.strategy, place.problem), []).append(place)
        return found

    def finished(self, strategy: str, problem: str) -> list[int]:
        """The repeats of a strategy that ended well."""
        return [each.repeat for each in self.places(strategy, problem)]

    def shared(self, problem: str) -> tuple[list[str], list[int]]:
        """The strategies that finished any search of the problem, and the repeats that all of these finished."""
        if problem not in self._shared:
            self._shared[problem] = self._finished_by_all(problem)
        return self._shared[problem]

    @cached_property
    def _shared(self) -> dict[str, tuple[list[str], list[int]]]:
        return {}

    def _finished_by_all(self, problem: str) -> tuple[list[str], list[int]]:
        done = {name: set(self.finished(name, problem)) for name in self.strategies}
        names = [name for name in self.strategies if done[name]]
        return names, sorted(set.intersection(*(done[name] for name in names))) if names else []

    @cached_property
    def grid(self) -> np.ndarray:
        """The points of the budget at which curves are given: each evaluation where these are few."""
        amount = self.plan.budget.amount
        count = int(min(POINTS, amount)) if self.plan.budget.evaluations is not None else POINTS
        return np.linspace(amount / count, amount, count)

    def curves(self, strategy: str, problem: str) -> Curves:
        """The best network so far over the budget, a row a finished search."""
        key = strategy, problem
        if key not in self._curves:
            self._problem(problem)
            if strategy not in self.strategies:
                raise UserError(f"there is no strategy {strategy!r}{nearest(strategy, self.strategies)}")
            cells = [self.cells[Place(*key, repeat)] for repeat in self.finished(*key)]
            found = np.array([self._curve(each) for each in cells]).reshape(len(cells), 2, len(self.grid))
            self._curves[key] = Curves(self.grid, found[:, 0], found[:, 1])
        return self._curves[key]

    @cached_property
    def _curves(self) -> dict[tuple[str, str], Curves]:
        return {}

    def _curve(self, cell: Cell) -> np.ndarray:
        """(2, points): the searched and the reported metric of the best so far."""
        spent = self._spending(cell)
        best = incumbents(oriented(cell.column("searched"), self.searched(cell.place.problem)), cell.column("fidelity"))
        known = best >= 0
        positions, places = spent[known] - 1e-9 * self.plan.budget.amount, best[known]
        return np.array([sampled(positions, cell.column(name)[places], self.grid) for name in ("searched", "reported")])

    def _rows(self, strategy: str, problem: str) -> np.ndarray:
        """Which rows of a strategy's curves belong to the repeats that all strategies finished."""
        return np.flatnonzero(np.isin(self.finished(strategy, problem), self.shared(problem)[1]))

    def _spending(self, cell: Cell) -> np.ndarray:
        """How much of the budget was spent when each evaluation ended."""
        if self.plan.budget.evaluations is None:
            return cell.column("finished")
        return np.cumsum(cell.column("counted"))

    def spent(self, cell: Cell) -> float:
        """The share of its budget that a search has spent."""
        return float(self._spending(cell)[-1] / self.plan.budget.amount) if len(cell.numbers) else 0.0

    def band(self, strategy: str, problem: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(points,) each: mean of the reported metric over the budget and its 95 % band, NaN until all have a value."""
        key = strategy, problem
        if key not in self._bands:
            values = self.curves(strategy, problem).reported
            self._bands[key] = values.mean(axis=0), *statistics.mean_band(values)
        return self._bands[key]

    @cached_property
    def _bands(self) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray, np.ndarray]]:
        return {}

    def final(self, strategy: str, problem: str, repeats: Sequence[int] | None = None) -> np.ndarray:
        """(seeds,): the reported metric at the end, of these repeats or all that finished; NaN where none completed."""
        curve = self.curves(strategy, problem).reported[:, -1]
        return curve if repeats is None else curve[np.searchsorted(self.finished(strategy, problem), repeats)]

    def final_searched(self, strategy: str, problem: str) -> np.ndarray:
        """(seeds,): the metric that was searched at the end, of the repeats that all strategies finished."""
        return self.curves(strategy, problem).searched[self._rows(strategy, problem), -1]

    def finals(self, problem: str) -> list[Final]:
        """A row a strategy, on the repeats that all of them finished, the best mean first."""
        if problem not in self._finals:
            self._finals[problem] = self._ranked(problem)
        return self._finals[problem]

    @cached_property
    def _finals(self) -> dict[str, list[Final]]:
        return {}

    def _ranked(self, problem: str) -> list[Final]:
        names, repeats = self.shared(problem)
        if not repeats:
            return []
        reported = self.reported(problem)
        values = {name: self.final(name, problem, repeats) for name in names}
        ranks = statistics.mean_ranks(np.array([oriented(values[name], reported) for name in names]))
        found = [self._final(problem, name, values, float(rank)) for name, rank in zip(names, ranks, strict=True)]
        return sorted(found, key=lambda each: -oriented(np.array(each.mean), reported))

    def _final(self, problem: str, name: str, values: Mapping[str, np.ndarray], rank: float) -> Final:
        own, reported = values[name], self.reported(problem)
        base = values.get(self.baseline)
        beats = superiority = None
        if base is not None and name != self.baseline:
            first, second = oriented(own, reported), oriented(base, reported)
            beats, superiority = statistics.win_share(first, second), statistics.superiority(first, second)
        regret, searched_regret = self.regret(problem, own), float("nan")
        if self.limits(problem):
            searched = self.final_searched(name, problem)
            searched_regret = float(np.mean(np.abs(self.limits(problem)["searched"] - searched)))
        interval = statistics.mean_interval(own)
        return Final(name, own, interval, float(np.mean(regret)), searched_regret, rank, beats, superiority)

    def regret(self, problem: str, values: np.ndarray) -> np.ndarray:
        """How much better the best there is is than these values of the reported metric; NaN where it is not known."""
        best = self.limits(problem).get("reported", float("nan"))
        return oriented(best - values, self.reported(problem))

    @cached_property
    def pairs(self) -> dict[str, list[Pair]]:
        """By problem, every two strategies on the shared seeds; p corrected over all pairs of all problems."""
        found = {problem: self._pairs(problem) for problem in self.problems}
        corrected = iter(statistics.holm([pair.p for pairs in found.values() for pair in pairs]))
        tests = sum(map(len, found.values()))
        return {
            problem: [replace(pair, corrected=next(corrected), tests=tests) for pair in pairs]
            for problem, pairs in found.items()
        }

    def _pairs(self, problem: str) -> list[Pair]:
        names, repeats = self.shared(problem)
        if len(repeats) < 2:
            return []
        reported = self.reported(problem)
        pairs = statistics.pairwise({name: oriented(self.final(name, problem, repeats), reported) for name in names})
        if reported.direction == "maximize":
            return pairs
        return [replace(each, means=(-each.means[0], -each.means[1])) for each in pairs]

    def ranks(self, problem: str) -> dict[str, np.ndarray]:
        """(points,) of each strategy: its mean rank by the reported metric over the budget, on the shared repeats."""
        names, repeats = self.shared(problem)
        rows = [self.curves(name, problem).reported[self._rows(name, problem)] for name in names]
        values = oriented(np.array(rows), self.reported(problem))
        return dict(zip(names, statistics.mean_ranks(values), strict=True)) if repeats else {}

    def machine_seconds(self, strategy: str) -> float:
        """What the searches of a strategy took on this machine, on average; NaN without any."""
        taken = defaultdict(list[float])
        for cell in self.cells.values():
            taken[cell.place.strategy].append(cell.seconds)
        return float(np.mean(taken[strategy])) if taken[strategy] else float("nan")

    # Reports.

    def as_json(self) -> dict[str, Any]:
        """Final values and pairs as JSON."""
        return {
            "plan": self.plan.to_json(),
            "problems": {
                problem: {
                    "finals": [each.as_json() for each in self.finals(problem)],
                    "pairs": [{**asdict(each), "better": each.better} for each in self.pairs[problem]],
                }
                for problem in self.problems
            },
            "failures": [{**asdict(each.place), "reason": each.reason} for each in self.failures],
            "missing": self.missing,
        }

    def lines(self) -> list[str]:
        """The report as plain text."""
        from netwright.benchmarks.text_report import report_lines

        return report_lines(self)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        done, problems = len(self.cells) - len(self.failures), ", ".join(self.problems)
        return f"Comparison({', '.join(self.strategies)} on {problems}: {done} of {self.plan.size} searches)"

    def _repr_html_(self) -> str:
        return html_lines(self.lines())

    @cached_property
    def figures(self) -> Mapping[str, Figure]:
        """The charts by "problem-kind", made once; none of a problem that no strategy finished."""
        from netwright.benchmarks.plots import figures

        return figures(self)

    def latex(self) -> str:
        """The final values as a LaTeX table."""
        from netwright.benchmarks.latex_report import latex_table

        return latex_table(self)

    def write(self, folder: str | Path | None = None, *, plots: bool = True) -> list[Path]:
        """Write every report: text, LaTeX, CSV (raw numbers among them) and plots; the files.

        folder: by default that of the comparison.

        Raises MissingExtra where plots are asked and altair is missing.
        """
        from netwright.benchmarks.files import write_reports

        place = self.folder if folder is None else Path(folder)
        if place is None:
            raise UserError("this comparison was kept in memory; say into which folder to write")
        return write_reports(self, place, plots=plots)


class ComparisonOfFronts(FrontMeasures, Comparison):
    """Strategies that searched by several objectives, compared by the hypervolume of what they found.

    plan, cells, folder: as of `Comparison`.
    """


def read(record: Record) -> Comparison:
    """What a comparison's file holds."""
    plan = record.fact(PLAN)
    if plan is None:
        raise CorruptStore(f"{record.folder} holds no plan of a comparison")
    found = Plan.from_json(plan)
    cells = list(record.cells(len(found.objectives)))
    kind = ComparisonOfFronts if found.objectives else Comparison
    return kind(found, cells, record.folder)
