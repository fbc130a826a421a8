"""Well-known networks, trained with the usual settings for as long as there is time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor, nn

from netwright.core.task import TaskShape
from netwright.networks.resnet import resnet as residual
from netwright.results.reference_models import levels_of
from netwright.results.reference_models import references as named
from netwright.tasks import Task, open_task
from netwright.training import TrainingSettings, predict, seeded, train
from netwright.training.batches import usual_batch
from worth_parts.judging import overlap, points
from worth_parts.references import BEGAN, KEPT, Asked
from worth_parts.sets import DataSet

Build = Callable[[TaskShape], nn.Module]
MOST_EPOCHS = 200  # of one training; with more time other settings are tried, too
SHARE_OF_TRIES = 0.6  # of the time
RATES = (1.0, 1 / 3, 3.0)  # times the usual learning rate
DECAYS = (1.0, 10.0)  # times the usual weight decay
IMAGES: dict[str, Any] = {"optimiser": "sgd", "learning_rate": 0.1, "weight_decay": 5e-4}
OTHERS: dict[str, Any] = {"optimiser": "adamw", "learning_rate": 1e-3, "weight_decay": 1e-2, "gradient_clip": 1.0}


def resnet(asked: Asked) -> tuple[float, int]:
    """ResNet-20, or ResNet-8 for images of fewer than 16 pixels (He et al. 2016)."""

    def build(shape: TaskShape) -> nn.Module:
        channels, height, width = shape.input
        return residual((channels, height, width), shape.outputs, 20 if min(height, width) >= 16 else 8)

    return tested(build, asked, IMAGES)


def unet(asked: Asked) -> tuple[float, int]:
    """The U-Net of Ronneberger et al. (2015), as wide as the reports of netwright have it."""
    task = read(asked)
    found = next(each for each in named(task) if each.build is not None)
    assert found.build is not None and levels_of(task.shape, 4) > 0
    return tested(found.build, asked, OTHERS, task)


def mlp(asked: Asked) -> tuple[float, int]:
    """Two hidden layers of 256 with batch normalisation and dropout."""

    def build(shape: TaskShape) -> nn.Module:
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs in (shape.features, 256):
            layers += [nn.Linear(inputs, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.1)]
        return nn.Sequential(*layers, nn.Linear(256, shape.outputs))

    return tested(build, asked, OTHERS)


class ResidualSeries(nn.Module):
    """Three convolutions of 8, 5 and 3 times, around which the input is passed on (Wang et al. 2017)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, kernel in ((inputs, 7), (outputs, 5), (outputs, 3)):
            layers += [nn.Conv1d(before, outputs, kernel, padding="same"), nn.BatchNorm1d(outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])
        self.beside = nn.Sequential(nn.Conv1d(inputs, outputs, 1), nn.BatchNorm1d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(self.layers(x) + self.beside(x))


def series_resnet(asked: Asked) -> tuple[float, int]:
    """The residual network of Wang et al. (2017)."""

    def build(shape: TaskShape) -> nn.Module:
        blocks = [ResidualSeries(*each) for each in ((shape.input[0], 64), (64, 128), (128, 128))]
        return nn.Sequential(*blocks, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(128, shape.outputs))

    return tested(build, asked, OTHERS)


def read(asked: Asked) -> Task:
    """The task with the held-out examples as its test split."""
    data = DataSet("", "", asked.options)  # type: ignore[arg-type]
    inside = (
        asked.given == asked.labelled or "." not in asked.labelled.rpartition("/")[2]
    )  # a folder with train/ and test/
    more = {} if inside else {"test": asked.labelled}
    return open_task(asked.labelled if inside else asked.given, **data.read(**more))


def tested(build: Build, asked: Asked, settings: dict[str, Any], task: Task | None = None) -> tuple[float, int]:
    """The score of a network on the held-out examples, trained on all others, and how many were held out.

    build: makes it.
    asked: with the time.
    settings: the usual ones.
    task: where it was read already.
    """
    task = read(asked) if task is None else task
    network = trained(build, task, settings, asked)
    data = task.final_data("cpu")
    answers = predict(network, data.held_out, data).numpy()
    truth = data.held_out.batch_targets(0, len(data.held_out)).numpy()
    if asked.kind == "masks":
        return overlap(*_masks(truth, answers.argmax(1))), len(truth)
    found = answers.argmax(1) if asked.kind == "classes" else answers.reshape(truth.shape)
    return points(asked.kind, truth.ravel().tolist(), found.ravel().tolist()), len(truth)


def _masks(truth: np.ndarray, found: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Of tiles, only what is asked for of each."""
    known = truth != 255
    return [truth[known]], [found[known]]


def trained(build: Build, task: Task, settings: dict[str, Any], asked: Asked) -> nn.Module:
    """One training for as long as there is time; where that is long, several of which the best settings train again.

    build: makes the network.
    task: to train on everything but its test split.
    settings: the usual ones.
    asked: with the time.
    """
    batch = usual_batch(task.shape, len(task.train)) or (64 if len(task.train) > 500 else 16)
    usual = TrainingSettings(batch_size=min(batch, max(2, len(task.train) // 2)), **settings)
    epoch = _seconds_of_epoch(build, task, usual, asked.seed)
    best, tried = usual, 0
    if asked.left > 2 * MOST_EPOCHS * epoch:
        best, tried = _best(build, task, usual, asked, epoch)
    epochs = max(1, min(MOST_EPOCHS, int(asked.left / epoch))) if tried else max(1, int(asked.left / epoch))
    with seeded(asked.seed):
        network = build(task.shape)
    whole = best.replace(epochs=epochs, evaluate_every=epochs)
    train(network, task.final_data("cpu"), whole, asked.seed, anneal_by=BEGAN + KEPT * asked.seconds)
    return network


def _best(
    build: Build, task: Task, usual: TrainingSettings, asked: Asked, epoch: float
) -> tuple[TrainingSettings, int]:
    """The settings that do best on a validation split, and how many were tried."""
    metric, found = task.problem.main, []
    until = time.monotonic() + SHARE_OF_TRIES * asked.left
    data = task.search_data(asked.seed)
    for decay, rate in itertools.product(DECAYS, RATES):
        if found and time.monotonic() + MOST_EPOCHS * epoch > until:
            break
        tried = usual.replace(
            learning_rate=usual.learning_rate * rate,
            weight_decay=usual.weight_decay * decay,
            epochs=MOST_EPOCHS,
            evaluate_every=MOST_EPOCHS,
        )
        with seeded(asked.seed):
            network = build(task.shape)
        value = train(network, data, tried, asked.seed, anneal_by=until).metrics[f"val_{metric.name}"]
        found.append((value if metric.larger_is_better else -value, tried))
    return max(found, key=lambda each: each[0])[1], len(found)


def _seconds_of_epoch(build: Build, task: Task, settings: TrainingSettings, seed: int) -> float:
    """Of a warm epoch: the second of two."""
    with seeded(seed):
        network = build(task.shape)
    found = train(network, task.search_data(seed), settings.replace(epochs=2), seed)
    return max(1e-4, 1.15 * float(found.curve[-1]["seconds"]))  # all examples are a little more than those searched on
