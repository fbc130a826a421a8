"""The end of a search: the winner trained finally, set beside the baselines, reported and exported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from netwright.cli.beside import load_beside
from netwright.cli.output import colours, say, say_json
from netwright.cli.show import PLAN, REPORT, named
from netwright.core.errors import UserError

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.engine.run import Run
    from netwright.results import Concluded


def conclude_run(
    run: Run,
    plan: Plan,
    epochs: int,
    deadline: float | None,
    *,
    quiet: bool,
    repeats: Sequence[Run] = (),
    rivals: Mapping[str, Sequence[Run]] = MappingProxyType({}),
) -> Concluded:
    """The final training of a run's winner beside the baselines, reported and kept for `netwright show`."""
    from netwright.results import conclude, report_lines

    with _status(quiet) as status:
        concluded = conclude(
            run,
            final_epochs=epochs,
            final_seeds=plan.final_seeds,
            baselines=plan.baselines,
            on_progress=status,
            deadline=deadline,
            repeats=repeats,
            rivals=rivals,
        )
    lines = report_lines(concluded.figures)
    report = {"epochs": epochs, "lines": lines, "figures": concluded.figures.as_json()}
    if run.kept(REPORT) != report:
        run.keep(REPORT, report)
    return concluded


def _status(quiet: bool) -> AbstractContextManager[Callable[[str], object]]:
    """What shows the progress of a final training: one line that changes on a terminal, nothing elsewhere."""
    if quiet or not colours(sys.stdout):
        return nullcontext(lambda _: None)
    from rich.console import Console

    return _Spinner(Console().status("final training"))


class _Spinner:
    def __init__(self, status: Any) -> None:
        self._status = status

    def __enter__(self) -> Callable[[str], object]:
        self._status.__enter__()
        return self._status.update

    def __exit__(self, *problem: Any) -> None:
        self._status.__exit__(*problem)


def write(concluded: Concluded, to: Path, *, overwrite: bool = False) -> list[str]:
    """Export, and what there is to say of it."""
    exported = concluded.export(to, overwrite=overwrite)
    return [
        f"exported to {to}: {', '.join(sorted(path.name for path in to.iterdir()))}",
        f"verified in a process without netwright: {exported.verified_examples:,} predictions reproduced, "
        f"logits differ by at most {exported.largest_difference:.1g}",
    ]


def export_result(directory: Path, run: str | None, to: Path, *, overwrite: bool, as_json: bool, quiet: bool) -> None:
    """`netwright export`: the final training is taken from the run, or done now where it was not."""
    from netwright.cli.plan import Plan
    from netwright.results import check_target, report_lines
    from netwright.store import Store

    check_target(to, overwrite)
    with Store.open_readonly(directory) as store:
        name = named(store, run)
        notes, report = store.document(name, PLAN), store.document(name, REPORT)
    if notes is None:
        raise UserError(
            f"run {name!r} was made from Python, which alone knows its parts; export it there: run.export()"
        )
    plan = Plan.from_json(notes)
    task = plan.make_task()
    space = plan.make_space(task)
    found = plan.make_search(task, space).load(directory, name)
    repeats, rivals = load_beside(plan, found, task, space, directory)
    epochs = report["epochs"] if report else max(plan.epochs_finally, 1)
    if not report and not quiet and not as_json:
        say(f"final training: {epochs} epochs, {plan.final_seeds} times")
    silent = quiet or as_json
    concluded = conclude_run(found, plan, epochs, None, quiet=silent, repeats=repeats, rivals=rivals)
    lines = write(concluded, to, overwrite=overwrite)
    if as_json:
        say_json({"run": name, "exported": str(to), "figures": concluded.figures.as_json()})
    elif not quiet:
        say(*report_lines(concluded.figures), "", *lines)
