"""Judging a network on examples, and predicting with it, in whole batches on the device."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netwright.core.errors import DataError
from netwright.core.kinds import kinds_checked
from netwright.core.placing import placed
from netwright.core.task import Data, Examples
from netwright.training.augmentation import Normalisation
from netwright.training.out_of_memory import out_of_memory_reported
from netwright.training.precision import Precision
from netwright.training.threads import using_threads

T = TypeVar("T")

EVALUATION_BATCH = 256
"""Examples at a time on a CPU, where more gain nothing, and wherever the result depends on the batch."""
LARGEST_BATCH = 4096
_SHARE_OF_INPUTS = 512
"""The device's memory over that of a batch's input; the widest two layers of a network are far below it."""
_MOVED = 4096  # examples at a time from one device to another


@kinds_checked
def evaluate(
    network: nn.Module,
    examples: Examples,
    data: Data,
    *,
    device: torch.device | str | None = None,
    batch_size: int | None = None,
    precision: Literal["float32", "tf32", "bfloat16"] = "float32",
    channels_last: bool = False,
    threads: int | None = None,
) -> dict[str, float]:
    """Mean cross-entropy, share of correct classes, and mean over the classes of the share that is found of each:
    `{"loss": ..., "accuracy": ..., "balanced_accuracy": ...}`.

    network: gives logits (n, classes).
    examples: any split of `data`, whose mean and standard deviation normalise it. The network is moved to `device` (the
        examples' own by default) and keeps its mode.
    data: whose mean and standard deviation normalise the inputs.
    device: to compute on, by default that of the examples.
    batch_size: by default 256, on a GPU more, as far as they fit.
    precision: of matrix products and convolutions.
    channels_last: whether images lie with their channels last.
    threads: to compute with, PyTorch's present number by default; the number of a training (`TrainingResult.threads`)
        gives its last bits.

    Raises DataError for no examples, OutOfMemory.
    """
    device = placed(device or examples.device)
    chosen, batch_size = Precision(precision, channels_last), batch_size or evaluation_batch(examples, device)
    with out_of_memory_reported(network, examples, batch_size, device), using_threads(threads):
        network.to(device)
        normalise = Normalisation.of(data, device, channels_last)
        with chosen.applied(network, device):
            return measure(network, on_device(examples, device), normalise, chosen, batch_size)
    raise AssertionError


@kinds_checked
def predict(
    network: nn.Module,
    examples: Examples,
    data: Data,
    *,
    device: torch.device | str | None = None,
    batch_size: int | None = None,
    precision: Literal["float32", "tf32", "bfloat16"] = "float32",
    channels_last: bool = False,
    threads: int | None = None,
) -> Tensor:
    """Logits, float32 (n, classes) on the device; arguments and errors as for `evaluate`.

    network: gives logits (n, classes).
    examples: any split of `data`.
    data: whose mean and standard deviation normalise the inputs.
    device: to compute on, by default that of the examples.
    batch_size: by default 256, on a GPU more, as far as they fit.
    precision: of matrix products and convolutions.
    channels_last: whether images lie with their channels last.
    threads: to compute with, PyTorch's present number by default.
    """
    device = placed(device or examples.device)
    chosen, batch_size = Precision(precision, channels_last), batch_size or evaluation_batch(examples, device)
    with out_of_memory_reported(network, examples, batch_size, device), using_threads(threads):
        network.to(device)
        normalise = Normalisation.of(data, device, channels_last)
        with chosen.applied(network, device), inference(network):
            there = on_device(examples, device)
            return _fitting(lambda size: torch.cat([*_logits(network, there, normalise, chosen, size)]), batch_size)
    raise AssertionError


def measure(
    network: nn.Module, examples: Examples, normalise: Normalisation, precision: Precision, batch_size: int
) -> dict[str, float]:
    """Like `evaluate`, for a network and examples that are ready on their device. Waits for the device once."""
    return _fitting(lambda size: _measured(network, examples, normalise, precision, size), batch_size)


def _fitting(run: Callable[[int], T], batch_size: int) -> T:
    """What `run` gives for this batch size; where so many do not fit into a GPU's memory after all, for 256."""
    if batch_size > EVALUATION_BATCH:
        with contextlib.suppress(torch.OutOfMemoryError):
            return run(batch_size)
        torch.cuda.empty_cache()
    return run(min(batch_size, EVALUATION_BATCH))


def evaluation_batch(examples: Examples, device: torch.device) -> int:
    """Examples at a time: as many as keep the device busy, a power of 2, from 256 up to 4096."""
    if device.type != "cuda":
        return EVALUATION_BATCH
    numbers = 4 * math.prod(examples.shape[1:])
    fitting = torch.cuda.mem_get_info(device)[1] // _SHARE_OF_INPUTS // numbers
    return max(EVALUATION_BATCH, min(LARGEST_BATCH, 1 << max(0, fitting.bit_length() - 1)))


def _measured(
    network: nn.Module, examples: Examples, normalise: Normalisation, precision: Precision, batch_size: int
) -> dict[str, float]:
    start, classes, every = 0, 1, examples.labels
    losses: list[Tensor] = []
    hits: list[Tensor] = []
    with inference(network):
        for logits in _logits(network, examples, normalise, precision, batch_size):
            labels = every[start : start + len(logits)]
            losses.append(F.cross_entropy(logits, labels, reduction="sum"))
            hits.append(logits.argmax(1) == labels)
            start, classes = start + len(logits), logits.shape[1]
        found = torch.cat(hits).double()
        summed = [torch.stack(losses).double().sum(), found.sum(), _recall(found, every, classes)]
        total, right, recall = torch.stack(summed).tolist()
    return {"loss": total / start, "accuracy": right / start, "balanced_accuracy": recall}


def _recall(hits: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The mean, over the classes that occur, of the share of each class's examples that are right. hits: 0 or 1."""
    right, counts = hits.new_zeros(2, classes)
    counts.index_add_(0, labels, torch.ones_like(hits))
    right.index_add_(0, labels, hits)
    return (right / counts.clamp(min=1)).sum() / (counts > 0).sum()


def _logits(
    network: nn.Module, examples: Examples, normalise: Normalisation, precision: Precision, batch_size: int
) -> Iterator[Tensor]:
    require_examples(examples)
    autocast = precision.autocast(examples.device)
    for start in range(0, len(examples), batch_size):
        batch = normalise(examples.batch(start, start + batch_size))
        with autocast:
            output = network(batch)
        yield output.float()


def require_examples(examples: Examples) -> None:
    """Raises DataError when there is nothing to judge a network by."""
    if not len(examples):
        raise DataError("there are no examples to judge the network by; give the held-out split at least one")


@contextmanager
def inference(network: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards the network is in the mode it was in."""
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        network.train(was_training)


def on_device(examples: Examples, device: torch.device) -> Examples:
    """The examples on `device`; the same tensors where they already lie there, and there alone what is chosen."""
    if examples.device == device:
        return examples
    inputs = torch.empty(examples.shape, dtype=examples.stored.dtype, device=device)
    for start in range(0, len(examples), _MOVED):
        inputs[start : start + _MOVED] = examples.batch(start, start + _MOVED)
    return Examples(inputs, examples.labels.to(device))
