"""One training of a final comparison as a job of an executor, so that workers share them and none is done twice.

An `Entry` says what is trained: the network that was found, a random pick, a reference. `FinalTraining` carries one out
in the place where the executor runs it: it reads the entry from the job's folder, goes on from checkpoints there or
from weights that are kept elsewhere, tests the network, and leaves the result in the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from netwright.core.architecture import Architecture
from netwright.core.checkpoints import Checkpoints, synchronise
from netwright.core.errors import TrialFailed, UserError
from netwright.core.estimator import Estimator
from netwright.core.inside import open_inside
from netwright.core.kinds import kinds_checked
from netwright.core.objective import Objective, leading
from netwright.core.placing import chosen_device
from netwright.core.roles import (
    HasSettings,
    HoldsOut,
    OfSpace,
    OnTask,
    Trainer,
    TrainsFinally,
    bringing,
    chosen_training,
)
from netwright.core.space import Space
from netwright.core.trial import Measurement, Proposal
from netwright.core.workplace import workplace
from netwright.networks.committee import Committee
from netwright.networks.counting import count_predicting
from netwright.results.figures import Contender
from netwright.results.final import Tested, Trained, one_line, train_and_test
from netwright.results.reference_models import Reference, own_references, references
from netwright.tasks.task import Task
from netwright.training import TrainingSettings, evaluate, seeded
from netwright.training.checkpoint import Snapshot, newest, save
from netwright.training.progress import load_trained

if TYPE_CHECKING:
    from netwright.results.searched import FinishedRun as Run

FOUND, PICK = "found network", "random pick"
FAR_BEHIND = 1.25  # times the validation loss of the weights of the search
COPIES = "{} networks of this architecture, each with first weights of its own; the mean of their answers predicts"
ORDER = "entry.json"
RESULT = "result"


@dataclass(frozen=True)
class Entry:
    """One training of a final comparison.

    name: the contender that it belongs to.
    seed: of its weights and order.
    architecture: None for a reference that is none of the space's.
    epochs: to train, 0 for none.
    start: a folder of checkpoints whose weights it goes on from.
    begun: epochs that these were trained for.
    seconds: in which it should be done, its schedule brought to an end in time.
    most: after which it is given up, with the best that there is by then.
    passes: over the examples, in place of how long the settings say, where a search has found out how many are best.
    instead: a folder of checkpoints whose weights are tested where those that come of it are no better on the
        validation examples, which these were not trained on.
    copies: networks with first weights of their own that are trained side by side, and whose mean answer predicts.
    """

    name: str
    seed: int
    architecture: Architecture | None
    epochs: int
    start: Path | None = None
    begun: int = 0
    seconds: float | None = None
    most: float | None = None
    passes: float | None = None
    instead: Path | None = None
    copies: int = 1

    @property
    def total(self) -> int:
        """Epochs of the network that comes of it, since its first weights."""
        return self.begun + self.epochs

    def key(self, *circumstances: object) -> str:
        """The same for entries that give the same bits: what is trained, under such circumstances, for how long."""
        own = self.architecture and self.architecture.to_json()
        described = [self.name, self.seed, own, self.epochs, self.begun, str(self.start), *map(str, circumstances)]
        described += [] if self.passes is None else [self.passes]
        described += [] if self.copies == 1 else [f"{self.copies} copies"]
        return hashlib.sha256(json.dumps(described).encode()).hexdigest()[:12]

    def write(self, folder: Path) -> None:
        """Leave it in the folder of its job."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths = {name: path and str(path) for name, path in (("start", self.start), ("instead", self.instead))}
        described = {**asdict(replace(self, architecture=None)), **paths}
        file = open_inside(folder / ORDER, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with os.fdopen(file, "w", encoding="utf-8") as order:
            order.write(json.dumps(described))

    @classmethod
    def read(cls, folder: Path) -> Entry:
        described = json.loads((folder / ORDER).read_text(encoding="utf-8"))
        paths = {name: described.get(name) and Path(described[name]) for name in ("start", "instead")}
        return cls(**{**described, **paths})


class FinalTraining(Estimator):
    """Carries out an `Entry` that lies in the folder of its workplace; see the head of this file.

    validation, split_seed: of the search, whose validation examples say whether going on made a network worse.
    metric: by which they say so and that the report leads with, as the problem calls it; its main one where empty.
    """

    def __init__(
        self,
        space: Space,
        task: Task,
        settings: TrainingSettings,
        device: str = "cpu",
        validation: float = 0.1,
        split_seed: int = 0,
        metric: str = "",
    ) -> None:
        self.space, self.task, self.settings, self.device = space, task, settings, device
        self.validation, self.split_seed = validation, split_seed
        self.metric = task.problem.metric(metric) if metric else task.problem.main

    @property
    def metrics(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return f"test_{self.task.problem.main.name}", "seconds"

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Train, test and leave the result. Raises TrialFailed where no usable network comes of it."""
        folder = workplace().folder
        assert folder is not None, "the entry lies in the workplace's folder"
        entry = Entry.read(folder)
        fit = reference.fit if (reference := self.reference(entry.name)) is not None else None
        if fit is not None:
            return self._fitted(fit(self.task, entry.seconds), folder)
        assert isinstance(proposal.candidate, Architecture)
        tested = self._trained(entry, proposal.candidate, folder)
        _leave(tested, entry.total, folder)
        return self._measured(tested.record.test[self.task.problem.main.name], tested.record.seconds)

    def references(self) -> tuple[Reference, ...]:
        """Those of the task, and the networks of the user's own beside the space; these count where names agree."""
        own_networks = bringing(self.space)
        own = () if own_networks is None else own_references(own_networks)
        names = [each.name for each in own]
        return (*own, *(each for each in references(self.task) if each.name not in names))

    def reference(self, name: str) -> Reference | None:
        """The reference of this name; None where it is none."""
        return next((each for each in self.references() if each.name == name), None)

    def build(self, entry: Entry, architecture: Architecture) -> nn.Module:
        """The entry's network with the first weights of its seed."""
        with seeded(entry.seed):
            reference = self.reference(entry.name)
            if reference is None or reference.build is None:
                networks = [self.space.build(architecture, self.task.shape) for _ in range(entry.copies)]
                return networks[0] if entry.copies == 1 else Committee(networks)
            return reference.build(self.task.shape)

    def settings_of(self, architecture: Architecture) -> TrainingSettings:
        """With which a network is trained: the architecture's own choices, where the space has any, before others."""
        chosen = chosen_training(self.space, architecture)
        return self.settings.replace(**chosen) if chosen else self.settings

    def _fitted(self, found: Contender, folder: Path) -> Measurement:
        def write(path: Path) -> None:
            torch.save({"outputs": found.outputs}, path.with_suffix(".state"))

        Checkpoints(folder / RESULT).save(0, write, {"contender": found.as_json()})
        return self._measured(found.values[0], found.seconds)

    def _measured(self, value: float, seconds: float) -> Measurement:
        return Measurement(dict(zip(self.metrics, (value, seconds), strict=True)))

    def _trained(self, entry: Entry, architecture: Architecture, folder: Path) -> Tested:
        network = self.build(entry, architecture)
        if entry.start is not None and load_trained(network, entry.start) is None:
            raise TrialFailed(f"the weights in {entry.start} are damaged, so that there is nothing to go on from")
        if entry.instead is not None:
            return self._anew(network, entry, architecture, folder)
        before = self._validated(network) if entry.start is not None and entry.epochs else None
        tested = self._train(network, entry, architecture, folder)
        after = None if before is None else self._validated(tested.network)
        metric = self.metric
        if before is None or after is None or not self._is_better(before, after):
            return tested
        assert entry.start is not None
        load_trained(network, entry.start)
        note = (
            f"going on for {entry.epochs} epochs made the network worse on the validation examples "
            f"({metric.words} {metric.text(before)} before, {metric.text(after)} after), so its weights are those of "
            "before"
        )
        return self._tested(network, entry, architecture, entry.begun, note)

    def _train(self, network: nn.Module, entry: Entry, architecture: Architecture, folder: Path) -> Tested:
        """The training that the entry says, and its test."""
        settings, now = self.settings_of(architecture), time.monotonic()
        begun = settings.replace(epochs=max(1, entry.epochs))
        if entry.passes is not None:
            begun = settings.replace(seconds=None, epochs=max(1, round(entry.passes)))
        return train_and_test(
            network,
            self.task.final_data(self.device),
            begun,
            entry.seed,
            device=self.device,
            epochs=entry.epochs and begun.epochs,
            begun=entry.begun,
            checkpoint=folder,
            on_epoch=workplace().report,
            anneal_by=None if entry.seconds is None else now + entry.seconds,
            give_up_at=None if entry.most is None else now + entry.most,
            notes=() if entry.copies == 1 else (COPIES.format(entry.copies),),
        )

    def _tested(self, network: nn.Module, entry: Entry, architecture: Architecture, begun: int, note: str) -> Tested:
        """The network as it is, tested. begun: epochs, or trainings by the clock, that it was trained for."""
        data, settings = self.task.final_data(self.device), self.settings_of(architecture)
        return train_and_test(
            *(network, data, settings, entry.seed), device=self.device, epochs=0, begun=begun, notes=(note,)
        )

    def _anew(self, network: nn.Module, entry: Entry, architecture: Architecture, folder: Path) -> Tested:
        """What is trained anew on all examples; where that fails, or is far behind the weights of the search even on
        the validation examples, which it has seen and they have not, these.

        They are the best of many measurements there, so that a little behind means nothing.
        """
        assert entry.instead is not None
        kept = self.build(replace(entry, copies=1), architecture)
        found = load_trained(kept, entry.instead) is not None
        try:
            anew = self._train(network, entry, architecture, folder)
        except TrialFailed as problem:
            if not found:
                raise
            why = one_line(problem)
            note = f"the training anew on all examples failed ({why}), so its weights are those of the search"
            return self._tested(kept, entry, architecture, 1, note)
        if not found:
            return anew
        name, metric = self.metric.name, self.metric
        (before, low), (after, high) = (
            (each[name], each["loss"]) for each in map(self._all_validated, (kept, anew.network))
        )
        if not self._is_better(before, after) or high <= FAR_BEHIND * low:
            return anew
        note = (
            f"trained anew on all examples it is behind on the validation examples ({metric.words} "
            f"{metric.text(after)}, those of the search {metric.text(before)}), so its weights are those of the search"
        )
        return self._tested(kept, entry, architecture, 1, note)

    def _is_better(self, one: float, other: float) -> bool:
        return one > other if self.metric.larger_is_better else one < other

    def _validated(self, network: nn.Module) -> float:
        """The metric that was searched for on the validation examples of the search."""
        return self._all_validated(network)[self.metric.name]

    def _all_validated(self, network: nn.Module) -> Mapping[str, float]:
        data = self.task.search_data(self.split_seed, self.device, self.validation)
        return evaluate(network, data.held_out, data, device=self.device)


def _leave(tested: Tested, epochs: int, folder: Path) -> None:
    """Keep the result in the folder; the checkpoints that led to it have done their work."""
    cost = count_predicting(tested.network, tuple(tested.shape))
    facts = {"trained": asdict(tested.record), "params": cost.params, "macs": cost.macs}
    facts["copies"] = len(tested.network.networks) if isinstance(tested.network, Committee) else 1
    state = {"average": None, "outputs": tested.outputs}
    save(folder / RESULT, Snapshot(epochs, tested.network.state_dict(), state, facts))
    for path in folder.glob("epoch-*"):
        if path.is_file():
            path.unlink(missing_ok=True)
    synchronise(folder)


@dataclass(frozen=True, eq=False)
class Done:
    """The result that an entry left.

    record: None for a reference that is no network.
    outputs: what was answered to the test examples, or to the first of them; None where it was not kept.
    contender: only for what is no network.
    copies: networks side by side that it is of.
    """

    folder: Path
    record: Trained | None
    params: int
    macs: int
    outputs: Tensor | None
    contender: Mapping[str, Any] | None = None
    copies: int = 1

    @property
    def result(self) -> Path:
        """The checkpoints of the trained network."""
        return self.folder / RESULT


def done(folder: Path) -> Done | None:
    """What lies in the folder of an entry; None where it is not done, or damaged."""
    plain = Checkpoints(folder / RESULT).latest()
    if plain is None:
        return None
    if "contender" in plain.facts:
        return Done(folder, None, 0, 0, _answers(plain.path.with_suffix(".state")), plain.facts["contender"])
    snapshot, _ = newest(folder / RESULT, torch.device("cpu"))
    if snapshot is None:
        return None
    facts = snapshot.facts
    state = snapshot.state
    outputs = state["outputs"] if "outputs" in state else state["logits"]  # as earlier versions called them
    trained, copies = Trained.from_json(facts["trained"]), facts.get("copies", 1)
    return Done(folder, trained, facts["params"], facts["macs"], outputs, copies=copies)


def discard(folder: Path) -> None:
    """Forget what lies in the folder of an entry, so that it is carried out anew."""
    shutil.rmtree(folder / RESULT, ignore_errors=True)


def _answers(path: Path) -> Tensor | None:
    """The outputs of a reference that is no network; earlier versions did not keep them."""
    if not path.exists():
        return None
    return torch.load(path, map_location="cpu", weights_only=True)["outputs"]


def final_work(
    estimator: Estimator, device: torch.device | str | None = None, objectives: Sequence[Objective] = ()
) -> FinalTraining:
    """What carries out the final trainings of a search with this estimator; UserError where it does not train.

    estimator: of the search.
    device: the estimator's by default, or "auto".
    objectives: of the search; the first one that is a metric of the problem leads, and says whether going on made a
        network worse.
    """
    space, task, settings, own_device = _training(estimator)
    place = str(chosen_device(str(own_device if device is None else device)))
    metric = leading(objectives, task.problem).name
    return FinalTraining(space, task, settings, place, **_split_of(estimator), metric=metric)


@kinds_checked
def training_of(run: Run) -> tuple[Space, Task, TrainingSettings, torch.device | str]:
    """Space, task, settings and device of the run's training estimator; UserError where it has none.

    run: as `Search.run` or `Search.load` gives it.
    """
    return _training(run.search.estimator)


def _training(estimator: Estimator) -> tuple[Space, Task, TrainingSettings, torch.device | str]:
    for found in (estimator, *estimator.stages()):
        if isinstance(found, Trainer) and isinstance(found.settings, TrainingSettings):
            settings = found.final_settings if isinstance(found, TrainsFinally) else found.settings
            return found.space, found.task, settings, found.device or "cpu"
    roles = {"space": OfSpace, "task": OnTask, "settings": HasSettings}
    missing = [name for name, role in roles.items() if not isinstance(estimator, role)] or ["training settings"]
    raise UserError(
        f"{type(estimator).__name__} has no {' and no '.join(missing)}, so the network it found cannot be trained; "
        "use estimators.Training(space, task), or results.train_final and results.export with a task of your own"
    )


def _split_of(estimator: Estimator) -> dict[str, Any]:
    """How the search split validation examples off."""
    stages = (each for each in (estimator, *estimator.stages()) if each.keeps)  # whose networks go on
    each = next((each for each in stages if isinstance(each, HoldsOut)), None)
    return {} if each is None else {"validation": each.validation, "split_seed": each.split_seed}
