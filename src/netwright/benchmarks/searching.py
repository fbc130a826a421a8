"""Carries out one search of a comparison, through the one loop there is, and takes down each evaluation."""

from __future__ import annotations

import math
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.benchmarks.budget import Budget, Counting, Rationed
from netwright.benchmarks.cells import COLUMNS, Cell, Place, packed
from netwright.core.architecture import Architecture
from netwright.core.errors import NetwrightError, UserError
from netwright.core.trial import STATES, Trial
from netwright.engine.search import Search

if TYPE_CHECKING:
    from netwright.benchmarks.entrants import Entrant
    from netwright.benchmarks.problem import BenchmarkProblem

_STATE = {name: float(number) for number, name in enumerate(STATES)}


@dataclass(frozen=True)
class Work:
    """What all searches of a comparison share.

    workers: of each simulated search.
    base: the first repeat's number.
    """

    entrants: tuple[Entrant, ...]
    problems: tuple[BenchmarkProblem, ...]
    budget: Budget
    workers: int = 1
    base: int = 0

    def place(self, strategy: int, problem: int, repeat: int) -> Place:
        """The search by its names."""
        return Place(self.entrants[strategy].name, self.problems[problem].name, repeat)

    def cell(self, strategy: int, problem: int, repeat: int) -> Cell:
        """Search; a search that raises is a cell that failed, with the last line of its traceback as the reason."""
        entrant, task = self.entrants[strategy], self.problems[problem]
        place = self.place(strategy, problem, repeat)
        clock = time.monotonic if task.table is None else time.process_time
        began = clock()
        try:
            found = _searched(task, entrant, self.budget, self.workers, entrant.seed(self.base + repeat))
            numbers, architectures, stopped = found
        except Exception as raised:  # a strategy of the user's may fail in any way; the others go on
            return Cell(place, reason=_last_line(raised), seconds=clock() - began)
        return Cell(place, numbers, architectures, stopped, seconds=clock() - began)


def _last_line(problem: Exception) -> str:
    """What a traceback ends with, and where in the code it was raised unless the message is for the user."""
    told = traceback.format_exception_only(problem)[-1].strip() or type(problem).__name__
    if isinstance(problem, NetwrightError):
        return told.rpartition("errors.")[2] or told
    frames = traceback.extract_tb(problem.__traceback__)
    return f"{told} ({frames[-1].filename}, line {frames[-1].lineno})" if frames else told


def _searched(
    problem: BenchmarkProblem, entrant: Entrant, budget: Budget, workers: int, seed: int
) -> tuple[np.ndarray, bytes, str]:
    """The numbers of a search, its architectures, and why it stopped."""
    strategy = entrant.strategy(problem.space, budget)
    executor, clock = _executor(problem, budget, workers)
    ended: list[tuple[Trial, float]] = []
    began = time.monotonic()
    now = clock or (lambda: time.monotonic() - began)
    rationed = Rationed(strategy, budget.evaluations, problem.whole_only, _counting(problem))
    search = Search(rationed, problem.searching, problem.objectives or problem.metric, seed=seed)
    run = search.run(
        time=budget.seconds,
        executor=executor,
        on_trial=lambda trial: ended.append((trial, now())),
        preflight=problem.table is None,
        progress=False,
    )
    if budget.seconds is not None:
        ended = [each for each in ended if each[1] <= budget.seconds]
    timed = clock is not None or problem.table is None
    trials = [
        each for each in ended if not each[0].proposal.is_round and isinstance(each[0].proposal.candidate, Architecture)
    ]
    if not any(trial.completed for trial, _ in trials):
        raise UserError(f"none of {len(trials)} evaluations completed within {budget}")
    return _numbers(problem, trials, timed), packed([str(trial.architecture) for trial, _ in trials]), run.stopped


def _counting(problem: BenchmarkProblem) -> Counting:
    return Counting(None if problem.table is None else problem.part, problem.continues)


def _executor(problem: BenchmarkProblem, budget: Budget, workers: int) -> tuple[Any, Any]:
    """Where the trials run, and the clock of that place; None and None for this process and its own clock."""
    if not problem.has_costs:
        return None, None
    from netwright.executors.simulated import Simulated

    executor = Simulated(workers=workers)
    return executor, executor.now


def _numbers(problem: BenchmarkProblem, ended: list[tuple[Trial, float]], timed: bool) -> np.ndarray:
    """float64 (evaluations, columns)."""
    nan, counting, several = math.nan, _counting(problem), [each.metric for each in problem.several]
    rows: list[tuple[float, ...]] = []
    for trial, finished in ended:
        completed = trial.completed
        rows.append(
            (
                *(_figures(problem, trial) if completed and not several else (nan, nan)),
                trial.seconds if timed else nan,
                trial.share,
                counting.note(trial),
                finished if timed else nan,
                _STATE[trial.state],
                *(trial.metrics[name] if completed else nan for name in several),
            )
        )
    return np.array(rows, dtype=np.float64).reshape(-1, len(COLUMNS) + len(several))


def _figures(problem: BenchmarkProblem, trial: Trial) -> tuple[float, float]:
    """The metric that was searched, and the one that is reported."""
    return trial.metrics[problem.searched.metric], problem.true_report(trial.architecture, trial.metrics)
