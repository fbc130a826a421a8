"""From a finished search to the folder that its user takes home, in one call."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch

from netwright.core.checkpoints import Checkpoints
from netwright.core.errors import TrialFailed, UserError
from netwright.core.inside import inside
from netwright.core.kinds import kinds_checked
from netwright.core.roles import hands_over
from netwright.core.trained import PASSES
from netwright.executors.inline import Inline
from netwright.networks.counting import count
from netwright.results.documents import KEPT, PLANNED, kept_of
from netwright.results.entries import FOUND, Entry, FinalTraining, final_work
from netwright.results.exporting import Exported, check_target, export
from netwright.results.figures import Figures
from netwright.results.final import FinalResult, check_seeds
from netwright.results.final_comparison import compared
from netwright.results.finals import Finals, Wanted, Winner
from netwright.results.hardware import hardware
from netwright.results.kept_limits import kept_limits
from netwright.training.progress import load_trained

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.executor import Executor, Job
    from netwright.core.objective import Constraint
    from netwright.core.space import Space
    from netwright.core.trial import Trial
    from netwright.results.searched import FinishedRun as Run
    from netwright.tasks.task import Task

COUNTED = ("params", "macs", "activation_memory")
OnProgress = Callable[[str], object]


class NothingTrained(UserError):
    """There is no trained network yet: one has to be trained finally first."""


@dataclass(frozen=True, eq=False)
class Concluded:
    """The winner of a run, trained finally, and everything a report states about it.

    final: the trainings of the winner, with its network.
    figures: what the report states.
    space: in which the network lies.
    task: on which it was trained and tested.
    """

    final: FinalResult
    figures: Figures
    space: Space
    task: Task

    def export(self, directory: str | Path, *, overwrite: bool = False, formats: str | Sequence[str] = ()) -> Exported:
        """Write and verify the folder that the user takes home; formats: what is written besides, as "onnx,int8"."""
        final = self.final
        return export(
            *(directory, final.network, final.architecture, self.space, self.task, self.figures),
            reported=final.outputs,
            overwrite=overwrite,
            formats=formats,
        )


@kinds_checked
def export_run(
    run: Run,
    directory: str | Path,
    *,
    overwrite: bool = False,
    formats: str | Sequence[str] = (),
    on_progress: OnProgress | None = None,
    **options: Any,
) -> Exported:
    """Conclude a run (see `conclude`, whose options these are), and export and verify its network.

    run: as `Search.run` or `Search.load` gives it.
    directory: that is written; it is new, empty or an earlier export.
    overwrite: replace an earlier export in that directory; other folders that are not empty are refused.
    formats: what is written besides plain PyTorch: "onnx", "int8", "torch-export", or several as "onnx,int8".
    on_progress: called with a line of text.
    options: those of `conclude`.
    """
    check_target(directory, overwrite)
    concluded = conclude(run, on_progress=on_progress, **options)
    if on_progress is not None:
        on_progress("writing and verifying the exported model")
    return concluded.export(directory, overwrite=overwrite, formats=formats)


@kinds_checked
def conclude(
    run: Run,
    *,
    trial: int | None = None,
    final_epochs: int | None = None,
    final_seeds: int | Sequence[int] = 3,
    baselines: bool = True,
    device: torch.device | str | None = None,
    on_progress: OnProgress | None = None,
    deadline: float | None = None,
    exact: bool = True,
    further: bool = False,
    train: bool = True,
    repeats: Sequence[Run] = (),
    rivals: Mapping[str, Sequence[Run]] = MappingProxyType({}),
    executor: Executor | None = None,
    anew: bool = False,
    copies: int = 1,
    trained: Mapping[str, Run] = MappingProxyType({}),
) -> Concluded:
    """Train the run's best network finally, test it, and compare it with baselines.

    The candidate's own weights go on where the search has kept them; further seeds and baselines are trained from
    scratch for as many epochs in all. What is done is kept with a stored run, and never done again.

    run: as `Search.run` or `Search.load` gives it.
    trial: the number of the trial whose network it is; the best one by default.
    final_epochs: to go on for; by default those of the last call for this run and trial, else the estimator's own
        number.
    final_seeds: how many, or which; the first is the winner's own.
    baselines: whether a random pick and the references of its kind of problem (see `references`) are set beside it.
    device: the estimator's by default, or "auto".
    on_progress: called with a line of text.
    deadline: in `time.monotonic()` seconds: the winner gets the epochs that fit, then follows what else does.
    exact: no more epochs than `final_epochs`, although there is time.
    further: go on from what an earlier call has trained, for so many epochs also where the search trained by the clock.
    train: False only reads what was trained; a winner that was not is then tested as the search has left it.
    repeats: the same search with other seeds; what each found is trained once, in place of `final_seeds`, and their
        mean and spread are reported.
    rivals: by name, other searches' runs whose best networks are trained likewise (one run stands for all seeds).
    executor: where trainings run; by default one after the other in this process.
    anew: train the winner from its first weights on all examples in place of going on with its own, where there is time
        for it.
    copies: of such a winner at most, each with first weights of its own, whose mean answer predicts; as many as time
        allows.
    trained: by the name of a run, another one in which what it found was trained by itself: these weights go on where
        the run has kept none.

    Raises UserError where the run's estimator does not train, has no such trial, or there is nothing to read; and
    TrialFailed where no final training succeeds.
    """
    work = final_work(run.search.estimator, device, run.search.objectives)
    seeds = tuple(range(final_seeds)) if isinstance(final_seeds, int) else tuple(final_seeds)
    seeds = tuple(range(len(repeats) + 1)) if repeats else seeds
    check_seeds(seeds)
    chosen = run.best if trial is None else trial_of(run, trial)
    earlier = Earlier.of(run, chosen.number)
    timed = work.settings.seconds is not None  # the search's trainings were
    by_clock = timed and not (further or (earlier is not None and earlier.in_epochs))
    if timed and not by_clock:
        work.settings = work.settings.replace(seconds=None)
    space, task, settings = work.space, work.task, work.settings
    origin = {"by_clock": by_clock, "timed": timed, "alone": trained.get(run.name)}
    winner = _winner(run, chosen, earlier, further, **origin)
    if anew and earlier is None and not further:
        winner = replace(winner, anew=True)
    known = None if earlier is None or further else earlier.epochs
    if final_epochs is None or (known is not None and not exact) or not train:
        own = (1 if anew or winner.start is None else 0) if by_clock else settings.epochs
        own = 0 if winner.start is not None and not anew and hands_over(run.search.estimator) else own
        final_epochs = known if known is not None else own if train else 0
    if not train and earlier is None and winner.start is None:
        raise NothingTrained(
            f"the network of trial {chosen.number} of run {run.name!r} was neither kept nor trained finally"
        )
    say = on_progress or (lambda _: None)
    others = {"": repeats, **rivals}
    each_best = {
        name: [_winner(each, each.best, None, False, by_clock=timed, alone=trained.get(each.name)) for each in runs]
        for name, runs in others.items()
        if runs
    }
    winners = [winner, *(replace(each, anew=anew) for each in each_best.pop("", ()))]
    decided = _decided(run, chosen.number, winner.begun) if deadline is not None and earlier is None else None
    wanted = Wanted(final_epochs, seeds, baselines, exact, deadline, train, decided, copies)
    with _folder(run) as folder:
        finals = Finals(work, winners, each_best, _keeps(run.search.limits, space, task), folder, say)
        planned = [chosen.number, winner.begun]
        finals.on_fitted = lambda fitted: run.keep(PLANNED, [*planned, fitted.epochs, fitted.copies])
        fitted = finals.carry_out(wanted, executor or Inline(_told(say, finals, winner.begun + final_epochs)))
        winner = finals.winners[0]
        final = _final_result(finals, winner, work, wanted, fitted.epochs)
        figures = compared(final, finals, run, chosen, repeats, wanted)
        limits = kept_limits(run, chosen, final.network, task.shape.input, measure=train)
        figures = replace(figures, limits=limits)
        if train:
            done = finals.results[FOUND][final.exported_seed]
            counts = {"copies": winner.copies, "built": done.copies}
            trained_on = (chosen.number, fitted.epochs, winner.begun, winner.start, done.result)
            Earlier(*trained_on, **counts, in_epochs=timed and not by_clock).keep(run, figures)
    return Concluded(final, figures, space, task)


@dataclass(frozen=True)
class Earlier:
    """What an earlier call has trained for a trial: from which weights, for how long, and where the result lies.

    copies: side by side, that were to be trained. built: of which the result is.
    in_epochs: whether it was trained for so many epochs, although the search trained by the clock.
    """

    trial: int
    epochs: int
    begun: int
    start: Path | None
    result: Path
    copies: int = 1
    built: int = 1
    in_epochs: bool = False

    def keep(self, run: Run, figures: Figures) -> None:
        own = {**asdict(self), "start": _relative(run, self.start), "result": _relative(run, self.result)}
        for name in (KEPT, kept_of(self.trial)):
            run.keep(name, {**own, "figures": figures.as_json()})

    @classmethod
    def of(cls, run: Run, trial: int) -> Earlier | None:
        """What was kept with the run; None where it is of another trial, or its files are gone."""
        kept, store = run.kept(kept_of(trial)) or run.kept(KEPT) or {}, run.store_directory
        if store is None or kept.get("trial") != trial or not (store / kept["result"]).is_dir():
            return None
        start = kept["start"] and store / kept["start"]
        counts = {name: kept.get(name, 1) for name in ("copies", "built")}
        in_epochs = kept.get("in_epochs", False)
        return cls(trial, kept["epochs"], kept["begun"], start, store / kept["result"], **counts, in_epochs=in_epochs)


def _relative(run: Run, path: Path | None) -> str | None:
    """A path in the run's store that is still right when the store has moved."""
    if path is None or run.store_directory is None:
        return None if path is None else str(path)
    return os.path.relpath(path, run.store_directory)


def _decided(run: Run, trial: int, begun: int) -> tuple[int, int] | None:
    """The epochs and copies that an interrupted call for this trial had decided on, so that it goes on where it was."""
    planned = run.kept(PLANNED)
    if not planned or planned[:2] != [trial, begun]:
        return None
    epochs, copies = (*planned[2:], 1)[:2]
    return epochs, copies


def _winner(
    run: Run,
    trial: Trial,
    earlier: Earlier | None,
    further: bool,
    *,
    by_clock: bool,
    alone: Run | None,
    timed: bool = False,
) -> Winner:
    """The network of a trial, with the weights that it goes on from.

    by_clock: whether trainings last so many seconds, so that one that was done whole counts as one.
    alone: a run that trained the network by itself, in place of weights that the trial has not.
    timed: whether the search's trainings lasted so many seconds, whatever these do.
    """
    architecture = trial.architecture
    passes = trial.metrics.get(PASSES) if by_clock else None
    by_the_search = max(1, round(trial.metrics.get(PASSES, 1.0)))  # epochs
    if earlier is not None and further:
        begun = by_the_search if timed and not earlier.in_epochs else earlier.begun + earlier.epochs
        return Winner(architecture, earlier.result, begun, passes=passes, copies=earlier.built)
    if earlier is not None:
        return Winner(architecture, earlier.start, earlier.begun, passes=passes, copies=earlier.copies)
    start = run.weights(trial)
    if start is None and alone is not None and alone.best.architecture == architecture:
        start = alone.weights(alone.best)
    found = None if start is None else Checkpoints(start).latest()
    begun = 1 if by_clock else by_the_search if timed or found is None else found.step
    return Winner(architecture, None if found is None else start, 0 if found is None else begun, passes=passes)


@kinds_checked
def trial_of(run: Run, number: int) -> Trial:
    """The trial of that number; UserError where it has none, or it did not complete.

    run: as `Search.run` or `Search.load` gives it.
    number: of the trial, from 0.
    """
    found = next((each for each in run.trials if each.number == number), None)
    if found is None or found.proposal.is_round:
        last = max((each.number for each in run.trials), default=-1)
        raise UserError(f"run {run.name!r} has no trial {number}; it has 0 to {last}")
    if not found.completed:
        raise UserError(f"trial {number} of run {run.name!r} ended as {found.state}: {found.reason}")
    return found


@contextmanager
def _folder(run: Run) -> Generator[Path]:
    """Where a stored run keeps its final trainings; a folder that is gone afterwards for one in memory."""
    if run.store_directory is not None:
        yield inside(run.store_directory, "final", run.name)
        return
    with tempfile.TemporaryDirectory(prefix="netwright-final-") as temporary:
        yield Path(temporary)


def _told(say: OnProgress, finals: Finals, epochs: int) -> Callable[[Job, Mapping[str, float]], None]:
    def tell(job: Job, entry: Mapping[str, float]) -> None:
        if entry and job.folder is not None:
            own = Entry.read(job.folder)
            say(f"{own.name}, seed {own.seed}: epoch {own.begun + entry['epoch']:.0f} of {own.total}")

    return tell


def _final_result(finals: Finals, winner: Winner, work: FinalTraining, wanted: Wanted, epochs: int) -> FinalResult:
    """The winner's trainings, and the network of its first seed. TrialFailed where none succeeded."""
    found = finals.results.get(FOUND, {})
    if not found:
        reasons = finals.failed.values()
        raise TrialFailed(f"no final training succeeded; the first one ended with {next(iter(reasons), 'nothing')}")
    records = {seed: found[seed] for seed in wanted.seeds if seed in found}
    first = next(iter(records.values()))
    assert first.record is not None and first.outputs is not None
    entry = Entry(FOUND, first.record.seed, winner.architecture, 0, copies=first.copies)
    network = work.build(entry, winner.architecture)
    load_trained(network, first.result)
    return FinalResult(
        architecture=winner.architecture,
        settings=work.settings_of(winner.architecture).replace(epochs=max(1, epochs)),
        trainings=tuple(each.record for each in records.values() if each.record is not None),
        params=first.params,
        macs=first.macs,
        network=network.eval(),
        outputs=first.outputs,
        main=work.task.problem.main,
        device=work.device,
        failed=finals.failed,
        hardware=hardware(work.device),
    )


def _keeps(limits: Sequence[Constraint], space: Space, task: Task) -> Callable[[Architecture], bool]:
    """Whether an architecture keeps the limits that follow from the network alone; others need a measurement."""
    checked = [each for each in limits if each.metric in COUNTED]

    def accept(architecture: Architecture) -> bool:
        with torch.device("meta"):
            metrics = asdict(count(space.build(architecture, task.shape), task.shape.input))
        return all(each.holds(metrics) for each in checked)

    return accept if checked else lambda _: True
