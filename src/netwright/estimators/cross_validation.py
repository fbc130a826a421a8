"""A network is trained once for each fold of a cross-validation, and judged by its answers to all folds together.

What a fold has answered is kept in the trial's folder, so that a trial with more folds trains only those that are
missing, and one that was killed goes on in the fold in which it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn

from netwright.core.task import Data
from netwright.core.trial import Measurement
from netwright.core.warning import warn
from netwright.training import TrainingResult, predict
from netwright.training.checkpoint import Snapshot, newest, save

TrainFold = Callable[[Data, int, Path | None], tuple[nn.Module, TrainingResult]]
"""Trains a new network on the data of a fold, by its number from 0, with checkpoints in a folder."""


@dataclass(frozen=True, eq=False)
class Answered:
    """What one fold came to.

    metrics: of its training.
    curve: of its training.
    outputs: of its network for the examples that it held out, float32 (n, outputs, *places).
    """

    metrics: Mapping[str, float]
    curve: Sequence[Mapping[str, float]]
    outputs: Tensor


def cross_validated(
    data_of: Callable[[int], Data], count: int, folder: Path | None, identity: Mapping[str, Any], train: TrainFold
) -> Measurement:
    """Train and judge the first `count` folds, as far as their answers are not kept.

    data_of: gives the data of a fold, by its number from 0.
    count: how many folds, at least one.
    folder: where answers are kept; None for nowhere.
    identity: of the training, JSON; answers of another one are not taken.
    train: as `TrainFold` says.

    Metrics on held-out examples are of the answers to all of them at once, those of the training the mean over the
    folds; the curve is the last fold's.
    """
    found: list[Answered] = []
    tally = None
    for number in range(count):
        data, place = data_of(number), None if folder is None else folder / f"fold-{number + 1}"
        answered = _kept(place, identity, len(data.held_out), data.held_out.device)
        if answered is None:
            answered = _answers(data, *train(data, number, None if place is None else place / "training"))
            _keep(place, identity, answered)
        tally = tally or data.problem.tally()
        data.held_out.tell(tally, answered.outputs, 0, len(data.held_out))
        found.append(answered)
    assert tally is not None
    pooled = {f"val_{name}": value for name, value in tally.figures().items()}
    means = {name: fmean(each.metrics[name] for each in found) for name in found[-1].metrics if name not in pooled}
    return Measurement({**means, **pooled}, curve=found[-1].curve)


def _answers(data: Data, network: nn.Module, result: TrainingResult) -> Answered:
    """What the network that was trained says of the examples held out, in the arithmetic of its training."""
    arithmetic: dict[str, Any] = {name: getattr(result, name) for name in ("precision", "channels_last", "threads")}
    return Answered(result.metrics, result.curve, predict(network, data.held_out, data, **arithmetic))


def _kept(place: Path | None, identity: Mapping[str, Any], examples: int, device: torch.device) -> Answered | None:
    """What a fold has answered before; None where nothing was kept, or what is there is damaged or another's."""
    if place is None:
        return None
    snapshot, notes = newest(place, device)
    for note in notes:
        warn(note)
    if snapshot is None or snapshot.facts["identity"] != identity:
        return None
    outputs = snapshot.weights["outputs"].to(device)
    return Answered(snapshot.facts["metrics"], snapshot.facts["curve"], outputs) if len(outputs) == examples else None


def _keep(place: Path | None, identity: Mapping[str, Any], answered: Answered) -> None:
    """Keep what a fold answered; the checkpoints that led to it have done their work."""
    if place is None:
        return
    facts = {"identity": identity, "metrics": dict(answered.metrics), "curve": list(answered.curve)}
    try:
        save(place, Snapshot(1, {"outputs": answered.outputs}, {}, facts))
    except OSError as problem:
        warn(f"what was answered is not kept in {place}: {problem.strerror or problem}; the trial goes on without")
        return
    shutil.rmtree(place / "training", ignore_errors=True)
