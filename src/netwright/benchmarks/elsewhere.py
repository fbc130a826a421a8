"""The searches of a comparison as jobs, which any executor carries out: on a cluster, or over a shared folder."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.benchmarks.budget import Budget
from netwright.benchmarks.cells import COLUMNS, Cell, packed
from netwright.benchmarks.entrants import Make, entrants_of
from netwright.benchmarks.problem import BenchmarkProblem, problems_of
from netwright.benchmarks.searching import Work
from netwright.core.errors import NetwrightError, TrialFailed
from netwright.core.estimator import Estimator
from netwright.core.executor import Executor, Job, Outcome, carry_out
from netwright.core.trial import Measurement, Proposal

if TYPE_CHECKING:
    from netwright.benchmarks.pool import Task


class Searches(Estimator):
    """All searches of a comparison; the seed of a job says which of them it is.

    strategies, problems, evaluations, seconds, seed, workers: as of `compare`. Given to `netwright.executors.serve`, it
        makes a process a worker of the comparison that has the same ones and a `Folder`.
    """

    def __init__(
        self,
        strategies: str | Sequence[Make] | Mapping[str, Make],
        problems: BenchmarkProblem | Sequence[BenchmarkProblem],
        *,
        evaluations: float | None = None,
        seconds: float | str | None = None,
        seed: int = 0,
        workers: int = 1,
    ) -> None:
        budget = Budget(evaluations, seconds)  # type: ignore[arg-type]  # read from text
        self.work = Work(entrants_of(strategies, budget), problems_of(problems), budget, workers, seed)

    def configuration(self) -> dict[str, Any]:
        """What each search is, in the order that numbers them."""
        work = self.work
        described = {
            "strategies": [[each.name, each.described(work.budget)] for each in work.entrants],
            "problems": [[each.name, each.described()] for each in work.problems],
            "budget": work.budget.to_json(),
            "workers": work.workers,
            "seed": work.base,
        }
        return {"class": f"{type(self).__module__}:{type(self).__qualname__}", "arguments": described}

    def number_of(self, task: Task) -> int:
        """The number of a search: the repeats one after the other, in each the problems, on each the strategies."""
        strategy, problem, repeat = task
        return (repeat * len(self.work.problems) + problem) * len(self.work.entrants) + strategy

    def task_of(self, number: int) -> Task:
        """The search with this number."""
        rest, strategy = divmod(number, len(self.work.entrants))
        repeat, problem = divmod(rest, len(self.work.problems))
        return strategy, problem, repeat

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Carry out the search. Raises TrialFailed with the reason of a search that fails."""
        cell = self.work.cell(*self.task_of(seed))
        if cell.failed:
            raise TrialFailed(cell.reason, metrics={_SECONDS: cell.seconds})
        return to_measurement(cell)

    def cell(self, task: Task, outcome: Outcome) -> Cell:
        """The search as it ended elsewhere."""
        place, found = self.work.place(*task), outcome.measurement
        if outcome.state == "completed":
            return to_cell(Cell(place), found, len(self.work.problems[task[1]].objectives))
        reason = outcome.reason or f"it was {outcome.state}"
        return Cell(place, reason=reason, seconds=found.metrics.get(_SECONDS, outcome.seconds))


# A measurement holds numbers by name, on every way that leads here. A text goes as the name of a nothing.

_SECONDS = "seconds of the search"
_TEXT = "text: "


def to_measurement(cell: Cell) -> Measurement:
    """The search's seconds and why it stopped; a point of the curve for each evaluation."""
    curve = [
        {**dict(zip(_names(len(row) - len(COLUMNS)), row, strict=True)), _TEXT + text: 0.0}
        for row, text in zip(cell.numbers.tolist(), cell.architectures, strict=True)
    ]
    return Measurement({_SECONDS: cell.seconds, _TEXT + cell.stopped: 0.0}, None, curve)


def to_cell(cell: Cell, found: Measurement, objectives: int = 0) -> Cell:
    """The search of this cell's place again, of so many objectives or 0.

    Raises NetwrightError for what is not as `to_measurement` makes it.
    """
    try:
        rows = [[point[name] for name in _names(objectives)] for point in found.curve]
        texts = [_text(point) for point in found.curve]
        seconds, stopped = found.metrics[_SECONDS], _text(found.metrics)
    except (KeyError, StopIteration):
        raise NetwrightError(f"what a worker said of {cell.place} is no search") from None
    numbers = np.array(rows, dtype=np.float64).reshape(-1, len(_names(objectives)))
    return Cell(cell.place, numbers, packed(texts), stopped, seconds=seconds)


def _names(objectives: int) -> tuple[str, ...]:
    """What each number of an evaluation is called on its way."""
    return (*COLUMNS, *(f"objective {place}" for place in range(objectives)))


def _text(numbers: Mapping[str, float]) -> str:
    return next(name for name in numbers if name.startswith(_TEXT)).removeprefix(_TEXT)


def cells_by(executor: Executor, searches: Searches, tasks: Sequence[Task]) -> Generator[list[Cell]]:
    """Searches as they end, carried out by an executor."""
    stages = (searches,)
    nothing: Any = None  # no candidate: the seed says all
    jobs = (Job(place, Proposal(nothing), searches.number_of(task), stages) for place, task in enumerate(tasks))
    for job, outcome in carry_out(executor, jobs):
        yield [searches.cell(tasks[job.number], outcome)]
