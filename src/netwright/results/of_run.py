"""From a finished search to the folder that its user takes home, in one call."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch

from netwright.core.errors import UserError
from netwright.networks.counting import count
from netwright.results.baselines import logistic_regression, random_picks, small_resnet, trained_rival
from netwright.results.export import Exported, check_target, export
from netwright.results.figures import Contender, Figures
from netwright.results.final import FinalResult, OnEpoch, Options, one_line, train_final
from netwright.training import TrainingSettings

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.objective import Constraint
    from netwright.core.space import Space
    from netwright.engine.run import Run
    from netwright.tasks.task import Task

COUNTED = ("params", "macs", "activation_memory")
KEPT = "final"  # under which a run keeps its figures
OnProgress = Callable[[str], object]


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


def export_run(
    run: Run,
    directory: str | Path,
    *,
    final_epochs: int | None = None,
    final_seeds: int | Sequence[int] = 3,
    baselines: bool = True,
    device: torch.device | str | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    deadline: float | None = None,
) -> Exported:
    """Conclude a run (see `conclude`), and export and verify its network.

    overwrite: replace an earlier export in that directory; other folders that are not empty are refused.
    """
    check_target(directory, overwrite)
    concluded = conclude(
        run,
        final_epochs=final_epochs,
        final_seeds=final_seeds,
        baselines=baselines,
        device=device,
        on_progress=on_progress,
        deadline=deadline,
    )
    if on_progress is not None:
        on_progress("writing and verifying the exported model")
    return concluded.export(directory, overwrite=overwrite)


def conclude(
    run: Run,
    *,
    final_epochs: int | None = None,
    final_seeds: int | Sequence[int] = 3,
    baselines: bool = True,
    device: torch.device | str | None = None,
    on_progress: OnProgress | None = None,
    deadline: float | None = None,
    repeats: Sequence[Run] = (),
    rivals: Mapping[str, Sequence[Run]] = MappingProxyType({}),
) -> Concluded:
    """Train the run's best network finally, test it, and compare it with baselines.

    final_epochs: the estimator's own number by default. final_seeds: how many, or which. device: the estimator's by
    default, or "auto". With the defaults, nine networks are trained as long as a candidate of the search: the winner, a
    random pick and (for images) a small residual network, three times each; `final_seeds=1, baselines=False` trains
    one. on_progress: called with a line of text. deadline: in `time.monotonic()` seconds, for all training. A stored
    run keeps checkpoints and figures, so that what was interrupted goes on where it was, and what was done is not done
    again. repeats: the same search with other seeds; what each found is trained once, in place of `final_seeds`, and
    their mean and spread are reported. rivals: by name, other searches' runs whose best networks are trained likewise
    (one run stands for all seeds).
    Raises UserError where the run's estimator does not train, and what `train_final` raises.
    """
    space, task, settings, own_device = training_of(run)
    settings = settings if final_epochs is None else settings.replace(epochs=final_epochs)
    seeds = tuple(range(final_seeds)) if isinstance(final_seeds, int) else tuple(final_seeds)
    seeds = tuple(range(len(repeats) + 1)) if repeats else seeds
    found_again = [each.best.architecture for each in repeats]
    beside = {name: [each.best.architecture for each in runs] for name, runs in rivals.items() if runs}
    place = _device(own_device if device is None else device)
    say = on_progress or (lambda _: None)
    architecture = run.best.architecture
    key = _key(space, architecture, task, settings, place)
    directory_of = _checkpoints(run, key)
    kept = run.kept(KEPT) or {}
    asked = [key, list(seeds), baselines, [str(each) for each in found_again]]
    asked.append({name: [str(each) for each in found] for name, found in beside.items()})
    known = kept["figures"] if kept.get("of") == asked else None
    final = train_final(
        *(space, architecture, task, settings),
        seeds=seeds,
        device=place,
        directory=directory_of("found"),
        on_epoch=_told(say, "found network", settings),
        deadline=_part(deadline, (3 if baselines else 1) + len(beside)),
        others=found_again,
    )
    if known is not None and Figures.from_json(known).winner.accuracies == final.contender().accuracies:
        return Concluded(final, Figures.from_json(known), space, task)
    others, skipped = [], {"comparison with baselines": "it was not asked for"}
    if baselines:
        accept = _keeps(run.search.limits, space, task)
        others, skipped = compare(final, space, task, seeds, place, accept, directory_of, say, deadline, beside)
    figures = figures_of(final, task, others, skipped, search_facts(run, repeats))
    run.keep(KEPT, {"of": asked, "figures": figures.as_json()})
    return Concluded(final, figures, space, task)


def training_of(run: Run) -> tuple[Space, Task, TrainingSettings, torch.device | str]:
    """Space, task, settings and device of the run's training estimator; UserError where it has none."""
    estimator = run.search.estimator
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


def compare(
    final: FinalResult,
    space: Space,
    task: Task,
    seeds: Sequence[int],
    device: torch.device | str,
    accept: Callable[[Architecture], bool] | None = None,
    directory_of: Callable[[str], Path | None] = lambda _: None,
    on_progress: OnProgress | None = None,
    deadline: float | None = None,
    rivals: Mapping[str, Sequence[Architecture]] = MappingProxyType({}),
) -> tuple[list[Contender], dict[str, str]]:
    """Every baseline that suits the task, and why the others could not be run; settings are those of `final`.

    rivals: what other searches found, by their names; one architecture for each seed, or one for all.
    """
    say = on_progress or (lambda _: None)
    settings = final.settings

    def options(name: str, left: int) -> Options:
        return Options(device, directory_of(name), _told(say, name, settings), _part(deadline, left))

    def rival(name: str, found: Sequence[Architecture], left: int) -> Callable[[], Contender]:
        return lambda: trained_rival(name, space, found, task, settings, seeds, options(name, left))

    runs: dict[str, Callable[[], Contender]] = {
        name: rival(name, found, 2 + len(rivals) - place) for place, (name, found) in enumerate(rivals.items())
    }
    runs |= {
        "random pick": lambda: random_picks(
            space, final.architecture, task, settings, seeds=seeds, accept=accept, options=options("random pick", 2)
        ),
        "logistic regression": lambda: logistic_regression(task),
    }
    if task.shape.is_image:
        runs["ResNet"] = lambda: small_resnet(task, settings, seeds=seeds, options=options("ResNet", 1))
    found: list[Contender] = []
    skipped: dict[str, str] = {}
    for name, make in runs.items():
        say(f"baseline: {name}")
        try:
            found.append(make())
        except Exception as problem:  # whatever a baseline meets, the search's result must not be lost for it
            skipped[name] = one_line(problem)
    return found, skipped


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
        notes=(*failed, *stopped, *dict.fromkeys(note for each in final.trainings for note in each.notes)),
    )


def search_facts(run: Run, repeats: Sequence[Run] = ()) -> dict[str, Any]:
    """What finding the network cost, and how it was found."""
    search, trial = run.search, run.best
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


def _key(
    space: Space, architecture: Architecture, task: Task, settings: TrainingSettings, device: torch.device | str
) -> str:
    """The same for final trainings that give the same bits."""
    described = [architecture.to_json(), space.configuration(), task.fingerprint, repr(settings), str(device)]
    described.append(torch.get_num_threads())
    return hashlib.sha256(json.dumps(described, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _checkpoints(run: Run, key: str) -> Callable[[str], Path | None]:
    """Where a stored run keeps the checkpoints of exactly this final training."""
    store = run.store_directory
    return lambda name: None if store is None else store / "final" / key / name.replace(" ", "-")


def _told(say: OnProgress, name: str, settings: TrainingSettings) -> OnEpoch:
    def tell(seed: int, entry: Mapping[str, float]) -> None:
        say(f"{name}, seed {seed}: epoch {entry['epoch']:.0f} of {settings.epochs}")

    return tell


def _part(deadline: float | None, parts: int) -> float | None:
    """The deadline of the first of several parts that share the time left."""
    if deadline is None:
        return None
    now = time.monotonic()
    return now + max(0.0, deadline - now) / parts
