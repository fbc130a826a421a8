"""How long a training takes, found on a few warm steps of it before it begins."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn

from netwright.core.placing import placed
from netwright.core.task import Data
from netwright.training.augmentation import Batches
from netwright.training.batches import augmentation_generator
from netwright.training.loop import FORWARD, Loop
from netwright.training.settings import TrainingSettings
from netwright.training.trainer import ready

WARM_UP = 2  # steps that pay for what is done once
STEPS = 12  # steps that are timed at most


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of one warm training step, of the steps of an epoch, and of one validation after it.

    at_once: trainings that the threads of this process are enough for, as each takes no more than it is quicker with.
    """

    step: float
    epoch: float
    validation: float
    at_once: int = 1

    def of(self, epochs: int) -> float:
        """Seconds of a training of so many epochs, each followed by a validation."""
        return epochs * (self.epoch + self.validation)


def pace(network: nn.Module, data: Data, settings: TrainingSettings, device: str, most: float = 1.0) -> Pace:
    """Time a few steps of training this network as it would be trained; the network is moved and changed by it.

    Nothing is evaluated: what a network does only then is met where trials run, in their own time.

    data: as for `train`; only a few batches of it are used.
    most: seconds after which no further step is timed. Raises what a training may raise within its first steps.
    """
    threads = torch.get_num_threads()
    with ready(network, data, settings, 0, placed(device), evaluating=False) as loop:
        step = _step_seconds(loop, most)
        validation = FORWARD * step * len(loop.held_out) / settings.batch_size
        at_once = threads // torch.get_num_threads() if loop.device.type == "cpu" else 1
        return Pace(step, step * loop.steps, validation, max(1, at_once))
    raise AssertionError


def _step_seconds(loop: Loop, most: float) -> float:
    """The median step after the first two; with several epochs' worth of repetition where an epoch has few steps."""
    order = loop.layout.order(len(loop.examples), loop.seed, 0, loop.device)
    generator = augmentation_generator(loop.seed, 0, loop.device)
    batches = Batches(loop.examples, order, loop.normalise, loop.augmentation, generator, loop.problem.void)
    size, end = loop.layout.size, time.perf_counter() + most
    loop.network.train()
    taken: list[float] = []
    for number in range(WARM_UP + STEPS):
        began = time.perf_counter()
        place = number % loop.steps * size
        loss, _ = loop.step(*batches(place, place + size))
        loss.item()  # waits for the device
        taken.append(time.perf_counter() - began)
        if number and time.perf_counter() > end:
            break
    return median(taken[min(WARM_UP, len(taken) - 1) :])
