"""The end of a search: the winner trained finally, set beside the baselines, reported and exported."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from netwright.cli import sharing, workers
from netwright.cli.beside import load_beside, load_trained_alone
from netwright.cli.flags import in_flags
from netwright.cli.moving import moved
from netwright.cli.output import colours, say, say_json
from netwright.cli.points import chosen_at, lines_of, one_choice, points, row_of, several, train_points, write_index
from netwright.cli.show import PLAN, REPORT, at, named
from netwright.cli.trust import stored_plan
from netwright.core.errors import UserError, marked
from netwright.core.inside import inside
from netwright.core.roles import hands_over
from netwright.core.serial import parse_json
from netwright.core.wording import counted, duration, printable

PLAIN_EVERY = 30.0  # seconds between lines on the progress of a training, where there is no terminal

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.core.executor import Executor
    from netwright.core.trial import Trial
    from netwright.engine.run import Run
    from netwright.results import Concluded, Figures
    from netwright.results.entries import FinalTraining


def conclude_run(
    run: Run,
    plan: Plan,
    deadline: float | None,
    *,
    quiet: bool,
    repeats: Sequence[Run] = (),
    rivals: Mapping[str, Sequence[Run]] = MappingProxyType({}),
    executor: Executor | None = None,
    trained: Mapping[str, Run] = MappingProxyType({}),
    **options: Any,
) -> Concluded:
    """The final training of a run's winner beside the baselines, reported and kept for `netwright show`.

    options: of `results.conclude`, in place of what the plan says.
    """
    from netwright.results import conclude, report_lines

    planned = {
        "final_epochs": plan.epochs_finally,
        "final_seeds": plan.seeds_finally,
        "baselines": plan.baselines,
        "exact": plan.final_epochs is not None,
    }
    if hands_over(run.search.estimator) and plan.final_epochs is None:  # its weights are the winner's
        planned |= {"final_epochs": 0, "exact": True}
        planned |= {"final_seeds": 1} if plan.final_seeds == type(plan).final_seeds else {}
    if plan.decisions is not None:  # its winner is trained already, unless it is trained anew on all examples
        planned |= {
            "final_epochs": int(plan.decisions.again),
            "anew": plan.decisions.again,
            "copies": plan.decisions.copies,
        }
    with _status(quiet, plain=bool(plan.network)) as status:
        concluded = conclude(
            run,
            on_progress=status,
            deadline=deadline,
            repeats=repeats,
            rivals=rivals,
            executor=executor,
            trained=trained,
            **{**planned, **options},
        )
    report = {"lines": report_lines(concluded.figures), "figures": concluded.figures.as_json()}
    if run.kept(REPORT) != report:
        run.keep(REPORT, report)
    return concluded


def further(figures: Figures, run: str, directory: Path) -> list[str]:
    """The command that adds what the time did not suffice for, where there is any."""
    return [f"what did not fit into the time: netwright final {run}{at(directory)}"] if figures.left_out else []


def _status(quiet: bool, *, plain: bool = False) -> AbstractContextManager[Callable[[str], object]]:
    """What shows the progress of a final training: one line that changes on a terminal, nothing elsewhere.

    plain: a line now and then elsewhere, too.
    """
    if not quiet and plain and not colours(sys.stdout):
        return nullcontext(_NowAndThen())
    if quiet or not colours(sys.stdout):
        return nullcontext(lambda _: None)
    from rich.console import Console

    return _Spinner(Console().status("final training"))


class _NowAndThen:
    """Prints what it is told, unless it has printed something a moment ago."""

    def __init__(self) -> None:
        self._said = -PLAIN_EVERY

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        if now - self._said >= PLAIN_EVERY:
            self._said = now
            say(text)


class _Spinner:
    def __init__(self, status: Any) -> None:
        self._status = status

    def __enter__(self) -> Callable[[str], object]:
        self._status.__enter__()
        from rich.text import Text

        return lambda text: self._status.update(Text(printable(text)))

    def __exit__(self, *problem: Any) -> None:
        self._status.__exit__(*problem)


RECORD = "formats.json"  # of an export, on the files besides plain PyTorch


def write(concluded: Concluded, to: Path, *, overwrite: bool = False, formats: Sequence[str] = ()) -> list[str]:
    """Export, and what there is to say of it."""
    return concluded.export(to, overwrite=overwrite, formats=formats).lines(to)


class Found:
    """A stored run of the command line, with what belongs to it."""

    def __init__(
        self,
        directory: Path,
        run: str | None,
        what: str,
        elsewhere: Mapping[str, Any] | None = None,
        *,
        trust: bool,
    ) -> None:
        """what: is to be done with it, for the message where it was made from Python. trust: see `stored_plan`.

        elsewhere: see `moved`; None where nothing is to run but here.
        """
        from netwright.store import Store

        with Store.open_readonly(directory) as store:
            self.name = named(store, run)
            notes = store.document(self.name, PLAN)
        if notes is None:
            raise UserError(
                f"run {self.name!r} was made from Python, which alone knows its parts; {what} it there: run.export()"
            )
        self.directory = directory
        plan = stored_plan(notes, directory, trust=trust, given=elsewhere, runs=elsewhere is not None)
        # Final trainings need no shared weights, so that those of a recipe run anywhere, too.
        self.place, dropped = moved(replace(plan.without_limits(), recipe=None), elsewhere or {})
        if dropped:
            say(dropped, stream=sys.stderr)
        self.plan = plan = replace(plan, device=self.place.device)
        task = plan.make_task(directory)
        space = plan.make_space(task)
        self.run = plan.make_search(task, space).load(directory, self.name)
        self.repeats, self.rivals = load_beside(plan, self.run, task, space, directory)
        self.trained = load_trained_alone(plan, [self.run, *self.repeats], task, space, directory)

    def conclude(self, *, quiet: bool, trial: int | None = None, **options: Any) -> Concluded:
        """See `conclude_run`; with a trial of its own, nothing of other searches belongs to it."""
        beside = {} if trial is not None else {"repeats": self.repeats, "rivals": self.rivals}
        own = {"quiet": quiet, "trial": trial, "trained": self.trained}
        return conclude_run(self.run, self.plan, None, **own, **beside, **options)

    @cached_property
    def work(self) -> FinalTraining:
        """What carries out its final trainings."""
        from netwright.results import final_work

        return final_work(self.run.search.estimator, objectives=self.run.search.objectives)

    def estimate(self, trial: int | None, epochs: int | None) -> float | None:
        """Seconds of training the network of a trial here for so many epochs, from a few warm steps of it.

        epochs: None for once by the clock, for as long as the settings say.
        None where these steps raise: what a network of the user's own raises is for its training to say.
        """
        from netwright.results.time_left import measured
        from netwright.training import seeded

        try:
            with seeded(0):
                chosen, work = self.trial(trial), self.work
                network = work.space.build(chosen.architecture, work.task.shape)
                settings = work.settings_of(chosen.architecture)
                settings = settings if epochs is None else settings.replace(seconds=None)
                cost = measured(network, work.task.final_data(work.device), settings, work.device)
        except Exception:
            return None
        return cost.of(1 if epochs is None else epochs)

    def trial(self, number: int | None) -> Trial:
        """The trial of that number, by default the best."""
        return self.run.best if number is None else next(each for each in self.run.trials if each.number == number)

    def length(self, trial: int | None) -> int | None:
        """Epochs of each training that is missing of a trial; None where they last so many seconds.

        They are as many as an earlier call has trained its network for in all, or else those of the plan.
        """
        from netwright.results.of_run import Earlier

        earlier, timed = Earlier.of(self.run, self.trial(trial).number), self.work.settings.seconds is not None
        if earlier is not None and (earlier.in_epochs or not timed):
            return earlier.begun + earlier.epochs
        return None if timed else self.plan.candidate_epochs + self.plan.epochs_later


def train_finally(
    directory: Path,
    run: str | None,
    *,
    trial: int | None,
    front: int | None,
    epochs: int | None,
    seeds: int | None,
    baselines: bool | None,
    elsewhere: Mapping[str, Any],
    trust: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """`netwright final`: train a winner, or go on with one, and add the evidence that is missing.

    front: so many points of the front in place of one network.
    elsewhere: options about where the trainings run, in place of those of the search. trust: see `stored_plan`.
    """
    from netwright.results import report_lines, trial_of

    if epochs is not None and epochs < 1:
        raise UserError(f"--epochs {epochs}: expected a whole number of at least 1")
    if seeds is not None and seeds < 1:
        raise UserError(f"--seeds {seeds}: expected a whole number of at least 1")
    if front is not None and front < 1:
        raise UserError(f"--front {front}: expected how many points of the front are trained, at least 1")
    one_choice(trial=trial, front=front)
    found = Found(directory, run, "train", elsewhere, trust=trust)
    if front is not None:
        several(found.run)
    if trial is not None:
        trial_of(found.run, trial)
    silent = quiet or as_json
    plan = found.plan
    options: dict[str, Any] = {"final_epochs": epochs, "further": epochs is not None, "exact": True}
    options |= {"final_seeds": replace(plan, final_seeds=seeds).seeds_finally} if seeds is not None else {}
    options |= {"baselines": baselines} if baselines is not None else {}
    if (front is not None or not found.run.kept("final")) and epochs is None:
        options["final_epochs"] = plan.epochs_later
    if not silent:
        say(*_expected(found, trial, epochs))
    shared = None
    if workers.chosen(found.place) == "folder":
        shared = sharing.of_run(directory, found.name, sharing.work_of("final", plan), aloud=not silent)
    executor = workers.make_executor(found.place, inside(directory, workers.LOGS, f"{found.name}-final"), shared)
    if front is not None:
        _train_front(found, front, executor, options, as_json=as_json, quiet=silent)
        return
    with nullcontext() if executor is None else closing(executor):
        concluded = found.conclude(quiet=silent, trial=trial, executor=executor, **options)
    if as_json:
        say_json({"run": found.name, "figures": concluded.figures.as_json()})
    else:
        say(
            *report_lines(concluded.figures),
            "",
            f"take it home: netwright export {found.name} --to best{at(directory)}",
        )


def _expected(found: Found, trial: int | None, epochs: int | None) -> list[str]:
    """How long each training takes, in a line. epochs: that are asked for; None for what is missing."""
    each = found.length(trial) if epochs is None else epochs
    seconds = found.estimate(trial, each)
    long = "" if each is None else f" of {counted(each, 'epoch')}"
    return [] if seconds is None else [f"about {duration(seconds)} for each training{long} here"]


def _train_front(
    found: Found, count: int, executor: Executor | None, options: dict[str, Any], *, as_json: bool, quiet: bool
) -> None:
    """Train so many points of the front; what the run reports of its winner stays."""
    before = found.run.kept(REPORT)
    own = {"baselines": False, **options}

    def conclude(trial: int, executor: Executor | None) -> Concluded:
        return found.conclude(quiet=quiet, trial=trial, executor=executor, **own)

    trained = train_points(found.run, count, conclude, executor, quiet=quiet)
    if before is not None:
        found.run.keep(REPORT, before)
    if as_json:
        say_json({"run": found.name, "points": trained})
        return
    where = at(found.directory)
    say(*lines_of(found.run, trained), "", f"take them home: netwright export {found.name} --front --to front{where}")


def export_result(
    directory: Path,
    run: str | None,
    to: Path,
    *,
    formats: str,
    trial: int | None,
    within: Sequence[str],
    front: bool,
    train: bool,
    overwrite: bool,
    trust: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """`netwright export`: the trained network as it is; nothing is trained before that was agreed to.

    within: limits, of which the best network that keeps them is exported. front: every point of the front is.
    """
    from netwright.results import check_target, formats_of, report_lines, trial_of

    one_choice(trial=trial, at=tuple(within), front=front)
    if not (front and overwrite):  # then each folder in it is checked for itself
        check_target(to, overwrite)
    wanted = formats_of(formats)
    found = Found(directory, run, "export", trust=trust)
    if trial is not None:
        trial_of(found.run, trial)
    silent = quiet or as_json
    if front:
        _export_front(found, to, wanted, train=train, overwrite=overwrite, as_json=as_json, quiet=silent)
        return
    if within:
        best = chosen_at(found.run, within)
        trial = best.number
        say(*([] if silent else [f"trial {trial}, the best within {' and '.join(within)}"]))
    concluded = _concluded(found, trial, train=train, quiet=silent)
    lines = write(concluded, to, overwrite=overwrite, formats=wanted)
    if as_json:
        said = {"run": found.name, "exported": str(to), "figures": concluded.figures.as_json()}
        say_json(
            said
            | {
                "formats": parse_json((to / RECORD).read_text(encoding="utf-8"))["files"]
                if (to / RECORD).exists()
                else []
            }
        )
    elif not quiet:
        say(*report_lines(concluded.figures), "", *lines)


def _recorded(path: Path) -> list[Any]:
    """What is known of each file besides plain PyTorch; nothing where there are none."""
    return parse_json(path.read_text(encoding="utf-8"))["files"] if path.exists() else []


def _export_front(
    found: Found, to: Path, formats: Sequence[str], *, train: bool, overwrite: bool, as_json: bool, quiet: bool
) -> None:
    """Each point of the front into a folder of its own, and a page that lists them."""
    chosen = points(found.run)
    before, rows = found.run.kept(REPORT), list[tuple[str, dict[str, Any]]]()
    for trial in chosen:
        concluded = _concluded(found, trial.number, train=train, quiet=quiet)
        folder = f"trial-{trial.number}"
        lines = write(concluded, to / folder, overwrite=overwrite, formats=formats)
        say(*([] if quiet else [f"trial {trial.number}: {lines[-1]}"]))
        rows.append((folder, row_of(trial, concluded)))
    if before is not None:
        found.run.keep(REPORT, before)
    write_index(to, found.run, rows)
    if as_json:
        say_json(
            {"run": found.name, "exported": str(to), "points": [{"folder": folder, **row} for folder, row in rows]}
        )
    elif not quiet:
        say("", *lines_of(found.run, [row for _, row in rows]), "", f"exported {len(rows)} networks to {to}")


def _concluded(found: Found, trial: int | None, *, train: bool, quiet: bool) -> Concluded:
    """The network of a trial with the weights that there are; trained where there are none and that was agreed to."""
    from netwright.results import NothingTrained

    try:
        return found.conclude(quiet=quiet, trial=trial, train=False)
    except NothingTrained as problem:
        epochs = found.plan.epochs_later
        if not train:
            _agree(found, trial, epochs, problem)
        return found.conclude(quiet=quiet, trial=trial, final_epochs=epochs, final_seeds=1, baselines=False)


def _agree(found: Found, trial: int | None, epochs: int, problem: Exception) -> None:
    """Ask whether the network should be trained now; UserError where nobody can be asked, or the answer is no."""
    import typer

    timed = found.work.settings.seconds is not None
    seconds = found.estimate(trial, None if timed else epochs)
    taking = "has yet to be done" if seconds is None else f"takes about {duration(seconds)}"
    long = "" if timed else f" for {counted(epochs, 'epoch')}"
    asked = f"{marked(problem)}; training it{long} {taking}"
    if not sys.stdin.isatty() or not typer.confirm(printable(f"{in_flags(asked)}. Train it now?")):
        raise UserError(f"{asked}: say so with --train, or train it beforehand with: netwright final {found.name}")
