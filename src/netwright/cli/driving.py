"""One search after the other driven to its stop: its name, the executor that its trials run in, what is shown of it."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from netwright.catalogue import load, split
from netwright.cli import sharing, workers
from netwright.cli.notifying import current
from netwright.cli.output import say
from netwright.cli.progress import Display
from netwright.cli.show import at
from netwright.core.errors import NetwrightError
from netwright.core.inside import inside
from netwright.engine import Interrupted, parse_duration

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.cli.timetable import Timetable
    from netwright.core.executor import Executor
    from netwright.core.trial import Trial
    from netwright.engine import Progress
    from netwright.engine.run import Run
    from netwright.engine.search import Search


class Driver:
    """Drives the searches of one command. Work over a folder is shared under the name of the first of them.

    further: whether searches that had ended go on. expected: seconds of a typical trial, where they are known.
    """

    def __init__(self, directory: Path, times: Timetable, *, quiet: bool) -> None:
        """times: of the command, which begins when workers over a folder are there."""
        self.directory, self.times, self.quiet = directory, times, quiet
        self.further = True
        self.expected: float | None = None
        self._queue: Path | None = None  # where work is shared with workers over a folder
        self._main = ""

    def begun(self) -> str:
        """The name of the command's first run; empty where none has been begun."""
        from netwright.store import Store

        if not self._main:
            return ""
        try:
            with Store.open_readonly(self.directory) as store:
                return self._main if self._main in store.names() else ""
        except (NetwrightError, OSError):
            return ""

    def end(self) -> None:
        """Workers over a folder may end: no more of this command follows."""
        if self._queue is not None:
            from netwright.executors.folder import end

            end(self._queue)

    def driven(
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
        name = name or self._next_name(search, plan)
        self._main = self._main or name
        if resume and not self.further and self._ended(name):
            return search.load(self.directory, name)
        if workers.chosen(plan) == "folder" and not resume:
            self._make_project()
        with self.working(name, plan, "search") as executor:
            self.times.began += workers.waited(executor, self._shared(name, plan, "search"))
            display = Display(list(search.objectives), plan.trials, shown, quiet=self.quiet)
            notifier = current()
            if notifier is not None:
                notifier.run = self._main
            with display:
                return search.run(
                    plan.trials,
                    limit,
                    target=plan.target,
                    patience=plan.patience,
                    store=self.directory,
                    name=name,
                    on_trial=display if notifier is None else told_of(display, notifier.trial),
                    on_progress=self._heard(display, limit),
                    resume=resume,
                    notes=plan.to_json(),
                    reserve=reserve,
                    executor=executor,
                    retries=workers.retries(plan),
                    preflight=False,
                    expected=self.expected,
                )

    def _heard(self, display: Display, limit: str | float | None) -> Callable[[Progress], object]:
        """What hears of progress: the display, and where a person has changed the time, what follows the search."""
        known = None if limit is None else parse_duration(limit)

        def heard(progress: Progress) -> None:
            nonlocal known
            display.counted(progress)
            seconds = progress.stops.seconds
            if seconds is not None and known is not None and seconds != known and self.times.total is not None:
                self.times.total += seconds - known
                known = seconds

        return heard

    @contextmanager
    def working(self, name: str, plan: Plan, kind: str) -> Generator[Executor | None]:
        """The executor for one run, closed at the end; a second interruption ends this process at once.

        Workers do not outlive the process that drives them, whatever ends it; those over a folder wait for the next.
        kind: of work, for `sharing.work_of`.
        """
        logs = inside(self.directory, workers.LOGS, name)
        executor = workers.make_executor(plan, logs, self._shared(name, plan, kind))
        try:
            yield executor
        except Interrupted as stop:
            if stop.again:
                self._kill(name, stop.exit_code)
            raise
        finally:
            if executor is not None:
                try:
                    executor.close()
                except KeyboardInterrupt as stop:
                    self._kill(name, getattr(stop, "exit_code", 130))

    def _shared(self, name: str, plan: Plan, kind: str) -> sharing.Shared | None:
        """Where the work of this command is shared, all of it under the name of its first run; None where it is not."""
        if workers.chosen(plan) != "folder":
            return None
        work = sharing.work_of(kind, plan)
        shared = sharing.of_run(self.directory, self._main or name, work, stays=True, aloud=not self.quiet)
        self._queue = shared.queue
        return shared

    def _make_project(self) -> None:
        """Make the project before a folder to share work in lies in its directory."""
        from netwright.store import Store

        Store(self.directory).close()

    def _kill(self, name: str, code: int) -> None:
        say(f"stopped at once; go on with: netwright resume {name}{at(self.directory)}")
        os._exit(code)

    def _ended(self, name: str) -> bool:
        """Whether a stored run came to its stop; a moment more of a time limit must not change what it found."""
        from netwright.store import Store

        with Store.open_readonly(self.directory) as store:
            return store.summary(name).state == "finished"

    def _next_name(self, search: Search, plan: Plan) -> str:
        """A name that no run has, and that says the recipe."""
        from netwright.engine.identity import next_name
        from netwright.store import Store

        with Store(self.directory) as store:
            taken = store.names()
        if plan.given_network is not None:
            method = plan.given_network.name
        else:
            method = split(plan.recipe)[0].rpartition(":")[2] if plan.recipe else _named_method(plan)
        return next_name(search.strategy, search.estimator, taken, method)


def told_of(*hearers: Callable[[Trial], object]) -> Callable[[Trial], object]:
    """What tells each of these of a trial."""

    def heard(trial: Trial) -> None:
        for each in hearers:
            each(trial)

    return heard


def _named_method(plan: Plan) -> str:
    """The strategy's name on the command line, where it says more than its class does."""
    name = split(plan.strategy)[0]
    made_by = load("strategy", name)
    return name.rpartition(":")[2] if inspect.isfunction(made_by) else ""
