"""`netwright search` and `netwright resume`: understand, plan, search, train finally, report."""

from __future__ import annotations

import csv
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.cli.export import conclude_run, write
from netwright.cli.output import rough, say, say_json
from netwright.cli.plan import DEFAULT_TIME, Plan
from netwright.cli.progress import Display
from netwright.cli.show import PLAN, at, named
from netwright.core.errors import DataError, NetwrightError, UserError

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
    with stoppable(), Command(plan, directory, export, as_json=as_json, quiet=quiet) as command:
        command.drive(name, resume=True)


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
        self.search: Search = plan.make_search(self.task, self.space)
        self.run: Run | None = None

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
        stops = [f"{plan.trials} trials"] if plan.trials else []
        stops += [f"{self.search.objectives[0].metric} {plan.target:g}"] if plan.target is not None else []
        stops += [f"{plan.patience} trials without improvement"] if plan.patience else []
        stops += [f"{plan.time_limit} in all"] if plan.time_limit else []
        default = " (none was given)" if plan.time_limit == DEFAULT_TIME and plan.time is None else ""
        search = f"train candidates for {plan.epochs} epochs until {' or '.join(stops)}{default}"
        if not plan.epochs_finally:
            return f"{search}; no final training"
        beside = " beside a random pick and a plain reference" if plan.baselines else ""
        return f"{search}; then train the winner for {plan.epochs_finally} epochs, {plan.final_seeds} times{beside}"

    def _say(self, *lines: str) -> None:
        if not self.quiet:
            say(*lines)

    # Searching.

    def drive(self, name: str | None, *, resume: bool) -> None:
        """Search, train finally, report, export."""
        run = self.run = self._search(name, resume)
        self._say(f"run {run.name} stopped: {run.stopped}")
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
        with Display(list(self.search.objectives), plan.trials, self._seconds(), quiet=self.quiet) as display:
            return self.search.run(
                plan.trials,
                plan.time_limit,
                target=plan.target,
                patience=plan.patience,
                store=self.directory,
                name=name,
                on_trial=display,
                on_progress=display.counted,
                resume=resume,
                notes=plan.to_json(),
                reserve=self.reserved,
            )

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
        networks = plan.final_seeds * ((3 if self.task.shape.is_image else 2) if plan.baselines else 1)
        return (
            seconds_of_best / plan.epochs * epochs * networks * 1.15
        )  # the final training has the validation data too

    # Concluding.

    def _conclude(self, run: Run) -> Concluded | None:
        """The final training beside the baselines, reported and kept; None where none is wanted."""
        from netwright.results import report_lines

        epochs, deadline = self._epochs_that_fit(run)
        if not epochs:
            return None
        fewer = "" if epochs == self.plan.epochs_finally else ", as many as the time allows"
        self._say("", f"final training: {epochs} epochs{fewer}, {self.plan.final_seeds} times")
        concluded = conclude_run(run, self.plan, epochs, deadline, quiet=self.quiet)
        if not self.as_json:
            say(*report_lines(concluded.figures))
        return concluded

    def _epochs_that_fit(self, run: Run) -> tuple[int, float | None]:
        """Epochs of the final training, fewer than planned where the time limit asks for it, and when it has to end."""
        wanted, total = self.plan.epochs_finally, self._seconds()
        if total is None or not wanted:
            return wanted, None
        left = total - max(run.seconds, time.monotonic() - self._began)
        deadline = time.monotonic() + max(1.0, left)
        if self.plan.final_epochs is not None:
            return wanted, deadline
        fitting = int(wanted * left / max(self._final_seconds(run.best.seconds, wanted), 1e-9))
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
            "front": [{"trial": each.number, "metrics": dict(each.metrics)} for each in run.front],
            "final": None if concluded is None else concluded.figures.as_json(),
            "exported": None if self.export is None else str(self.export),
        }
