"""Measures an architecture by training it."""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.checkpoints import Checkpoints
from netwright.core.checks import part, positive, whole_number
from netwright.core.errors import ConfigurationError, UserError, nearest
from netwright.core.estimator import Estimator
from netwright.core.placing import chosen_device
from netwright.core.randomness import derived_seed
from netwright.core.roles import ChoosesTraining, HasWidth, chosen_training
from netwright.core.space import Space
from netwright.core.task import Data, TaskShape
from netwright.core.trained import PASSES, SECONDS, STEPS
from netwright.core.trial import Measurement, Proposal, share_of
from netwright.core.warning import warn
from netwright.core.workplace import Parent, workplace
from netwright.estimators.cost import Cost
from netwright.estimators.cost_sums import built
from netwright.estimators.cross_validation import cross_validated
from netwright.estimators.devices import refuse_what_cannot_fit
from netwright.estimators.first_network import require_runs
from netwright.estimators.machine import behind
from netwright.estimators.signature import with_training_settings
from netwright.tasks import Task
from netwright.training import TrainingResult, TrainingSettings, seeded, train
from netwright.training.progress import load_trained
from netwright.training.result import OutOfTime

PROVIDES = ("core.train_eval",)

Fidelity = Literal["epochs", "annealed", "data", "width", "resolution", "seconds", "folds"]
CONTINUED: tuple[Fidelity, ...] = ("epochs", "seconds", "folds")
"""Of these a larger share goes on from what a smaller one kept."""

LEAST_RESOLUTION = 4  # pixels
LEAST_WIDTH = 2  # channels
FIRST_EPOCH = 3  # times the time limit


def _rounded_up(epochs: int, share: float) -> int:
    """A share of so many epochs, rounded up, at least one."""
    return max(1, math.ceil(share * epochs - 1e-9))


def _shortened(settings: TrainingSettings, share: float) -> TrainingSettings:
    """A share of the training, with the whole schedule in it."""
    if settings.seconds is not None:
        return settings.replace(seconds=share * settings.seconds)
    return settings.replace(epochs=_rounded_up(settings.epochs, share))


INHERITED = "inherited_params"
"""The metric that says how many parameters a child took over from its parent."""


class Training(Estimator):
    """Trains the architecture's network on the task's training split and measures it on the validation split.

    space: the space whose architectures are meant.
    task: what their networks learn.
    settings: how to train; any field of TrainingSettings may be given by name beside it, such as `epochs=5`.
    device: "auto" takes the first CUDA device where there is one, otherwise the CPU.
    fidelity: what a proposal's share of the full budget makes smaller: "epochs" (rounded up; the first ones of the full
        training, so that a promoted trial goes on from there), "annealed" (as many epochs with the whole schedule
        squeezed into them: often a better guess of the full training, but nothing to go on from), "data" (the share of
        the training examples), "width" (the space's `width_parameter`), "resolution" (pixels on the longer side),
        "folds" (of a cross-validation with `folds` of them, each a full training; validation metrics are those of the
        answers to all folds together, and a promoted trial does those that are missing: for few examples) or
        "seconds" (of `settings.seconds`, with its first ones as with "epochs": every candidate gets the same time, and
        with schedule "stable" only a trial of the full share goes through the decay of the learning rate). Where the
        settings say `seconds`, "epochs" means them, and "annealed" squeezes the schedule into fewer.
    checkpoint_directory: where trainings are saved, to be continued by the same estimate, and with fidelity "epochs" or
        "seconds" by one of a larger share and the same seed; by default the folder of the trial, where its workplace
        has one.
    validation: share of the training examples to validate on; with fidelity "folds" each example is, in its fold.
    split_seed: gives the split, the same for all trials.
    folds: how many a cross-validation has, at least 2, with fidelity "folds"; 5 and 10 are usual (Kohavi 1995).
    judged_by: the metric by which the settings `patience` and `keep_best` tell what is better; the problem's main one
        where empty.
    time_limit: seconds of one training; one that needs more ends in state "timeout". The first epoch, which pays for
        all that is done once, may be finished as long as it takes no more than three times the limit.

    Where the workplace names a parent, the network begins from that one's weights as far as the space takes them over
    (`Space.inherit`), and is trained for the share of the epochs that is named there. "inherited_params" among the
    metrics says how many parameters that were: 0 where nothing fits or the parent's files are gone, and it begins anew.

    Initial weights, order of examples and everything else random follow from the seed of the estimate. `stages` puts
    `Cost` first, so that limits on size are checked before anything is trained.
    Raises ConfigurationError for unknown options, values outside what is allowed, a device that is not there and
    fidelity "width" where the space has no `width_parameter`; UserError for a space whose first network cannot take the
    task's examples, or cannot be counted (see `netwright.estimators.first_network`).
    """

    @with_training_settings(TrainingSettings())
    def __init__(
        self,
        space: Space,
        task: Task,
        *,
        settings: TrainingSettings | None = None,
        device: str = "auto",
        fidelity: Fidelity = "epochs",
        checkpoint_directory: str | os.PathLike[str] | None = None,
        validation: float = 0.1,
        split_seed: int = 0,
        time_limit: float | None = None,
        folds: int = 5,
        judged_by: str = "",
        **overrides: Any,
    ) -> None:
        self.space, self.task = space, task.measuring(judged_by) if judged_by else task
        self.settings = (settings or TrainingSettings()).replace(**overrides)
        self.device = chosen_device(device)
        timed = self.settings.seconds is not None
        self.fidelity: Fidelity = "seconds" if timed and fidelity == "epochs" else fidelity
        self.validation, self.split_seed = validation, split_seed
        self.checkpoint_directory = None if checkpoint_directory is None else Path(checkpoint_directory)
        self.time_limit, self.folds, self.judged_by = time_limit, folds, judged_by
        self._reduced: dict[int, Space] = {}
        self._arguments = {
            **{name: value for name, value in self._arguments.items() if name not in self.settings.arguments},
            "settings": self.settings,
            "checkpoint_directory": None if checkpoint_directory is None else str(checkpoint_directory),
        }
        self._check()

    def _check(self) -> None:
        self._check_numbers()
        if self.fidelity not in get_args(Fidelity):
            raise ConfigurationError(
                f"Training: there is no fidelity {self.fidelity!r}{nearest(self.fidelity, get_args(Fidelity))}"
            )
        if self.fidelity == "seconds" and self.settings.seconds is None:
            raise ConfigurationError(
                "Training: fidelity 'seconds' is a share of the training option seconds, found seconds = None; "
                "expected a number above 0, such as seconds=60, or fidelity 'epochs'"
            )
        if self.fidelity == "folds":
            self.task.check_folds()
        networks = self._networks
        if self.fidelity == "width" and not isinstance(networks, HasWidth):
            raise ConfigurationError(
                f"{type(networks).__name__} names no `width_parameter`, the field that fidelity 'width' makes "
                "smaller; use fidelity 'epochs' or 'data', or give the space one"
            )
        if self.fidelity == "resolution" and not self.task.shape.is_image:
            raise ConfigurationError("Training: vectors have no resolution; use fidelity 'epochs' or 'data'")
        require_runs(self.space, self.task.shape)

    @property
    def _networks(self) -> Space:
        """The space of the networks alone."""
        return self.space.space if isinstance(self.space, ChoosesTraining) else self.space

    def _check_numbers(self) -> None:
        part(self, "validation", self.validation)
        positive(self, "time_limit", self.time_limit, "seconds above 0", none=True)
        whole_number(self, "folds", self.folds, 2)

    @property
    def metrics(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        problem = self.task.problem
        train = ("train_loss", *(f"train_{name}" for name in problem.watched))
        settings = self.settings
        further = (*((STEPS, PASSES) if settings.varies else ()), *(() if settings.seconds is None else (SECONDS,)))
        return (*train, "val_loss", *(f"val_{each.name}" for each in problem.metrics), *further)

    def measuring(self, *names: str) -> Estimator:
        task = self.task.measuring(*names)
        return behind(self if task is self.task else self.replace(task=task), self.space, task.shape, names)

    @cached_property
    def cost(self) -> Cost:
        """What an architecture costs on this task, at full fidelity."""
        return Cost(self.space, self.task.shape)

    def configuration(self) -> dict[str, Any]:
        """As JSON, without what does not change the measurement: where it is saved and how long it may take."""
        described = super().configuration()
        for name in ("checkpoint_directory", "time_limit"):
            del described["arguments"][name]
        return described

    def stages(self) -> Sequence[Estimator]:
        return self.cost, self

    @property
    def can_continue(self) -> bool:
        return self.fidelity in CONTINUED

    @property
    def keeps(self) -> bool:
        return self.fidelity != "folds"  # none of whose networks has seen all examples

    def kept(self, folder: Path, architecture: Architecture) -> Path | None:
        whole = "" if self.fidelity in CONTINUED else "-1"
        found = sorted(folder.glob(f"{architecture.digest[:16]}-*{whole}-{self._identity}*"))
        return found[-1] if found else None

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Train and measure the candidate.

        Raises Diverged, OutOfMemory (before building, where the network cannot fit), and UserError for a mixture or a
        fidelity outside 0..1.
        """
        architecture = proposal.candidate
        if not isinstance(architecture, Architecture):
            raise UserError("Training measures architectures; a mixture of all options needs shared weights")
        share = proposal.share
        if not 0 < share <= 1:
            raise UserError(f"fidelity is a share of the full budget, above 0 and at most 1, found {share!r}")
        if self.fidelity == "folds":
            return self._cross_validated(architecture, share, seed)
        space, settings, until = self._space_at(share), self._settings_at(share, architecture), self._until(share)
        data = self._data_at(share)
        shape = replace(self.task.shape, input=data.train.shape[1:])
        self._check_memory(architecture, space, shape, settings.batch_size)
        with seeded(seed):
            network = space.build(architecture, shape)
        place = workplace()
        saved = self._checkpoint(architecture, share, seed, settings)
        inherited = None
        if place.parent is not None and not place.continued:
            own = self._checkpoint(architecture, share, seed, settings, place.parent)
            inherited = self._inherited(network, architecture, space, shape, own, share)
            if inherited:
                settings, saved = _shortened(settings, place.parent.share), own
                until = _rounded_up(until, place.parent.share)
        of_all = share if self.fidelity == "seconds" else 1.0
        result = self._trained(network, data, settings, seed, saved, until=until, share=of_all)
        metrics = result.metrics if inherited is None else {**result.metrics, INHERITED: float(inherited)}
        return Measurement(metrics, curve=result.curve)

    def _trained(
        self,
        network: nn.Module,
        data: Data,
        settings: TrainingSettings,
        seed: int,
        saved: Path | None,
        *,
        until: int,
        share: float = 1.0,
        began: float | None = None,
        parts: int = 1,
    ) -> TrainingResult:
        """Train the network as the workplace allows; OutOfTime where it took longer than the limit.

        saved: where its checkpoints are.
        until: the epoch to end after.
        share: of the seconds that the settings say, to end after.
        began: when what the limit is for began; by default now.
        parts: trainings that are left for the trial, this one among them, where it had better end in time.
        """
        now, place = time.monotonic(), workplace()
        limit = None if place.settles else self.time_limit
        began = now if began is None else began
        ends = place.ends if place.ends is None or not place.settles else now + (place.ends - now) / parts
        result = train(
            *(network, data, settings, seed),
            device=self.device,
            checkpoint=saved,
            until=until,
            on_epoch=place.report,
            deadline=None if limit is None else began + limit,
            first_epoch_deadline=None if limit is None else began + FIRST_EPOCH * limit,
            give_up_at=ends,
            settle=place.settles,
            until_seconds=None if settings.seconds is None else share * settings.seconds,
            judged_by=self.judged_by,
        )
        if result.stopped == "deadline" and limit is not None:
            fitted = f"{result.epochs} of {until} epochs fitted into {limit:.4g} s"
            if settings.seconds is not None:
                fitted = (
                    f"{result.seconds:.4g} of {share * settings.seconds:.4g} s of training fitted into {limit:.4g} s"
                )
            raise OutOfTime(
                f"{fitted}; fewer epochs, fewer examples or smaller networks are quicker",
                *(result.metrics, result.curve),
            )
        return result

    def _cross_validated(self, architecture: Architecture, share: float, seed: int) -> Measurement:
        """Train the share of the folds, as far as it was not done before; see `estimators.cross_validation`."""
        settings, shape, count = self._settings_at(share, architecture), self.task.shape, self._folds(share)
        self._check_memory(architecture, self.space, shape, settings.batch_size)
        began = time.monotonic()

        def trained(data: Data, number: int, saved: Path | None) -> tuple[nn.Module, TrainingResult]:
            own = derived_seed(seed, number)
            with seeded(own):
                network = self.space.build(architecture, shape)
            until, parts = settings.epochs, count - number
            return network, self._trained(network, data, settings, own, saved, until=until, began=began, parts=parts)

        def data_of(number: int) -> Data:
            return self.task.fold_data(number, self.folds, self.split_seed, self.device)

        identity = {"settings": settings.configuration(), "seed": seed}
        return cross_validated(data_of, count, self._checkpoint(architecture, share, seed, settings), identity, trained)

    def _inherited(
        self,
        network: nn.Module,
        architecture: Architecture,
        space: Space,
        shape: TaskShape,
        own: Path | None,
        share: float,
    ) -> int:
        """Give the network what it takes over from its parent's; how many parameters, 0 where the files are gone.

        own: where this training is saved. One that was begun so before goes on, whether the parent is there or not.
        """
        parent = workplace().parent
        assert parent is not None
        folder, begun = self._of_parent(parent, share), own is not None and Checkpoints(own).latest() is not None
        with seeded(parent.seed):
            trained = space.build(parent.architecture, shape)
        if (folder is None or load_trained(trained, folder) is None) and not begun:
            warn(f"the weights of {parent.architecture} are gone: its child begins anew")
            return 0
        return space.inherit(trained, network, parent.architecture, architecture)

    def _of_parent(self, parent: Parent, share: float) -> Path | None:
        """Where the parent's network was kept, trained at this fidelity; None where it was not, or was removed."""
        folder = parent.folder if self.checkpoint_directory is None else self.checkpoint_directory
        if folder is None or not folder.is_dir():
            return None
        name, rest = f"{parent.architecture.digest[:16]}-{parent.seed}", f"{self._suffix(share)}-{self._identity}*"
        found = [*sorted(folder.glob(f"{name}{rest}")), *sorted(folder.glob(f"{name}-of-*{rest}"))]
        return found[-1] if found else None

    def _suffix(self, share: float) -> str:
        """What tells the checkpoints of a fidelity apart; those of fewer epochs are the first ones of more."""
        return "" if self.fidelity in CONTINUED else f"-{share:.6g}"

    def check_memory(self, architecture: Architecture) -> None:
        """Raise OutOfMemory where a batch of this network cannot fit on the device; nothing is built."""
        batch_size = self.settings_of(architecture).batch_size
        self._check_memory(architecture, self.space, self.task.shape, batch_size)

    def settings_of(self, architecture: Architecture) -> TrainingSettings:
        """With which an architecture is trained in full: its own choices, where the space has any, in place of others.

        architecture: of the space.
        """
        chosen = chosen_training(self.space, architecture)
        return self.settings.replace(**chosen) if chosen else self.settings

    # What a share of the budget leaves.

    def _settings_at(self, share: float, architecture: Architecture) -> TrainingSettings:
        settings, changes = self.settings_of(architecture), {}
        if self.fidelity == "annealed" and share != 1:
            changes = (
                {"epochs": self._epochs(share)} if settings.seconds is None else {"seconds": share * settings.seconds}
            )
        batch_size = workplace().share_of_batch(settings.batch_size)
        if batch_size != settings.batch_size:
            changes["batch_size"] = batch_size
        return settings.replace(**changes) if changes else settings

    def share(self, fidelity: float | None) -> float:
        """The share of the full budget that a proposal's fidelity takes: of whole epochs, at least one."""
        share = share_of(fidelity)
        if self.fidelity == "folds":
            return self._folds(share) / self.folds
        if self.settings.seconds is not None or self.fidelity not in ("epochs", "annealed"):
            return share
        return self._epochs(share) / self.settings.epochs

    def _folds(self, share: float) -> int:
        return max(1, round(share * self.folds))

    def _epochs(self, share: float) -> int:
        return _rounded_up(self.settings.epochs, share)

    def _until(self, share: float) -> int:
        """The epoch to end after."""
        return self._epochs(share) if self.fidelity in ("epochs", "annealed") else self.settings.epochs

    def _data_at(self, share: float) -> Data:
        return self.task.search_data(
            self.split_seed,
            self.device,
            self.validation,
            share=share if self.fidelity == "data" else 1.0,
            resolution=self._resolution_at(share) if self.fidelity == "resolution" else None,
        )

    def _resolution_at(self, share: float) -> int:
        longer = max(self.task.shape.height, self.task.shape.width)
        return min(longer, max(LEAST_RESOLUTION, round(share * longer)))

    def _space_at(self, share: float) -> Space:
        if self.fidelity != "width" or share == 1:
            return self.space
        networks = self._networks
        assert isinstance(networks, HasWidth)
        name = networks.width_parameter
        full: int = getattr(networks, name)
        width = min(full, max(LEAST_WIDTH, round(share * full)))
        if width not in self._reduced:
            narrow = networks.replace(**{name: width})
            chosen = isinstance(self.space, ChoosesTraining)
            self._reduced[width] = self.space.replace(space=narrow) if chosen else narrow
        return self._reduced[width]

    def _check_memory(self, architecture: Architecture, space: Space, shape: TaskShape, batch_size: int) -> None:
        if space is self.space and shape == self.task.shape:
            figures = self.cost.figures(architecture)
            params, memory = figures["params"], figures["activation_memory"]
        else:
            params, _, memory = built(space, architecture.content, shape)
        refuse_what_cannot_fit(params, memory, batch_size, self.device)

    def _checkpoint(
        self,
        architecture: Architecture,
        share: float,
        seed: int,
        settings: TrainingSettings,
        parent: Parent | None = None,
    ) -> Path | None:
        """The folder of this training's checkpoints; None where there is none. parent: whose weights it begins from."""
        folder = workplace().folder if self.checkpoint_directory is None else self.checkpoint_directory
        if folder is None:
            return None
        part = self._suffix(share)
        full = self.settings_of(architecture).batch_size
        smaller = "" if settings.batch_size == full else f"-{settings.batch_size}"
        born = "" if parent is None else f"-of-{parent.architecture.digest[:16]}-{parent.seed}"
        return folder / f"{architecture.digest[:16]}-{seed}{born}{part}-{self._identity}{smaller}"

    @cached_property
    def _identity(self) -> str:
        """Tells apart what the training itself cannot: which examples of which data, and what the space builds."""
        parts = self.task.fingerprint, self.split_seed, self.validation, self.fidelity, repr(self.space)
        if self.fidelity == "folds":
            parts = (*parts, str(self.folds))
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
