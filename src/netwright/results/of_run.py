"""From a finished search to the folder that its user takes home, in one call."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from netwright.core.checkpoints import Checkpoints
from netwright.core.errors import TrialFailed, UserError
from netwright.core.kinds import kinds_checked
from netwright.executors.inline import Inline
from netwright.networks.counting import count
from netwright.results.entries import FOUND, LOGISTIC, PICK, Done, Entry, FinalTraining
from netwright.results.export import Exported, check_target, export
from netwright.results.figures import ClassRecall, Contender, Figures
from netwright.results.final import FinalResult, check_seeds, contender
from netwright.results.finals import Finals, Wanted, Winner
from netwright.results.hardware import hardware
from netwright.training import TrainingSettings
from netwright.training.progress import load_trained

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.estimator import Estimator
    from netwright.core.executor import Executor, Job
    from netwright.core.objective import Constraint
    from netwright.core.space import Space
    from netwright.core.trial import Trial
    from netwright.engine.run import Run
    from netwright.tasks.task import Task

COUNTED = ("params", "macs", "activation_memory")
UNEVEN = 1.5  # times as many examples as the rarest class, from which on each class is reported
KEPT = "final"  # under which a run keeps its figures
PLANNED = "final plan"  # and what is being trained: trial, epochs behind it, epochs to come
OnProgress = Callable[[str], object]


class NothingTrained(UserError):
    """There is no trained network yet: one has to be trained finally first."""


@dataclass(frozen=True, eq=False)
class Concluded:
    """The winner of a run, trained finally, and everything a report states about it."""

    final: FinalResult
    figures: Figures
    space: Space
    task: Task

    def export(self, directory: str | Path, *, overwrite: bool = False) -> Exported:
        """Write and verify the folder that the user takes home."""
        final = self.final
        return export(
            *(directory, final.network, final.architecture, self.space, self.task, self.figures),
            reported=final.logits,
            overwrite=overwrite,
        )


@kinds_checked
def export_run(
    run: Run,
    directory: str | Path,
    *,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    **options: Any,
) -> Exported:
    """Conclude a run (see `conclude`, whose options these are), and export and verify its network.

    overwrite: replace an earlier export in that directory; other folders that are not empty are refused.
    """
    check_target(directory, overwrite)
    concluded = conclude(run, on_progress=on_progress, **options)
    if on_progress is not None:
        on_progress("writing and verifying the exported model")
    return concluded.export(directory, overwrite=overwrite)


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
) -> Concluded:
    """Train the run's best network finally, test it, and compare it with baselines.

    The candidate's own weights go on where the search has kept them; further seeds and baselines are trained from
    scratch for as many epochs in all. What is done is kept with a stored run, and never done again.

    trial: the number of the trial whose network it is; the best one by default. final_epochs: to go on for; by default
    those of the last call for this run and trial, else the estimator's own number. final_seeds: how many, or which; the
    first is the winner's own. baselines: whether a random pick, a logistic regression and (for images) a small residual
    network are set beside it. device: the estimator's by default, or "auto". on_progress: called with a line of text.
    deadline: in `time.monotonic()` seconds: the winner gets the epochs that fit, then follows what else does. exact:
    no more epochs than `final_epochs`, although there is time. further: go on from what an earlier call has trained.
    train: False only reads what was trained; a winner that was not is then tested as the search has left it.
    repeats: the same search with other seeds; what each found is trained once, in place of `final_seeds`, and
    their mean and spread are reported. rivals: by name, other searches' runs whose best networks are trained likewise
    (one run stands for all seeds). executor: where trainings run; by default one after the other in this process.
    Raises UserError where the run's estimator does not train, has no such trial, or there is nothing to read; and
    TrialFailed where no final training succeeds.
    """
    work = final_work(run.search.estimator, device)
    space, task, settings = work.space, work.task, work.settings
    seeds = tuple(range(final_seeds)) if isinstance(final_seeds, int) else tuple(final_seeds)
    seeds = tuple(range(len(repeats) + 1)) if repeats else seeds
    check_seeds(seeds)
    chosen = run.best if trial is None else trial_of(run, trial)
    earlier = Earlier.of(run, chosen.number)
    winner = _winner(run, chosen, earlier, further)
    known = None if earlier is None or further else earlier.epochs
    if final_epochs is None or (known is not None and not exact) or not train:
        final_epochs = known if known is not None else settings.epochs if train else 0
    if not train and earlier is None and winner.start is None:
        raise NothingTrained(
            f"the network of trial {chosen.number} of run {run.name!r} was neither kept nor trained finally"
        )
    say = on_progress or (lambda _: None)
    winners = [winner, *(_winner(each, each.best, None, False) for each in repeats)]
    beside = {name: [_winner(each, each.best, None, False) for each in runs] for name, runs in rivals.items() if runs}
    decided = _decided(run, chosen.number, winner.begun) if deadline is not None and earlier is None else None
    wanted = Wanted(final_epochs, seeds, baselines, exact, deadline, train, decided)
    with _folder(run) as folder:
        finals = Finals(work, winners, beside, _keeps(run.search.limits, space, task), folder, say)
        finals.on_fitted = lambda fitted: run.keep(PLANNED, [chosen.number, winner.begun, fitted.epochs])
        fitted = finals.carry_out(wanted, executor or Inline(_told(say, finals, winner.begun + final_epochs)))
        final = _final_result(finals, winner, work, wanted, fitted.epochs)
        figures = _compared(final, finals, run, chosen, repeats, wanted)
        if train:
            result = finals.results[FOUND][final.exported_seed].result
            Earlier(chosen.number, fitted.epochs, winner.begun, winner.start, result).keep(run, figures)
    return Concluded(final, figures, space, task)


@dataclass(frozen=True)
class Earlier:
    """What an earlier call has trained for a trial: from which weights, for how long, and where the result lies."""

    trial: int
    epochs: int
    begun: int
    start: Path | None
    result: Path

    def keep(self, run: Run, figures: Figures) -> None:
        own = {**asdict(self), "start": _relative(run, self.start), "result": _relative(run, self.result)}
        run.keep(KEPT, {**own, "figures": figures.as_json()})

    @classmethod
    def of(cls, run: Run, trial: int) -> Earlier | None:
        """What was kept with the run; None where it is of another trial, or its files are gone."""
        kept, store = run.kept(KEPT) or {}, run.store_directory
        if store is None or kept.get("trial") != trial or not (store / kept["result"]).is_dir():
            return None
        start = kept["start"] and store / kept["start"]
        return cls(trial, kept["epochs"], kept["begun"], start, store / kept["result"])


def _relative(run: Run, path: Path | None) -> str | None:
    """A path in the run's store that is still right when the store has moved."""
    if path is None or run.store_directory is None:
        return None if path is None else str(path)
    return os.path.relpath(path, run.store_directory)


def _decided(run: Run, trial: int, begun: int) -> int | None:
    """The epochs that an interrupted call for this trial had decided on, so that it goes on where it was."""
    planned = run.kept(PLANNED)
    return planned[2] if planned and planned[:2] == [trial, begun] else None


def _winner(run: Run, trial: Trial, earlier: Earlier | None, further: bool) -> Winner:
    """The network of a trial, with the weights that it goes on from."""
    architecture = trial.architecture
    if earlier is not None and further:
        return Winner(architecture, earlier.result, earlier.begun + earlier.epochs)
    if earlier is not None:
        return Winner(architecture, earlier.start, earlier.begun)
    start = run.weights(trial)
    found = None if start is None else Checkpoints(start).latest()
    return Winner(architecture) if found is None else Winner(architecture, start, found.step)


@kinds_checked
def trial_of(run: Run, number: int) -> Trial:
    """The trial of that number; UserError where it has none, or it did not complete."""
    found = next((each for each in run.trials if each.number == number), None)
    if found is None or found.proposal.is_round:
        last = max((each.number for each in run.trials), default=-1)
        raise UserError(f"run {run.name!r} has no trial {number}; it has 0 to {last}")
    if not found.completed:
        raise UserError(f"trial {number} of run {run.name!r} ended as {found.state}: {found.reason}")
    return found


def _split_of(estimator: Estimator) -> dict[str, Any]:
    """How the search split validation examples off."""
    stages: list[Any] = [estimator, *estimator.stages()]
    each = next((each for each in stages if each.keeps), None)  # whose networks go on
    return {} if each is None else {"validation": each.validation, "split_seed": each.split_seed}


@contextmanager
def _folder(run: Run) -> Generator[Path]:
    """Where a stored run keeps its final trainings; a folder that is gone afterwards for one in memory."""
    if run.store_directory is not None:
        yield run.store_directory / "final" / run.name
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
    assert first.record is not None and first.logits is not None
    network = work.build(Entry(FOUND, first.record.seed, winner.architecture, 0), winner.architecture)
    load_trained(network, first.result)
    return FinalResult(
        architecture=winner.architecture,
        settings=work.settings.replace(epochs=max(1, epochs)),
        trainings=tuple(each.record for each in records.values() if each.record is not None),
        params=first.params,
        macs=first.macs,
        network=network.eval(),
        logits=first.logits,
        device=work.device,
        failed=finals.failed,
        hardware=hardware(work.device),
    )


def _compared(
    final: FinalResult, finals: Finals, run: Run, trial: Trial, repeats: Sequence[Run], wanted: Wanted
) -> Figures:
    """The figures, with what each contender's reader must know."""
    skipped = dict(finals.skipped)
    if not wanted.baselines:
        skipped = {"comparison with baselines": "it was not asked for"}
    baselines = [_contender(name, found) for name, found in finals.results.items() if name != FOUND]
    places = (*finals.rivals, PICK, LOGISTIC)
    ordered = sorted(baselines, key=lambda each: places.index(each.name) if each.name in places else len(places))
    figures = figures_of(final, finals.work.task, ordered, skipped, search_facts(run, repeats, trial))
    note = _going_on(finals, trial, wanted) if finals.winners[0].begun else ""
    winner = replace(figures.winner, note=note)
    figures = replace(figures, winner=winner, left_out=finals.left_out)
    return Figures.from_json(figures.as_json())


def _going_on(finals: Finals, trial: Trial, wanted: Wanted) -> str:
    """What the first seed's epochs are made of."""
    winner, first = finals.winners[0], finals.results[FOUND].get(wanted.seeds[0])
    record = None if first is None else first.record
    if record is None:
        return ""
    further = record.epochs - winner.begun
    if further <= 0:
        epochs = f"{record.epochs} epoch{'s' * (record.epochs != 1)}"
        return f"the weights of trial {trial.number} as the search has trained them, for {epochs}"
    text = f"seed {record.seed} is the network of trial {trial.number}, trained on from {winner.begun} to "
    return f"{text}{record.epochs} epochs"


def _contender(name: str, found: Mapping[int, Done]) -> Contender:
    """A row of the comparison, from what each seed left."""
    plain = next((each.contender for each in found.values() if each.contender is not None), None)
    if plain is not None:
        return Contender.from_json(plain)
    params, macs = (statistics.fmean(getattr(each, field) for each in found.values()) for field in ("params", "macs"))
    note = "another architecture for each seed" if name == PICK and len(found) > 1 else ""
    records = [each.record for each in found.values() if each.record is not None]
    return contender(name, records, params, macs, note)


@kinds_checked
def training_of(run: Run) -> tuple[Space, Task, TrainingSettings, torch.device | str]:
    """Space, task, settings and device of the run's training estimator; UserError where it has none."""
    return _training(run.search.estimator)


def final_work(estimator: Estimator, device: torch.device | str | None = None) -> FinalTraining:
    """What carries out the final trainings of a search with this estimator; UserError where it does not train.

    device: the estimator's by default, or "auto".
    """
    space, task, settings, own_device = _training(estimator)
    place = str(_device(own_device if device is None else device))
    return FinalTraining(space, task, settings, place, **_split_of(estimator))


def _training(estimator: Estimator) -> tuple[Space, Task, TrainingSettings, torch.device | str]:
    wanted = ("space", "task", "settings")
    for each in (estimator, *estimator.stages()):
        found: Any = each
        if all(hasattr(found, name) for name in wanted) and isinstance(found.settings, TrainingSettings):
            settings = getattr(found, "final_settings", found.settings)
            return found.space, found.task, settings, getattr(found, "device", None) or "cpu"
    missing = [name for name in wanted if not hasattr(estimator, name)] or ["training settings"]
    raise UserError(
        f"{type(estimator).__name__} has no {' and no '.join(missing)}, so the network it found cannot be trained; "
        "use estimators.Training(space, task), or results.train_final and results.export with a task of your own"
    )


@kinds_checked
def figures_of(
    final: FinalResult,
    task: Task,
    baselines: Sequence[Contender] = (),
    skipped: dict[str, str] | None = None,
    search: dict[str, Any] | None = None,
) -> Figures:
    """Everything a report states, from the parts."""
    first = final.trainings[0]
    whose = "process" if torch.device(final.device).type == "cpu" else "device"
    training = {
        "settings": dict(final.settings.arguments),
        "epochs": [each.epochs for each in final.trainings],
        "seconds": [round(each.seconds, 2) for each in final.trainings],
        "precision": f"{first.precision}, {'channels last' if first.channels_last else 'channels first'}",
        "threads": first.threads,
        f"peak memory of the {whose} in bytes": max(each.peak_memory or 0 for each in final.trainings) or None,
    }
    failed = [f"the training with seed {seed} gave no result: {reason}" for seed, reason in final.failed.items()]
    stopped = [
        f"the training with seed {t.seed} was stopped by its deadline"
        for t in final.trainings
        if t.stopped == "deadline"
    ]
    return Figures(
        task=task.name,
        architecture=str(final.architecture),
        winner=final.contender(),
        baselines=tuple(baselines),
        test_examples=len(task.test),
        exported_seed=final.exported_seed,
        hardware=dict(final.hardware),
        training=training,
        search=search or {},
        skipped=skipped or {},
        data=tuple(task.describe()),
        classes=recalls(final.logits, task) if _each_class_matters(task, search or {}) else (),
        chance=float(torch.bincount(task.test.labels).max()) / len(task.test),
        notes=(*failed, *stopped, *dict.fromkeys(note for each in final.trainings for note in each.notes)),
    )


def recalls(logits: Tensor, task: Task) -> tuple[ClassRecall, ...]:
    """Of each class, in the order of the labels, the share of its test examples that these logits find."""
    labels = task.test.labels.cpu()
    right = labels[logits.argmax(1) == labels]
    counts, hits = (torch.bincount(each, minlength=len(task.class_names)).tolist() for each in (labels, right))
    return tuple(
        ClassRecall(name, count, hit / count if count else None)
        for name, count, hit in zip(task.class_names, counts, hits, strict=True)
    )


def _each_class_matters(task: Task, search: Mapping[str, Any]) -> bool:
    """Whether accuracy alone says too little: the classes are uneven, or the search was to count each alike."""
    labels = torch.cat([task.train.labels.cpu(), task.test.labels.cpu()])
    counts = torch.bincount(labels, minlength=len(task.class_names))
    uneven = int(counts.max()) > UNEVEN * int(counts.min())
    return uneven or any("balanced_accuracy" in str(each) for each in search.get("objectives", ()))


@kinds_checked
def search_facts(run: Run, repeats: Sequence[Run] = (), trial: Trial | None = None) -> dict[str, Any]:
    """What finding the network cost, and how it was found. trial: whose network it is, by default the best one."""
    search, trial = run.search, trial or run.best
    repeated = {"repeats": {each.name: str(each.best.architecture) for each in repeats}} if repeats else {}
    return {
        **repeated,
        "run": run.name,
        "space": repr(search.space),
        "strategy": repr(search.strategy),
        "estimator": repr(search.estimator),
        "objectives": [str(each) for each in search.objectives],
        "limits": [str(each) for each in search.limits],
        "seed": search.seed,
        "trials": run.counts,
        "stopped": run.stopped,
        "seconds": round(run.seconds, 1),
        "seconds in trials": round(sum(each.seconds for each in run.trials), 1),
        "best trial": trial.number,
        "its metrics": dict(trial.metrics),
    }


def _device(name: torch.device | str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.device(name)
    except RuntimeError:
        raise UserError(f"{name!r} is not a device; expected auto, cpu, cuda or cuda:0") from None


def _keeps(limits: Sequence[Constraint], space: Space, task: Task) -> Callable[[Architecture], bool]:
    """Whether an architecture keeps the limits that follow from the network alone; others need a measurement."""
    checked = [each for each in limits if each.metric in COUNTED]

    def accept(architecture: Architecture) -> bool:
        with torch.device("meta"):
            metrics = asdict(count(space.build(architecture, task.shape), task.shape.input))
        return all(each.holds(metrics) for each in checked)

    return accept if checked else lambda _: True
