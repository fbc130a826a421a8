"""References for series that take no trained network: the nearest neighbour, and features of random convolutions."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from netwright.core.problem import Problem
from netwright.results.figures import Contender
from netwright.results.plain_references import fixed

if TYPE_CHECKING:
    from netwright.tasks.task import Task

KERNELS, FEWEST_KERNELS = 1000, 100  # the paper's 10,000 are little better (Dempster et al. 2020, figure 8)
LENGTHS = (7, 9, 11)
ALPHAS = np.logspace(-3, 3, 10)
MOST_FITTED = 10_000  # examples; with more a ridge regression takes long
MACS_A_SECOND = 300_000_000
"""Multiply-adds of convolutions of one channel, on a slow core."""
PART = 1 << 22  # numbers of what a convolution gives, at a time
CELLS_A_SECOND, STEPS_A_SECOND = 100_000_000, 50_000
"""Of the tables of dynamic time warping, on a slow core; and rows of them that are begun."""
PAIRS = 40_000  # that are warped at once
WARPING = 10.0  # seconds that it may take where there is no limit
PLAIN = 1024  # series whose plain distances are found at once
WARPED = 0.1  # of a series' length at most, two series are shifted against each other
SURE = 1.0  # the answer for the class of the nearest neighbour, where others have 0


def random_convolutions(task: Task, name: str, seconds: float | None = None) -> Contender:
    """A ridge regression on the largest value and the share of positive ones of random convolutions (ROCKET).

    Dempster et al. (2020), with a tenth of their 10,000 kernels, fewer where time is short.

    task: of series, with the test split.
    name: as reports call it.
    seconds: that it may take; None for no limit.
    """
    began, shape = time.monotonic(), task.shape
    channels, length = shape.input
    places = _some(len(task.train), MOST_FITTED)
    examples = len(places) + len(task.test)
    fitting = KERNELS if seconds is None else int(seconds * MACS_A_SECOND / (examples * length * 9 * channels))
    kernels = _Kernels.drawn(max(FEWEST_KERNELS, min(KERNELS, fitting)), channels, length)
    train = task.train.choose(torch.from_numpy(places))
    mean, std = _level(train.inputs)
    both = torch.cat([(each.float() - mean) / std for each in (train.inputs, task.test.inputs)])
    features, used = kernels.features(both, None if seconds is None else began + seconds)
    known, new = features[: len(train)], features[len(train) :]
    answers = _ridge(known, train.targets.numpy(), new, task.problem)
    weights = known.shape[1] * answers.shape[1]
    notes = [] if len(places) == len(task.train) else [f"fitted to {len(places) / len(task.train):.0%} of the examples"]
    note = "; ".join([f"{used:,} kernels", *notes])
    macs = kernels.macs(length)
    more: dict[str, Any] = {"params": weights + answers.shape[1], "macs": macs + weights, "note": note}
    return _judged(name, task, answers, began, **more)


@dataclass(frozen=True)
class _Kernels:
    """Random convolutions, those together that have the same length, dilation and padding.

    groups: weights (kernels, channels, length), biases (kernels,), dilation and padding of each.
    """

    groups: tuple[tuple[Tensor, Tensor, int, int], ...]

    @classmethod
    def drawn(cls, count: int, channels: int, length: int) -> _Kernels:
        """So many, drawn as in the paper, by a fixed seed."""
        rng, groups = np.random.default_rng(0), dict[tuple[int, int, int], list[tuple[np.ndarray, float]]]()
        lengths = [each for each in LENGTHS if each <= length] or [length]
        for _ in range(count):
            size = int(rng.choice(lengths))
            most = np.log2((length - 1) / (size - 1)) if size > 1 else 0.0
            dilation = int(2 ** rng.uniform(0, most))
            padding = (size - 1) * dilation // 2 if rng.random() < 0.5 else 0
            weights = rng.normal(size=(channels, size))
            weights -= weights.mean(axis=1, keepdims=True)
            chosen = rng.permutation(channels)[: int(2 ** rng.uniform(0, np.log2(channels + 1)))]
            weights[np.setdiff1d(np.arange(channels), chosen)] = 0
            groups.setdefault((size, dilation, padding), []).append((weights, rng.uniform(-1, 1)))
        return cls(
            tuple(
                (
                    torch.tensor(np.stack([each for each, _ in found]), dtype=torch.float32),
                    torch.tensor([bias for _, bias in found], dtype=torch.float32),
                    *key[1:],
                )
                for key, found in groups.items()
            )
        )

    def features(self, inputs: Tensor, deadline: float | None = None) -> tuple[np.ndarray, int]:
        """Two of each kernel, float32 (n, 2 * kernels), and how many kernels were used by then.

        inputs: float32 (n, channels, length). deadline: in `time.monotonic()` seconds.
        """
        found: list[Tensor] = []
        for weights, biases, dilation, padding in self.groups:
            if found and deadline is not None and time.monotonic() > deadline:
                break
            step = max(1, PART // (len(weights) * inputs.shape[2]))
            parts = [
                F.conv1d(inputs[start : start + step], weights, biases, dilation=dilation, padding=padding)
                for start in range(0, len(inputs), step)
            ]
            found.append(torch.cat([each.amax(2) for each in parts]))
            found.append(torch.cat([(each > 0).float().mean(2) for each in parts]))
        return torch.cat(found, 1).numpy(), sum(each.shape[1] for each in found) // 2

    def macs(self, length: int) -> int:
        """Multiply-adds for one series of this length."""
        return sum(weights.numel() * length for weights, *_ in self.groups)


def _ridge(known: np.ndarray, targets: np.ndarray, new: np.ndarray, problem: Problem) -> np.ndarray:
    """Answers (n, outputs) to the new examples; of a class how much it is the one, from -1 to 1."""
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(known)
    asked = targets.reshape(len(targets), -1)
    if problem.kind == "classification":
        asked = 2.0 * (targets[:, None] == np.arange(problem.outputs)) - 1
    model = RidgeCV(ALPHAS).fit(scaler.transform(known), asked)
    answers = model.predict(scaler.transform(new)).reshape(len(new), -1)
    return np.repeat(answers, max(1, problem.outputs // answers.shape[1]), axis=1)


def nearest_neighbour(task: Task, name: str, seconds: float | None = None) -> Contender:
    """The answer of the training series that is nearest: by dynamic time warping, or plainly where that takes too long.

    Sakoe and Chiba (1978), within a tenth of the length.

    task: of series, with the test split.
    name: as reports call it.
    seconds: that it may take; None for no limit.
    """
    began = time.monotonic()
    channels, length = task.shape.input
    mean, std = _level(task.train.inputs)
    known, new = (((each.float() - mean) / std).numpy() for each in (task.train.inputs, task.test.inputs))
    width = max(1, int(WARPED * length))
    rows, step = length * (2 * width + 1), max(1, PAIRS // len(known))
    cells = len(known) * len(new) * rows * channels
    needed = cells / CELLS_A_SECOND + rows * -(-len(new) // step) / STEPS_A_SECOND
    warps = needed < (WARPING if seconds is None else seconds)
    nearest = _by_warping(known, new, width, step) if warps else _plainly(known, new)
    targets = task.train.targets[torch.from_numpy(nearest)]
    problem = task.problem
    if problem.kind == "classification":
        answers = SURE * (targets.numpy()[:, None] == np.arange(problem.outputs))
    else:
        answers = targets.numpy().reshape(len(new), -1)
        answers = np.repeat(answers, max(1, problem.outputs // answers.shape[1]), axis=1)
    note = "by dynamic time warping" if warps else "by the plain distance"
    return _judged(name, task, answers, began, params=known.size, macs=cells // len(new), note=note)


def _by_warping(known: np.ndarray, new: np.ndarray, width: int, step: int) -> np.ndarray:
    parts = (new[start : start + step] for start in range(0, len(new), step))
    return np.concatenate([_warped(each, known, width).argmin(1) for each in parts])


def _plainly(known: np.ndarray, new: np.ndarray) -> np.ndarray:
    ours, theirs = (torch.from_numpy(each).flatten(1) for each in (new, known))
    parts = [torch.cdist(ours[start : start + PLAIN], theirs).argmin(1) for start in range(0, len(ours), PLAIN)]
    return torch.cat(parts).numpy()


def _warped(series: np.ndarray, known: np.ndarray, width: int) -> np.ndarray:
    """Distances (m, n) of series (m, channels, length) from others (n, channels, length), shifted so much at most."""
    length = series.shape[2]
    row = np.full((length + 1, len(series), len(known)), np.inf, dtype=np.float32)
    row[0] = 0
    for moment in range(length):
        after = np.full_like(row, np.inf)
        for place in range(max(0, moment - width), min(length, moment + width + 1)):
            cost = ((series[:, None, :, moment] - known[None, :, :, place]) ** 2).sum(2)
            after[place + 1] = cost + np.minimum(np.minimum(row[place], row[place + 1]), after[place])
        row = after
    return row[-1]


def _level(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel, (channels, 1)."""
    values = inputs.float()
    std = values.std(dim=(0, 2))
    return values.mean(dim=(0, 2))[:, None], torch.where(std > 0, std, 1.0)[:, None]


def _some(count: int, most: int) -> np.ndarray:
    return np.arange(count) if count <= most else np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def _judged(name: str, task: Task, answers: np.ndarray, began: float, **more: Any) -> Contender:
    """The row of the comparison; of classes there is no loss, as the answers are no probabilities."""
    outputs, tally = torch.from_numpy(answers).float(), task.problem.tally()
    task.test.tell(tally, outputs, 0, len(task.test))
    seconds = time.monotonic() - began
    found = fixed(name, task.problem, tally.figures(), seconds=seconds, outputs=outputs, **more)
    if task.problem.kind == "classification":
        return replace(found, others={name: values for name, values in found.others.items() if name != "loss"})
    return found
