"""`netwright search`: understand, plan, search, train finally, report."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.cli import fitting, workers
from netwright.cli.beside import (
    RANDOM,
    leading_search,
    method_name,
    random_name,
    random_plan,
    random_search,
    repetitions,
    trained_name,
    trained_plan,
)
from netwright.cli.driving import Driver
from netwright.cli.explaining import (
    cut_short,
    expectations,
    final_lines,
    led_lines,
    planned,
    recipe_warnings,
    shares,
    strategy_lines,
    understood,
)
from netwright.cli.export import conclude_run, further, write
from netwright.cli.flags import in_flags
from netwright.cli.output import say, say_json
from netwright.cli.plan import SHARE_OF_SEARCHES, Plan
from netwright.cli.reading import read_task
from netwright.cli.show import OTHER_RUN, at
from netwright.cli.stopping import stoppable, tell
from netwright.cli.timetable import SHARE_OF_FINALS, Timetable
from netwright.cli.train import training_lines
from netwright.cli.trust import note_begun
from netwright.core.errors import SearchFailed, UserError
from netwright.core.wording import amount, duration
from netwright.core.workplace import PROJECT
from netwright.engine.finalists import finalist_lines
from netwright.engine.preflight import preflight

SHARE_OF_TRAINING_ALONE = 0.5  # of a search's time, at most, to train what shared weights chose by itself
LEAST_BESIDE = 1.0  # seconds of a search beside another one
SHARE_OF_CALIBRATING = 0.15  # of the time that is left, at most, to foretell latencies

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.core.trial import Trial
    from netwright.engine.preflight import Preflight
    from netwright.engine.run import Run
    from netwright.engine.search import Search
    from netwright.results import Concluded
    from netwright.tasks.task import Task


def begin(
    plan: Plan,
    directory: Path,
    name: str | None,
    export: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Start a new run and take it to its end."""
    plan = replace(plan, given=plan.to_json())
    note_begun(plan, directory)
    with stoppable(), Command(plan, directory, export, as_json=as_json, quiet=quiet) as command:
        command.prepare()
        command.drive(name, resume=False)


class Command:
    """One search on its way from data to a report."""

    def __init__(
        self,
        plan: Plan,
        directory: Path,
        export: Path | None,
        *,
        as_json: bool,
        quiet: bool,
        more: float | None = None,
    ) -> None:
        """more: seconds that a resumed run may take now."""
        self.plan, self.directory, self.export = plan, directory, export
        PROJECT.set(directory)
        self.as_json, self.quiet, self._more = as_json, quiet or as_json, more
        self.times = Timetable(plan, export is not None)
        self.task: Task = read_task(plan, directory)
        self.space: Space = plan.make_space(self.task)
        self._fits = plan.recipe is not None and plan.shared_epochs is None
        if plan.is_automatic and not plan.automatic:
            self._decided_at = self.times.elapsed
            plan = plan.decided(self.task, self.space, self.times.left or 0.0, self.times.export)
            self.space = plan.make_space(self.task)
        self.plan = plan = plan.fitted(self.task, self.space)
        if plan.made_smaller:
            self.space = plan.make_space(self.task)
        self.times.plan = plan
        self.search: Search = plan.make_search(self.task, self.space)
        self.driver = Driver(directory, self.times, quiet=self.quiet or bool(plan.network))
        self.run: Run | None = None
        self.repeats: list[Run] = []
        self.random: list[Run] = []
        self.trained: dict[str, Run] = {}

    def __enter__(self) -> Command:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: Any) -> None:
        """After an interruption, say how to go on; otherwise workers over a folder may end."""
        if isinstance(value, KeyboardInterrupt):
            run = getattr(value, "run", None) or self.run
            name = self.driver.begun() if run is None else run.name  # between two parts, nobody holds the run
            if name:
                tell(value, f"go on with: netwright resume {name}{at(self.directory)}")
        else:
            self.driver.end()

    def prepare(self) -> None:
        """Say what was understood, try the smallest and the largest network, fit the plan to the time, and say it."""
        if self.plan.network:
            self._say(*self.task.describe(in_flags), *training_lines(self.plan, self.search), "")
            return
        self._say(*self.task.describe(in_flags), *understood(self.plan, self.search))
        self.check_operations()
        from netwright.estimators.machine import calibrated_within

        here = workers.chosen(self.plan) == "inline"  # where trials run elsewhere, what is wrong with one stays there
        known = self.plan.is_automatic and not (self.plan.space or self.plan.limits or self.plan.reference)
        with calibrated_within(math.inf if self.times.left is None else SHARE_OF_CALIBRATING * self.times.left):
            exports = here or bool(self.times.export)
            found = None if known else preflight(self.search, exports=exports, seconds=self.times.left)
        if self.plan.search_seconds is not None:
            self.plan = replace(self.plan, prepared=self.times.elapsed)
        if self.plan.decisions is not None:
            self.plan = self.plan.later(self.times.elapsed - self._decided_at)
            self.search = self.plan.make_search(self.task, self.space)
        if found is not None and found.not_exportable and self.times.export:
            raise UserError(f"--export could not be done: {found.not_exportable}")
        if found is not None and found.by_cost and not self.plan.recipe and not self.plan.is_automatic:
            lines = self._fit(found)
        else:
            self.plan = self.plan.resolved()
            lines = []
        self._say(*strategy_lines(self.plan, self.search))
        self._say(f"plan: {planned(self.plan, self.search, fitted=self._fits)}")
        if found is not None:
            self._say(*found.lines(in_flags))
        self._say(
            *recipe_warnings(self.plan), *expectations(self.plan, self.search), *lines, *shares(self._parts()), ""
        )

    def _fit(self, found: Preflight) -> list[str]:
        """Fit the plan to data and time, by what a typical network takes here; what there is to say of it."""
        plan, asked, said = self.plan, self.plan.epochs is not None, list[str]()
        try:
            pace, most = fitting.paced(self.task, self.space, plan, found, self._left_for(plan))
        except Exception:  # what a network of the user's own raises is for a trial to say
            self.plan = plan.resolved()
            return []
        if most is not None:
            plan = replace(plan, limits=(f"macs <= {most:.0f}",))
            said = [
                f"limit: networks of at most {amount(most)} multiply-adds, so that some candidates fit into "
                f"{plan.time_limit}; --max-macs sets another"
            ]
        drawn = len(self.task.train) if self.task.validation is None else None
        plan, fitted = fitting.fitted(plan, pace, self._left_for(plan), drawn)
        self.plan = plan.resolved()
        self.search = self.plan.make_search(self.task, self.space)
        self.driver.expected, self.times.fitted = fitted.each, fitted
        return [*said, *fitting.said(self.plan, fitted, self.task, asked=asked)]

    def _left_for(self, plan: Plan) -> float | None:
        """Seconds for a search and what follows it; None without a limit."""
        return self.times.left if plan.search_seconds is None else plan.search_seconds / fitting.SHARE_OF_SEARCH

    def _parts(self) -> dict[str, float]:
        """Roughly the seconds of each part, as far as they can be known."""
        plan, fitted = self.plan, self.times.fitted
        if plan.decisions is not None:
            return {}
        total = None if self.times.left is None else max(0.0, self.times.left)
        export = self.times.export if total is None else min(self.times.export, total)
        if fitted is None:
            if total is None or plan.search_seconds is None or (plan.recipe and plan.shared_seconds is None):
                return {}  # epochs of shared weights that were asked for were not timed, and take as long as they do
            search = plan.search_seconds * plan.searches
            return {"search": search, "final training": max(0.0, total - search - export), "export": export}
        epochs, begun = plan.epochs_finally, plan.candidate_epochs
        winner = fitted.final(epochs) if epochs else 0.0
        evidence = fitted.final(epochs + begun) * (self._networks - 1) / plan.workers if epochs else 0.0
        if total is None:
            search = fitted.each * (plan.trials or 0) * plan.repeats / plan.workers
            return {"search": search, "final training": winner, "evidence": evidence, "export": export}
        finals = min(winner + evidence, total * SHARE_OF_FINALS, total - export)
        winner = min(winner, finals)
        search = total - finals - export
        return {"search": search, "final training": winner, "evidence": finals - winner, "export": export}

    def _say(self, *lines: str) -> None:
        if not self.quiet:
            say(*lines)

    def check_operations(self) -> None:
        """Raise UserError where networks of the space need an ONNX operation that the device lacks."""
        from netwright.results import check_operations, operations_needed

        if self.plan.operations_allowed:
            needed = operations_needed(self.space, self.task.shape)
            check_operations(needed, frozenset(self.plan.operations_allowed), self.plan.operations_file)

    # Searching.

    def drive(self, name: str | None, *, resume: bool, further: bool = True) -> None:
        """Search, train finally, report, export. further: whether searches that had ended go on."""
        self.driver.further = further
        run = self.run = self._search(name, resume)
        if not self.plan.network:
            self._say(f"run {run.name} stopped: {run.stopped}", *cut_short(run), *led_lines(run), *finalist_lines(run))
        self._others(run)
        if not self.as_json:
            say(*self._found(run))
        handed = self._handed_over(run)
        concluded = self._conclude(handed)
        exported = self._exported(concluded)
        if self.as_json:
            say_json(self._outcome(run, handed, concluded))
            return
        run = handed
        self._say("", *exported, f"see it again: netwright show {run.name}{at(self.directory)}")
        self._say(f"as one page, with charts: netwright report {run.name} --to report.html{at(self.directory)}")
        if not exported:
            self._say(f"take it home: netwright export {run.name} --to best{at(self.directory)}")

    def _exported(self, concluded: Concluded | None) -> list[str]:
        """What there is to say of the export; nothing where none was asked for."""
        from netwright.results import formats_of

        if concluded is None or self.export is None:
            return []
        return write(concluded, self.export, formats=formats_of(self.plan.formats))

    def _found(self, run: Run) -> list[str]:
        """The front where there are several objectives; otherwise the best trial, where nothing else tells of it."""
        from netwright.cli.front import best_line, front_lines

        if len(self.search.objectives) > 1:
            chosen = self.plan.epochs_finally and self.plan.recipe is None
            return front_lines(run, f"{run.name}{{}}{at(self.directory)}", trained=bool(chosen))
        return [best_line(run)] if self.quiet and not self.plan.epochs_finally else []

    def _search(self, name: str | None, resume: bool) -> Run:
        plan = self.plan
        alone = plan.search_seconds is None
        limit: str | float | None = self.times.search() if alone else plan.search_seconds
        if resume and alone:
            limit = plan.seconds  # the engine counts all sessions of a run
        return self.driver.driven(
            self.search, plan, limit, name, resume, self.times.total, self.reserved if alone else None
        )

    def _others(self, run: Run) -> None:
        """Repetitions with other seeds; of a recipe what it chose, trained by itself, and a random search beside it."""
        plan = self.plan
        own = [run]
        for name, other in repetitions(plan, run.name).items():
            try:
                own.append(self._beside(name, other.make_search(self.task, self.space), other, plan.search_seconds))
            except (SearchFailed, UserError) as problem:  # no network of its trials keeps the limits, for one
                self._say(f"{name} found nothing: {in_flags(problem)}")
        self.repeats = own[1:]
        if not (plan.recipe and plan.random_search):
            return
        for each in own:
            self._train_alone(each)
            seed, name = each.search.seed, random_name(each.name)
            search = random_search(plan, seed, self.task, self.space)
            alone = self.trained.get(each.name)
            seconds = self._beside_seconds(each.seconds + (0.0 if alone is None else alone.seconds))
            try:
                self.random.append(self._beside(name, search, random_plan(plan, seed), seconds))
            except (SearchFailed, UserError) as problem:
                self._say(f"random search for {duration(each.seconds)} found nothing: {in_flags(problem)}")
        if len(self.random) < len(own):
            self.random = []

    def _train_alone(self, run: Run) -> None:
        """What a run of shared weights chose, trained by itself as the candidates of the random search are."""
        plan = trained_plan(self.plan, run)
        if plan is None:
            return
        try:
            search = plan.make_search(self.task, self.space)
            limit = self.plan.search_seconds
            seconds = None if limit is None else self._beside_seconds(SHARE_OF_TRAINING_ALONE * limit)
            self.trained[run.name] = self._beside(trained_name(run.name), search, plan, seconds)
        except (SearchFailed, UserError) as problem:
            self._say(f"what was chosen could not be trained by itself: {in_flags(problem)}")

    def _beside_seconds(self, wanted: float) -> float:
        """So many seconds for a search beside another one; fewer where the final trainings need what is left."""
        total, left = self.times.total, self.times.left
        if total is None or left is None:
            return wanted
        return max(LEAST_BESIDE, min(wanted, left - (1 - SHARE_OF_SEARCHES) * total))

    def _handed_over(self, run: Run) -> Run:
        """The run whose network is handed over: this one, or the random search beside it where that is surely better.

        Both networks were trained alike and validated on the same examples. Of repetitions it is always this one.
        """
        if self.repeats or not self.random:
            return run
        found = self.random[0]
        why = leading_search(run, self.trained.get(run.name), found, self.task)
        self._say(*(["", why] if why else []))
        handed = {"run": found.name, "why": why} if why else None
        if run.kept(OTHER_RUN) != handed:
            run.keep(OTHER_RUN, handed)
        return found if why else run

    def _beside(self, name: str, search: Search, plan: Plan, seconds: float | None) -> Run:
        """A run of its own beside the main one; taken up again where it was begun before."""
        from netwright.store import Store

        with Store.open_readonly(self.directory) as store:
            there = name in store.names()
        self._say("", f"search {name}")
        found = self.driver.driven(search, plan, seconds, name, there, seconds)
        _ = found.best  # SearchFailed where there is none
        return found

    def reserved(self, best: Trial) -> float:
        """Seconds of the time limit to leave for what follows the search."""
        return self.times.reserved(best, self._networks)

    @property
    def _networks(self) -> int:
        """How many networks are finally trained."""
        kinds = (3 if self.task.shape.is_image or self.task.shape.is_vector else 2) if self.plan.baselines else 1
        return self._final_times * (kinds + bool(self.random))

    @property
    def _final_times(self) -> int:
        return 1 + len(self.repeats) if self.repeats else self.plan.final_seeds

    # Concluding.

    def _conclude(self, run: Run) -> Concluded | None:
        """The final training and the evidence, reported and kept; None where none is wanted.

        run: whose network is handed over.
        """
        from netwright.results import report_lines
        from netwright.results.verdict import OF_METHOD

        plan = self.plan
        if not plan.epochs_finally:
            return None
        self._say(*final_lines(plan, run))
        rivals = {RANDOM: self.random} if self.random else {}
        if run in self.random:
            assert self.run is not None
            rivals = {f"{OF_METHOD}{method_name(plan)}": [self.run]}
        place = plan.without_limits()
        if plan.decides_workers:  # what is left is too short for processes to start
            place = workers.in_this_process(place)
        with self.driver.working(f"{run.name}-final", place, "final") as executor:
            concluded = conclude_run(
                run,
                plan,
                self._deadline(run),
                quiet=self.quiet,
                repeats=self.repeats,
                rivals=rivals,
                executor=executor,
                trained=self.trained,
            )
        if not self.as_json:
            say(*report_lines(concluded.figures), *further(concluded.figures, run.name, self.directory))
        return concluded

    def _deadline(self, run: Run) -> float | None:
        """When the final trainings have to end, in `time.monotonic()` seconds."""
        total = self.times.total
        if total is None:
            return None
        assert self.run is not None
        spent = sum(each.seconds for each in (self.run, *self.repeats, *self.random, *self.trained.values()))
        left = total - max(spent, self.times.elapsed)
        if self._more is not None:
            left = min(left, self._more - self.times.elapsed)
        return time.monotonic() + max(1.0, left - self.times.export)

    def _outcome(self, run: Run, handed: Run, concluded: Concluded | None) -> dict[str, Any]:
        best = run.best
        return {
            "run": run.name,
            "directory": str(self.directory),
            "stopped": run.stopped,
            "seconds": run.seconds,
            "counts": run.counts,
            "front": [{"trial": each.number, "metrics": dict(each.metrics)} for each in run.front],
            "best": {"trial": best.number, "architecture": str(best.architecture), "metrics": dict(best.metrics)},
            "repeats": {each.name: str(each.best.architecture) for each in self.repeats},
            "random search": {each.name: str(each.best.architecture) for each in self.random},
            "handed over": handed.name,
            "final": None if concluded is None else concluded.figures.as_json(),
            "exported": None if self.export is None else str(self.export),
        }
