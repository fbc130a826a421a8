"""Compares strategies: each searches each problem with each seed, at equal budget, through the one loop there is."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netwright.benchmarks.budget import Budget
from netwright.benchmarks.cells import Cell, Place
from netwright.benchmarks.comparison import PLAN, Comparison, read
from netwright.benchmarks.elsewhere import Searches, cells_by
from netwright.benchmarks.entrants import Entrant, Make, entrants_of, in_full, resolved
from netwright.benchmarks.plan import Plan
from netwright.benchmarks.pool import Pool, Task
from netwright.benchmarks.problem import BenchmarkProblem, problems_of, surrogate_lines
from netwright.benchmarks.record import Record
from netwright.benchmarks.searching import Work
from netwright.core.checks import whole_number
from netwright.core.display import ChangingLine, place_of_progress
from netwright.core.errors import ConfigurationError, Told, UserError
from netwright.core.executor import Executor
from netwright.core.kinds import kinds_checked
from netwright.core.spelling import option, spelled
from netwright.core.trial import Proposal
from netwright.core.wording import duration
from netwright.methods.departures import departure

_ALONE = 2.0  # seconds after which it is known whether other processes are worth starting
_WORTH = 8.0  # seconds of work to go, for which they are


class ComparisonInterrupted(Told, KeyboardInterrupt):
    """Ctrl-C or SIGTERM; what had finished is in the folder, where the same call goes on.

    exit_code: 130 or 143.
    """

    def __init__(self, done: int, total: int, folder: Path | None, exit_code: int) -> None:
        kept = (
            "nothing was kept; one in a folder could go on: compare(..., folder='netwright-comparison')"
            if folder is None
            else f"go on with {spelled(f'the same call: compare(..., folder={str(folder)!r})')}"
        )
        super().__init__(f"the comparison was interrupted after {done:,} of {total:,} searches; {kept}")
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a comparison is.

    done: searches that have ended.
    total: of the searches.
    failed: searches that raised.
    seconds: since it began.
    to_go: roughly, None while unknown.
    """

    done: int
    total: int
    failed: int
    seconds: float
    to_go: float | None

    def __str__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        to_go = f", about {duration(self.to_go)} to go" if self.to_go is not None and self.done < self.total else ""
        return f"{self.done:,} of {self.total:,} searches{failed}, {duration(self.seconds)}{to_go}"


@kinds_checked
def compare(
    strategies: str | Sequence[Make] | dict[str, Make],
    problems: BenchmarkProblem | Sequence[BenchmarkProblem],
    *,
    evaluations: float | None = None,
    seconds: float | str | None = None,
    repeats: int = 20,
    seed: int = 0,
    workers: int = 1,
    folder: str | Path | None = None,
    processes: int | None = None,
    executor: Executor | None = None,
    on_progress: Callable[[Standing], object] | None = None,
    progress: bool | None = None,
    notes: Any = None,
    reference: Sequence[float] = (),
) -> Comparison:
    """Run every strategy on every problem `repeats` times at equal budget, and compare what they found.

    strategies: names as on the command line ("random,evolution:population=20"), classes or functions that make one for
        a space, or strategies; a mapping names them. Of two equal ones the second has seeds of its own.
    problems: what they search, a `BenchmarkProblem` or several.
    evaluations, seconds: the budget of one search; an evaluation at part of the full fidelity counts as that part.
        Seconds are simulated on a table with costs, and real elsewhere.
    repeats: searches of each strategy on each problem.
    seed: repeat n searches with seed `seed` + n, the same for all strategies.
    workers: evaluations at once of each simulated search.
    folder: where every finished search is kept; a comparison that was interrupted goes on there, and strategies,
        problems and repeats may be added to it. Failed searches are run again. None keeps it in memory.
    processes: that search at once; by default one for each core where that is quicker, and one where networks are
        trained.
    executor: what carries them out instead; what its workers have of an `executors.Folder` are `Searches`.
    on_progress: called with a `Standing`.
    progress: whether one line shows how far the comparison is; by default on a terminal and in a notebook, unless
        on_progress is given.
    notes: JSON to keep in the folder.
    reference: of several objectives the point from which hypervolume is measured, a value each in its own units; by
        default the worst that any strategy measured.

    A search that raises is recorded as failed, with the last line of its traceback, and the others go on. On a table
    that knows of full trainings alone, a strategy that asks for less gets, and pays for, full ones.
    Raises UserError for what cannot be compared, or where the folder holds another comparison, Busy where another
    process works in the folder, and KeyboardInterrupt on Ctrl-C.
    """
    budget = Budget(evaluations, seconds)  # type: ignore[arg-type]  # read from text
    entrants, tasks = entrants_of(strategies, budget), problems_of(problems)
    _check(budget, tasks, repeats, workers, processes)
    if executor is not None and processes is not None:
        raise ConfigurationError("processes and executor are two ways to run searches; give one of them")
    told = [note for task in tasks for entrant in entrants if (note := _tried(entrant, task, budget))]
    told += [f"{each.name} ran as {in_full(each.strategy(tasks[0].space, budget))}" for each in entrants]
    told += [
        f"{each.name} is {said}"
        for each in entrants
        if isinstance(each.make, str) and (said := departure(resolved(each.make, budget)))
    ]
    told += [line for each in tasks for line in surrogate_lines(each)]
    wanted = Plan(
        budget,
        {each.name: each.described(budget) for each in entrants},
        {each.name: each.described() for each in tasks},
        *(repeats, seed, workers, tuple(told), tuple(map(float, reference))),
    )
    if reference and len(reference) != len(wanted.objectives):
        raise ConfigurationError(
            f"the reference point is {', '.join(map(str, reference))}; expected a number for each objective: "
            f"{', '.join(wanted.objectives) or 'there is none'}"
        )
    with Record(None if folder is None else Path(folder)) as record:
        before = record.fact(PLAN)
        plan = wanted if before is None else Plan.from_json(before).joined(wanted)
        record.keep(PLAN, plan.to_json())
        if notes is not None:
            record.keep("notes", notes)
        work = Work(entrants, tasks, budget, workers, seed)

        def ended(missing: list[Task]) -> Generator[list[Cell]]:
            if executor is None:
                return _ended(work, missing, processes)
            return cells_by(
                executor, Searches(strategies, tasks, **asdict(budget), seed=seed, workers=workers), missing
            )

        with _shown(on_progress, progress) as tell:
            _carry_out(work, record, wanted, ended, tell)
        return read(record)


@contextlib.contextmanager
def _shown(
    on_progress: Callable[[Standing], object] | None, progress: bool | None
) -> Generator[Callable[[Standing], object] | None]:
    """What hears how far the comparison is: the caller's function, and a line where one is shown."""
    place = place_of_progress(False if progress is None and on_progress is not None else progress)
    if place is None:
        yield on_progress
        return
    standing: list[Standing] = []

    def tell(now: Standing) -> None:
        standing[:] = [now]
        line.show()
        if on_progress is not None:
            on_progress(now)

    with ChangingLine(place, lambda: "".join(map(str, standing))) as line:
        yield tell


def _check(
    budget: Budget, problems: Sequence[BenchmarkProblem], repeats: int, workers: int, processes: int | None
) -> None:
    for name, value in (("repeats", repeats), ("workers", workers), ("processes", processes)):
        whole_number("", name, value, none=name == "processes")
    for problem in problems:
        if problem.has_costs:
            continue
        if problem.table is not None and budget.seconds is not None:
            raise UserError(
                f"{problem.where} was read without costs, so that its seconds are not known; name the column of "
                f"seconds ({option('cost')}), or give the budget in evaluations"
            )
        if workers > 1:
            raise UserError(
                f"{workers} workers at once can only be simulated on a table with costs; {problem.where} has none "
                f"({option('cost')} names the column of seconds)"
            )


def _tried(entrant: Entrant, problem: BenchmarkProblem, budget: Budget) -> str:
    """Make a strategy before anything is run, so that what is wrong with it is known; what its reader must know."""
    strategy = entrant.strategy(problem.space, budget)
    proposal: Proposal | None = None
    with contextlib.suppress(Exception):  # whatever it raises, it will raise again in each search, which is recorded
        proposal = strategy.ask(np.random.default_rng(0))
    if proposal is None or proposal.fidelity is None or not problem.whole_only:
        return ""
    return (
        f"{entrant.name} asks for parts of a full training, which {problem.where} was read without: on {problem.name} "
        "each of its evaluations was a full one, and counts as one"
    )


def _carry_out(
    work: Work,
    record: Record,
    plan: Plan,
    ended: Callable[[list[Task]], Generator[list[Cell]]],
    on_progress: Callable[[Standing], object] | None,
) -> None:
    """Run what the plan asks for and the record lacks. ended: searches as they end."""
    done = record.done()
    places = list(plan.places())
    missing = [place for place in places if place not in done]
    watch = _Watch(len(places), missing, on_progress)
    strategies = {each.name: number for number, each in enumerate(work.entrants)}
    problems = {each.name: number for number, each in enumerate(work.problems)}
    tasks = [(strategies[each.strategy], problems[each.problem], each.repeat) for each in missing]
    try:
        with contextlib.closing(ended(tasks)) as batches:
            for cells in batches:
                record.add(cells)
                watch.note(cells)
    except KeyboardInterrupt as stop:
        code = getattr(stop, "exit_code", 130)
        raise ComparisonInterrupted(watch.done, len(places), record.folder, code) from None


def _ended(work: Work, tasks: list[Task], processes: int | None) -> Generator[list[Cell]]:
    """The searches as they end: in this process, or, where more were asked or are worth their start, in others."""
    from netwright.executors.processes.placement import cores

    trains = any(each.table is None for each in work.problems)
    most = (1 if trains else cores()) if processes is None else processes
    began = time.monotonic()
    for number, task in enumerate(tasks):
        spent = time.monotonic() - began
        to_go = spent / max(1, number) * (len(tasks) - number)
        if most > 1 and (processes is not None or (spent > _ALONE and to_go > _WORTH)):
            yield from _in_processes(work, tasks[number:], most, forced=processes is not None)
            return
        yield [work.cell(*task)]


def _in_processes(work: Work, tasks: list[Task], processes: int, *, forced: bool) -> Generator[list[Cell]]:
    """forced: raise where the parts cannot be sent, rather than going on in this process."""
    try:
        pool = Pool(work, min(processes, len(tasks)))
    except UserError:
        if forced:
            raise
        yield from ([work.cell(*task)] for task in tasks)
        return
    try:
        yield from pool.cells(tasks)
    finally:
        pool.close()


class _Watch:
    """Counts, and tells how long it will take."""

    def __init__(self, total: int, missing: Sequence[Place], tell: Callable[[Standing], object] | None) -> None:
        self._tell, self._total = tell, total
        self._began, self._failed = time.monotonic(), 0
        self._left = Counter((each.strategy, each.problem) for each in missing)
        self._taken: dict[tuple[str, str], list[float]] = {}
        self._show()

    @property
    def done(self) -> int:
        return self._total - self._left.total()

    def note(self, cells: Sequence[Cell]) -> None:
        for cell in cells:
            kind = cell.place.strategy, cell.place.problem
            self._left[kind] -= 1
            self._taken.setdefault(kind, []).append(cell.seconds)
            self._failed += cell.failed
        self._show()

    def _show(self) -> None:
        if self._tell is None:
            return
        seconds = time.monotonic() - self._began
        self._tell(Standing(self.done, self._total, self._failed, seconds, self._to_go(seconds)))

    def _to_go(self, seconds: float) -> float | None:
        """Seconds to go: of each strategy what its searches took so far, at the pace at which this all went on."""
        spent = sum(map(sum, self._taken.values()))
        if any(count and kind not in self._taken for kind, count in self._left.items()):
            return None if self._left.total() else 0.0
        work = sum(count * sum(self._taken[k]) / len(self._taken[k]) for k, count in self._left.items() if count)
        return work * seconds / spent if spent else 0.0
