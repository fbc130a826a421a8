"""The one training loop, for candidates in a search and for final training: where it is started."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from netwright.core.errors import TrialFailed
from netwright.core.kinds import kinds_checked
from netwright.core.placing import placed
from netwright.core.task import Data
from netwright.core.trees import moved
from netwright.training import progress
from netwright.training.augmentation import Normalisation
from netwright.training.best import Best
from netwright.training.loop import Loop
from netwright.training.out_of_memory import out_of_memory_reported, reset_peak_memory
from netwright.training.pacing import Clock
from netwright.training.precision import choose_precision, multiply_adds
from netwright.training.randomness import seeded
from netwright.training.result import Epoch, TrainingResult
from netwright.training.settings import TrainingSettings
from netwright.training.showing import show_examples
from netwright.training.threads import choose_threads, using_threads


@kinds_checked
def train(
    network: nn.Module,
    data: Data,
    settings: TrainingSettings,
    seed: int,
    *,
    device: torch.device | str | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: int = 1,
    on_epoch: Callable[[Epoch], None] | None = None,
    deadline: float | None = None,
    first_epoch_deadline: float | None = None,
    until: int | None = None,
    anneal_by: float | None = None,
    give_up_at: float | None = None,
    settle: bool = False,
    until_seconds: float | None = None,
    judged_by: str = "",
) -> TrainingResult:
    """Trains the network in place and measures it on the held-out examples.

    network: gives what the problem of `data` asks for, such as logits (n, classes); in training mode it may give a
        pair of them, the second from an auxiliary head, or a list of several members' answers, each of which is to be
        right by itself. Parts that look at training examples first are shown them. Modules with an
        attribute `drop_path_probability` get it set in each epoch. The network is moved to `device` (by default that of
        the training examples) and ends there in evaluation mode.
    data: with training and held-out examples.
    settings: of the training.
    seed: decides order, augmentation and dropout; all global generators are as before afterwards. The same network,
        data, settings, seed, device and thread count give the same bits, on CUDA as far as
        `netwright.training.arithmetic` says; `netwright.training.threads` says which count is taken, for the time of
        the training.
    device: to train on, by default that of the training examples.
    checkpoint: a folder; every `checkpoint_every` epochs and at the end the training is saved there, and a training
        found there is continued, bit for bit.
    checkpoint_every: epochs from one save to the next.
    on_epoch: called after each epoch with its entry of the curve, when it is saved.
    deadline: in `time.monotonic()` seconds; the training ends after an epoch when another would not fit.
    first_epoch_deadline: within the first epoch, in place of `deadline`.
    until: the epoch to end after, where that is not the last; schedules stay those of all epochs, so that a later call
        goes on from the checkpoint and ends with the bits of a training that was never interrupted. The epoch that it
        ends after is measured in any case.
    anneal_by: in `time.monotonic()` seconds, for a training that must end well rather than be as long as planned: where
        the epochs left would not fit, fewer are done and the schedule is brought to its end in them, at least one.
    give_up_at: GivenUp, an OutOfTime, is raised when it passes within any epoch; checkpoints of earlier ones stay.
    settle: the training ends by `give_up_at` with what it has, in place of giving up: its schedule is brought to its
        end in the epochs that fit, and where not even one fits it is measured after some of its steps, at least one.
    until_seconds: where the settings say `seconds`: those after which this call ends, of all sittings together, in
        place of `until`; the schedule stays that of all of them, and a later call goes on from the checkpoint.
    judged_by: the metric, as the problem calls it, by which `patience` and `keep_best` tell what is better; its main
        one where empty.

    Raises Diverged at the first loss that is not finite, OutOfMemory, OutOfTime when the deadline passes within the
    first epoch, DataError for fewer than two training examples or none held out, ConfigurationError for the checkpoint
    of another training, TrialFailed for a network without parameters to train.
    """
    with ready(network, data, settings, seed, placed(device or data.train.device)) as loop:
        loop.until = settings.epochs if until is None else min(until, settings.epochs)
        loop.is_whole = loop.until == settings.epochs
        loop.anneal_by, loop.give_up_at, loop.settles = anneal_by, give_up_at, settle
        if settle and anneal_by is None:
            loop.anneal_by = give_up_at
        if judged_by:
            loop.best = Best(data.problem.metric(judged_by), settings.keep_best, loop.judged_on)
        if settings.seconds is not None:
            loop.clock = Clock(settings, until_seconds)
            loop.is_whole = loop.clock.until == loop.clock.end
        first = deadline if first_epoch_deadline is None else first_epoch_deadline
        return loop.run(progress.Saved(checkpoint, checkpoint_every), on_epoch, deadline, first)
    raise AssertionError


@contextmanager
def ready(
    network: nn.Module,
    data: Data,
    settings: TrainingSettings,
    seed: int,
    device: torch.device,
    *,
    evaluating: bool = True,
) -> Iterator[Loop]:
    """A loop about to train, with the generators, the arithmetic and the threads that it trains with.

    evaluating: whether what these depend on is found by a pass of evaluation, which leaves the network as it was.
    """
    with (
        out_of_memory_reported(network, data.train, settings.batch_size, device),
        seeded(seed, device),
    ):
        reset_peak_memory(device)
        network.to(device)
        if not any(parameter.requires_grad for parameter in network.parameters()):
            raise TrialFailed("the network has no parameters to train")
        show_examples(network, data, device)
        example = Normalisation.of(data, device)(moved(data.train.batch(0, 2), device))
        counts = multiply_adds(network, example, evaluating=evaluating) if device.type == "cpu" else {}
        precision = choose_precision(network, example, settings, device, counts)
        with (
            using_threads(choose_threads(counts, settings, device)),
            precision.applied(network, device, deterministic=settings.deterministic),
        ):
            yield Loop(network, data, settings, seed, device, precision)
