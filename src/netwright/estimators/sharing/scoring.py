"""The metrics of a candidate on the examples held out, with the shared weights as they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from netwright.core.architecture import Architecture
from netwright.estimators.sharing.weights import Weights, in_full
from netwright.training.evaluation import plain_batch
from netwright.training.fresh_statistics import take_fresh_statistics
from netwright.training.laying import Judged


def totals(
    weights: Weights, run: Callable[[Any], Any], most: int, network: nn.Module | None = None
) -> dict[str, float]:
    """val_loss and the problem's metrics, as val_accuracy, of what `run` makes of the first `most` examples.

    network: what runs there, by default the supernet.
    """
    network = weights.supernet if network is None else network
    weights.supernet.eval()  # switches off dropout; statistics are those of the batch in any mode
    tally = weights.problem.tally()
    try:
        judged = _judged(weights, min(most, len(weights.held_out)))
        stream = judged.stream(network)
        for start, stop in judged.batches():
            with weights.precision.autocast(weights.device), stream.next():
                output = run(weights.normalise(judged.examples.batch(start, stop)))
            outputs = in_full(output[0] if isinstance(output, tuple) else output)
            judged.examples.tell(tally, outputs, start, stop)
    finally:
        weights.supernet.train()
    return {f"val_{name}": value for name, value in tally.figures().items()}


def recalibrated(weights: Weights, architecture: Architecture, minibatches: int) -> nn.Module:
    """The extracted network with statistics of training minibatches (Guo et al. 2020, section 3.3)."""
    network = weights.supernet.extract(architecture)
    if weights.precision.channels_last:
        network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    take_fresh_statistics(network, (weights.training(number).inputs for number in range(minibatches)))
    return network


def _judged(weights: Weights, count: int) -> Judged:
    """The first so many examples, in batches of nearly one size, so that no last one has poor statistics."""
    size = plain_batch(weights.problem, weights.held_out.shape)
    if weights.problem.continues:
        return Judged.of(weights.problem, weights.held_out.part(0, count), size)
    parts = math.ceil(count / size)
    return Judged(weights.held_out, tuple(round(i * count / parts) for i in range(parts + 1)))
