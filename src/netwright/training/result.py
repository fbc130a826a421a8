"""What a training gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from netwright.core.errors import TrialFailed

Epoch = dict[str, float]
"""One point of the curve: epoch (from 1), train_loss, train_accuracy, learning_rate, seconds; in measured epochs also
val_loss, val_accuracy and val_balanced_accuracy."""


class OutOfTime(TrialFailed):
    """The deadline passed before the first epoch was over."""

    state = "timeout"


class GivenUp(OutOfTime):
    """The time that everything had was up before the training had come to an end."""

    state = "cancelled"


@dataclass(frozen=True)
class TrainingResult:
    """The outcome of one training; the trained weights are in the network that was given.

    metrics: train_loss, train_accuracy, val_loss, val_accuracy, val_balanced_accuracy (the mean over the classes) after
        the last epoch. Accuracies are shares from 0 to 1. The training loss is the one minimised: with label smoothing
        and auxiliary head, over the epoch as weights moved. With `keep_best` those of the best measurement. Where the
        settings say `seconds`, `patience` or `keep_best`, also "trained_steps" and "trained_passes": steps of the
        optimiser, and passes over the examples, behind the weights that are returned, for another training as long.
    curve: one entry an epoch.
    seconds: wall clock, of all sittings if it was continued.
    epochs: how many were done.
    stopped: "epochs" when all were done, or all seconds spent; "deadline" when another epoch would not have fitted;
        "patience" when no better measurement came for as many as the settings say.
    precision, channels_last, threads, device: what decides the last bits of the numbers.
    peak_memory: most bytes that were allocated on a CUDA device; None on others.
    notes: what the reader should know, such as a damaged checkpoint that was passed over.
    """

    metrics: Mapping[str, float]
    curve: tuple[Epoch, ...]
    seconds: float
    epochs: int
    stopped: Literal["epochs", "deadline", "patience"]
    precision: str
    channels_last: bool
    threads: int
    device: str
    peak_memory: int | None
    notes: tuple[str, ...]
