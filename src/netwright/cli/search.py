"""`netwright search` and `netwright resume`: understand, plan, search, train finally, report."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.cli.arguments import split
from netwright.cli.beside import RANDOM, random_name, random_plan, random_search, repetitions
from netwright.cli.export import conclude_run, write
from netwright.cli.output import duration, rough, say, say_json
from netwright.cli.plan import DEFAULT_TIME, Plan
from netwright.cli.progress import Display
from netwright.cli.show import PLAN, at, named
from netwright.core.errors import DataError, NetwrightError, SearchFailed, UserError

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.core.trial import Trial
    from netwright.engine.run import Run
    from netwright.engine.search import Search
    from netwright.results import Concluded
    from netwright.tasks.task import Task


def begin(plan: Plan, directory: Path, name: str | None, export: Path | None, *, as_json: bool, quiet: bool) -> None:
    """Start a new run and take it to its end."""
    if export is not None:
        from netwright.results import check_target

        if not plan.epochs_finally:
            raise UserError("--export needs a final training; leave out --final-epochs 0")
        check_target(export)
    with stoppable(), Command(plan.resolved(), directory, export, as_json=as_json, quiet=quiet) as command:
        command.explain()
        command.drive(name, resume=False)


def go_on(
    directory: Path,
    run: str | None,
    trials: int | None,
    time: str | None,
    export: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Take a stored run up where it was left; more trials or more time may be given."""
    from netwright.engine import parse_duration
    from netwright.store import Store

    with Store.open_readonly(directory) as store:
        name = named(store, run)
        notes, seconds = store.document(name, PLAN), store.summary(name).seconds
    if notes is None:
        raise UserError(
            f"run {name!r} was made from Python, which alone knows its parts; resume it there with "
            f"search.run(..., store={str(directory)!r}, name={name!r}, resume=True)"
        )
    plan = Plan.from_json(notes)
    if time is not None:
        time = f"{seconds + parse_duration(time):.3f}s"  # the engine counts all sessions of a run
    plan = replace(plan, trials=trials or plan.trials, time=time or plan.time)
    further = trials is not None or time is not None
    with stoppable(), Command(plan, directory, export, as_json=as_json, quiet=quiet) as command:
        command.drive(name, resume=True, further=further)


class Stopped(NetwrightError):
    """Ctrl-C or SIGTERM, with the exit code of the signal."""

    def __init__(self, reason: str, exit_code: int) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


@contextmanager
def stoppable() -> Generator[None]:
    """Inside, Ctrl-C and SIGTERM become `Stopped`, which typer passes on, unlike a KeyboardInterrupt."""
    from netwright.engine import interruptible

    with interruptible():
        try:
            yield
        except KeyboardInterrupt as stop:
            raise Stopped(str(stop) or "interrupted", getattr(stop, "exit_code", 130)) from stop


def _read(plan: Plan) -> Task:
    """The data; where files of it cannot be read, all of them are listed in a new file."""
    from netwright.tasks import BadFiles

    try:
        return plan.make_task()
    except BadFiles as problem:
        listed = Path("bad_files.csv")
        if listed.exists():
            raise
        with listed.open("w", newline="") as file:
            csv.writer(file).writerows(
                [("file", "reason"), *((_cell(path), _cell(why)) for path, why in problem.files)]
            )
        raise DataError(f"{problem}; all are listed in {listed}") from problem


def _cell(text: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if str(text)[:1] in "=+-@" else str(text)


class Command:
    """One search on its way from data to a report."""

    def __init__(self, plan: Plan, directory: Path, export: Path | None, *, as_json: bool, quiet: bool) -> None:
        self.plan, self.directory, self.export = plan, directory, export
        self.as_json, self.quiet = as_json, quiet or as_json
        self._began = time.monotonic()
        self.task: Task = _read(plan)
        self.space: Space = plan.make_space(self.task)
        self._fits = plan.recipe is not None and plan.shared_epochs is None
        self.plan = plan = plan.fitted(self.task, self.space)
        self.search: Search = plan.make_search(self.task, self.space)
        self.run: Run | None = None
        self.repeats: list[Run] = []
        self.random: list[Run] = []

    def __enter__(self) -> Command:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: Any) -> None:
        """After an interruption, say how to go on."""
        if isinstance(value, KeyboardInterrupt):
            run = getattr(value, "run", None) or self.run
            if run is not None:
                say(f"interrupted; go on with: netwright resume {run.name}{at(self.directory)}")

    def explain(self) -> None:
        """What was understood, and what will be done."""
        self._say(*self.task.describe())
        self._say(f"space: {self.space}, {rough(self.space.size)} architectures")
        self._say(f"strategy: {self.search.strategy}")
        limits = f", limits {', '.join(map(str, self.search.limits))}" if self.search.limits else ""
        objectives = ", ".join(map(str, self.search.objectives))
        device = self.search.estimator.device  # pyright: ignore[reportAttributeAccessIssue]
        self._say(f"objective: {objectives}{limits}, seed {self.plan.seed}, device {device}")
        self._say(f"plan: {self._planned()}", "")

    def _planned(self) -> str:
        plan = self.plan
        if plan.recipe:
            return f"{self._planned_recipe()}; {self._planned_finally()}"
        stops = [f"{plan.trials} trials"] if plan.trials else []
        stops += [f"{self.search.objectives[0].metric} {plan.target:g}"] if plan.target is not None else []
        stops += [f"{plan.patience} trials without improvement"] if plan.patience else []
        stops += [f"{plan.time_limit} in all"] if plan.time_limit else []
        default = " (none was given)" if plan.time_limit == DEFAULT_TIME and plan.time is None else ""
        search = f"train candidates for {plan.epochs} epochs until {' or '.join(stops)}{default}"
        repeated = f", {plan.repeats} times with other seeds" if plan.repeats > 1 else ""
        return f"{search}{repeated}; {self._planned_finally()}"

    def _planned_recipe(self) -> str:
        plan = self.plan
        fitting = f", as many as fit into {plan.time_limit} in all" if plan.time_limit and self._fits else ""
        beside = ", a random search for as long beside it" if plan.random_search else ""
        repeated = f", {plan.repeats} times with other seeds" if plan.repeats > 1 else ""
        return f"train shared weights for {plan.shared_epochs} epochs{fitting}{beside}{repeated}"

    def _planned_finally(self) -> str:
        plan = self.plan
        if not plan.epochs_finally:
            return "no final training"
        beside = " beside a random pick and a plain reference" if plan.baselines else ""
        if plan.repeats > 1:
            return f"then train what each search found for {plan.epochs_finally} epochs{beside}"
        return f"then train the winner for {plan.epochs_finally} epochs, {plan.final_seeds} times{beside}"

    def _say(self, *lines: str) -> None:
        if not self.quiet:
            say(*lines)

    # Searching.

    def drive(self, name: str | None, *, resume: bool, further: bool = True) -> None:
        """Search, train finally, report, export. further: whether searches that had ended go on."""
        self._resumed, self._further = resume, further
        run = self.run = self._search(name or self._name(), resume)
        self._say(f"run {run.name} stopped: {run.stopped}")
        self._others(run)
        concluded = self._conclude(run)
        exported = [] if concluded is None or self.export is None else write(concluded, self.export)
        if self.as_json:
            say_json(self._outcome(run, concluded))
            return
        self._say("", *exported, f"see it again: netwright show {run.name}{at(self.directory)}")
        if not exported:
            self._say(f"take it home: netwright export {run.name} --to best{at(self.directory)}")

    def _search(self, name: str | None, resume: bool) -> Run:
        plan = self.plan
        alone = plan.search_seconds is None
        limit = plan.time_limit if alone else plan.search_seconds
        reserve = self.reserved if alone else None
        return self._driven(self.search, plan, limit, name, resume, self._seconds(), reserve)

    def _driven(
        self,
        search: Search,
        plan: Plan,
        limit: str | float | None,
        name: str | None,
        resume: bool,
        shown: float | None,
        reserve: Callable[[Trial], float] | None = None,
    ) -> Run:
        """One search to its stop, shown as it goes. shown: seconds that the display counts down."""
        if resume and not self._further and name is not None and self._ended(name):
            return search.load(self.directory, name)
        with Display(list(search.objectives), plan.trials, shown, quiet=self.quiet) as display:
            return search.run(
                plan.trials,
                limit,
                target=plan.target,
                patience=plan.patience,
                store=self.directory,
                name=name,
                on_trial=display,
                on_progress=display.counted,
                resume=resume,
                notes=plan.to_json(),
                reserve=reserve,
            )

    def _ended(self, name: str) -> bool:
        """Whether a stored run came to its stop; a moment more of a time limit must not change what it found."""
        from netwright.store import Store

        with Store.open_readonly(self.directory) as store:
            return store.summary(name).state == "finished"

    def _name(self) -> str | None:
        """A name that says the recipe; None where the engine's own will do, or where a run is resumed."""
        if self.plan.recipe is None or self._resumed:
            return None
        from netwright.engine.naming import next_name
        from netwright.store import Store

        with Store(self.directory) as store:
            taken = store.names()
        return next_name(self.search.strategy, self.search.estimator, taken, split(self.plan.recipe)[0])

    def _others(self, run: Run) -> None:
        """Repetitions with other seeds, and beside a recipe a random search for as long as each took."""
        plan = self.plan
        own = [run]
        for name, other in repetitions(plan, run.name).items():
            try:
                own.append(self._beside(name, other.make_search(self.task, self.space), other, plan.search_seconds))
            except SearchFailed as problem:
                self._say(f"{name} found nothing: {problem}")
        self.repeats = own[1:]
        if not (plan.recipe and plan.random_search):
            return
        for each in own:
            seed, name = each.search.seed, random_name(each.name)
            search = random_search(plan, seed, self.task, self.space)
            try:
                self.random.append(self._beside(name, search, random_plan(plan, seed), each.seconds))
            except SearchFailed as problem:
                self._say(f"random search for {duration(each.seconds)} found nothing: {problem}")
        if len(self.random) < len(own):
            self.random = []

    def _beside(self, name: str, search: Search, plan: Plan, seconds: float | None) -> Run:
        """A run of its own beside the main one; taken up again where it was begun before."""
        from netwright.store import Store

        with Store.open_readonly(self.directory) as store:
            there = name in store.names()
        self._say("", f"search {name}")
        found = self._driven(search, plan, seconds, name, there, seconds)
        _ = found.best  # SearchFailed where there is none
        return found

    def _seconds(self) -> float | None:
        from netwright.engine import parse_duration

        return None if self.plan.time_limit is None else parse_duration(self.plan.time_limit)

    def reserved(self, best: Trial) -> float:
        """Seconds of the time limit to leave for the final training: what it needs, at most half of the time."""
        total = self._seconds()
        if total is None or not self.plan.epochs_finally:
            return 0.0
        return min(total / 2, self._final_seconds(best.seconds, self.plan.epochs_finally))

    def _final_seconds(self, seconds_of_best: float, epochs: int) -> float:
        """What the final training and the baselines take, from what a candidate took."""
        plan = self.plan
        kinds = (3 if self.task.shape.is_image else 2) if plan.baselines else 1
        networks = self._final_times * (kinds + bool(self.random))
        return (
            seconds_of_best / plan.epochs * epochs * networks * 1.15
        )  # the final training has the validation data too

    @property
    def _final_times(self) -> int:
        return 1 + len(self.repeats) if self.repeats else self.plan.final_seeds

    # Concluding.

    def _conclude(self, run: Run) -> Concluded | None:
        """The final training beside the baselines, reported and kept; None where none is wanted."""
        from netwright.results import report_lines

        epochs, deadline = self._epochs_that_fit(run)
        if not epochs:
            return None
        fewer = "" if epochs == self.plan.epochs_finally else ", as many as the time allows"
        self._say("", f"final training: {epochs} epochs{fewer}, {self._final_times} times")
        rivals = {RANDOM: self.random} if self.random else {}
        concluded = conclude_run(
            run, self.plan, epochs, deadline, quiet=self.quiet, repeats=self.repeats, rivals=rivals
        )
        if not self.as_json:
            say(*report_lines(concluded.figures))
        return concluded

    def _epochs_that_fit(self, run: Run) -> tuple[int, float | None]:
        """Epochs of the final training, fewer than planned where the time limit asks for it, and when it has to end."""
        wanted, total = self.plan.epochs_finally, self._seconds()
        if total is None or not wanted:
            return wanted, None
        spent = sum(each.seconds for each in (run, *self.repeats, *self.random))
        left = total - max(spent, time.monotonic() - self._began)
        deadline = time.monotonic() + max(1.0, left)
        if self.plan.final_epochs is not None or (self.plan.recipe and not self.random):
            return wanted, deadline
        one = self.random[0].best.seconds if self.random else run.best.seconds
        fitting = int(wanted * left / max(self._final_seconds(one, wanted), 1e-9))
        return max(1, min(wanted, fitting)), deadline

    def _outcome(self, run: Run, concluded: Concluded | None) -> dict[str, Any]:
        best = run.best
        return {
            "run": run.name,
            "directory": str(self.directory),
            "stopped": run.stopped,
            "seconds": run.seconds,
            "counts": run.counts,
            "best": {"trial": best.number, "architecture": str(best.architecture), "metrics": dict(best.metrics)},
            "repeats": {each.name: str(each.best.architecture) for each in self.repeats},
            "random search": {each.name: str(each.best.architecture) for each in self.random},
            "front": [{"trial": each.number, "metrics": dict(each.metrics)} for each in run.front],
            "final": None if concluded is None else concluded.figures.as_json(),
            "exported": None if self.export is None else str(self.export),
        }
