"""What `netwright worker` makes of work that is shared over a folder.

A worker makes data, space and estimator from the plan of a command, as `netwright resume` does: code that it names is
imported only where the user has named it on a command line, or agrees to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.cli.sharing import COMPARISON, KINDS
from netwright.cli.trust import Foreign, code_of, read_plan, require
from netwright.core.errors import CorruptStore, NetwrightError, UserError

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.core.estimator import Estimator
    from netwright.core.space import Space
    from netwright.executors.folder import Kit
    from netwright.tasks.task import Task


class Workshop:
    """Makes what a session's work says; data and space are made once for all sessions that have them in common.

    directory: the project, or the folder, whose work it is. trust: see `stored_plan`.
    """

    def __init__(self, tell: Callable[[str], object], directory: Path, *, trust: bool = False) -> None:
        self._tell, self._directory, self._trust = tell, Path(os.path.abspath(directory)), trust
        self._made: tuple[Any, Task, Space] | None = None

    def __call__(self, work: Mapping[str, Any]) -> Kit:
        """Raises UserError for work that was not written by the command line, and what the plan's parts raise."""

        kind = work.get("kind")
        if kind is None and work.get("plan") is None:
            raise UserError(
                "this work was shared from Python, which alone knows its parts: run netwright.executors.serve there"
            )
        if not isinstance(kind, str) or kind not in KINDS or not isinstance(work.get("plan"), dict):
            raise UserError(f"this version knows no work of the kind {str(kind)[:80]!r}; it knows {', '.join(KINDS)}")
        try:
            if kind == COMPARISON:
                return self._comparison(work)
            return self._of_a_plan(kind, work)
        except NetwrightError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise CorruptStore(f"the shared work cannot be read: {type(problem).__name__}: {problem}") from problem

    def _of_a_plan(self, kind: str, work: Mapping[str, Any]) -> Kit:
        from netwright.executors.folder import Kit

        plan = read_plan(work["plan"])
        task, space = self._parts(plan, work.get("folder"))
        return Kit(space, tuple(OF_A_PLAN[kind](plan, task, space, work).stages()), KINDS[kind])

    def _comparison(self, work: Mapping[str, Any]) -> Kit:
        from netwright.cli.compare import Settings, named_code
        from netwright.executors.folder import Kit

        settings = Settings.from_json(work["plan"])
        _go_to(work.get("folder"))
        self._agreed(named_code(settings))
        return Kit(None, (settings.searches(),), KINDS[COMPARISON])

    def _agreed(self, code: Sequence[Foreign]) -> None:
        """See that what the work names may be imported. Raises UserError where the user says no."""
        require(code, self._directory, trust=self._trust)
        for each in code:
            self._tell(f"runs code that the run names: {each}")

    def _parts(self, plan: Plan, folder: Any) -> tuple[Task, Space]:
        """Data and space. Names of files are those of the folder in which the driver was started."""
        key = plan.data, plan.data_dir, plan.data_options, plan.space, plan.recipe is None, folder
        if self._made is None or self._made[0] != key:
            self._made = None  # the earlier data goes before the next comes
            _go_to(folder)
            self._agreed(code_of(plan))
            task = plan.make_task(self._directory)
            self._tell(f"data: {task.name}, {len(task.train):,} training examples")
            self._made = key, task, plan.make_space(task)
        return self._made[1:]


def _go_to(folder: Any) -> None:
    """To the folder in which the driver was started, where this machine has it: files are named from there."""
    if isinstance(folder, str) and Path(folder).is_dir():
        os.chdir(folder)


# The kinds of work.

Make = Callable[["Plan", "Task", "Space", Mapping[str, Any]], "Estimator"]


def _search(plan: Plan, task: Task, space: Space, _: Mapping[str, Any]) -> Estimator:
    return plan.make_search(task, space).estimator


def _final(plan: Plan, task: Task, space: Space, _: Mapping[str, Any]) -> Estimator:
    from netwright.results import final_work

    search = plan.make_search(task, space)
    return final_work(search.estimator, objectives=search.objectives)


def _scores(plan: Plan, task: Task, space: Space, work: Mapping[str, Any]) -> Estimator:
    from netwright.cli.proxies import scoring

    return scoring(space, task, work["proxies"], work["batch_size"], work["repeats"], plan.device)


def _audit(plan: Plan, task: Task, space: Space, work: Mapping[str, Any]) -> Estimator:
    from netwright.benchmarks.auditing import training_alone

    return training_alone(plan.make_search(task, space), work["epochs"])


OF_A_PLAN: Mapping[str, Make] = {"search": _search, "final": _final, "proxies": _scores, "audit": _audit}
