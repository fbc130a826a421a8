"""The metrics of a candidate on the examples held out, with the shared weights as they are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from netwright.core.architecture import Architecture
from netwright.estimators.sharing.weights import Weights, in_full
from netwright.training.evaluation import EVALUATION_BATCH


def totals(weights: Weights, run: Callable[[Tensor], Any], most: int) -> dict[str, float]:
    """val_loss and the problem's metrics, as val_accuracy, of what `run` makes of the first `most` examples."""
    weights.supernet.eval()  # switches off dropout; statistics are those of the batch in any mode
    tally = weights.problem.tally()
    try:
        for start, stop in _even_batches(min(most, len(weights.held_out))):
            with weights.precision.autocast(weights.device):
                output = run(weights.normalise(weights.held_out.batch(start, stop)))
            outputs = in_full(output[0] if isinstance(output, tuple) else output)
            tally.add(outputs, weights.held_out.batch_targets(start, stop))
    finally:
        weights.supernet.train()
    return {f"val_{name}": value for name, value in tally.figures().items()}


def recalibrated(weights: Weights, architecture: Architecture, minibatches: int) -> nn.Module:
    """The extracted network with statistics of training minibatches (Guo et al. 2020, section 3.3)."""
    network = weights.supernet.extract(architecture)
    if weights.precision.channels_last:
        network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    network.eval()
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.train()
            module.reset_running_stats()
            module.momentum = None  # the plain mean over the minibatches
    for number in range(minibatches):
        network(weights.training(number)[0])
    return network.eval()


def _even_batches(count: int) -> Iterator[tuple[int, int]]:
    """Start and stop of batches of nearly one size, so that no last one has poor statistics."""
    parts = math.ceil(count / EVALUATION_BATCH)
    bounds = [round(i * count / parts) for i in range(parts + 1)]
    return itertools.pairwise(bounds)
