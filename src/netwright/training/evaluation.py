"""Judging a network on examples, and predicting with it, in whole batches on the device."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

from netwright.core.alone import at_work
from netwright.core.errors import DataError
from netwright.core.kinds import kinds_checked
from netwright.core.placing import placed
from netwright.core.problem import Problem
from netwright.core.task import Data, Examples
from netwright.core.trees import mapped
from netwright.training.augmentation import Normalisation
from netwright.training.laying import Judged
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
    """The mean loss and the metrics of the problem; of classes
    `{"loss": ..., "accuracy": ..., "balanced_accuracy": ...}`: mean cross-entropy, share of correct classes, and mean
    over the classes of the share that is found of each.

    network: gives what the problem of `data` asks for, such as logits (n, classes).
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
    chosen, batch_size = (
        Precision(precision, channels_last),
        batch_size or evaluation_batch(examples, device, data.problem),
    )
    with out_of_memory_reported(network, examples, batch_size, device), using_threads(threads):
        network.to(device)
        normalise = Normalisation.of(data, device, channels_last)
        with chosen.applied(network, device):
            return measure(network, on_device(examples, device), data.problem, normalise, chosen, batch_size)
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
    """What the network gives for each example, float32 (n, outputs) or (n, outputs, *places) on the device, as logits;
    arguments and errors as for `evaluate`.

    network: gives what the problem of `data` asks for.
    examples: any split of `data`.
    data: whose mean and standard deviation normalise the inputs.
    device: to compute on, by default that of the examples.
    batch_size: by default 256, on a GPU more, as far as they fit.
    precision: of matrix products and convolutions.
    channels_last: whether images lie with their channels last.
    threads: to compute with, PyTorch's present number by default.
    """
    device = placed(device or examples.device)
    chosen, batch_size = (
        Precision(precision, channels_last),
        batch_size or evaluation_batch(examples, device, data.problem),
    )
    with out_of_memory_reported(network, examples, batch_size, device), using_threads(threads):
        network.to(device)
        normalise = Normalisation.of(data, device, channels_last)
        with chosen.applied(network, device), inference(network):
            there = on_device(examples, device)
            return _fitting(lambda size: _predicted(network, there, data.problem, normalise, chosen, size), batch_size)
    raise AssertionError


def evaluate_keeping(
    network: nn.Module, examples: Examples, data: Data, *, device: torch.device | str, threads: int, keep: int
) -> tuple[dict[str, float], Tensor]:
    """The figures that `evaluate` gives, and what the network gives for the first `keep` examples, float32 on the CPU.

    network, examples, data, device, threads: as of `evaluate`.
    keep: how many outputs are wanted; those of all examples may need much more memory than the examples.
    """
    device = placed(device)
    chosen, size = Precision("float32", False), evaluation_batch(examples, device, data.problem)
    with out_of_memory_reported(network, examples, size, device), using_threads(threads):
        network.to(device)
        normalise = Normalisation.of(data, device)
        with chosen.applied(network, device):
            there = on_device(examples, device)
            return _fitting(lambda size: _kept(network, there, data.problem, normalise, chosen, size, keep), size)
    raise AssertionError


def _kept(
    network: nn.Module,
    examples: Examples,
    problem: Problem,
    normalise: Normalisation,
    precision: Precision,
    batch_size: int,
    keep: int,
) -> tuple[dict[str, float], Tensor]:
    require_examples(examples)
    tally, judged = problem.tally(), Judged.of(problem, examples, batch_size)
    order = torch.arange(len(examples)) if judged.order is None else judged.order.cpu()
    kept: list[Tensor] = []
    with inference(network):
        for (start, stop), outputs in _outputs(network, judged, normalise, precision):
            judged.examples.tell(tally, outputs, start, stop)
            kept.append(outputs.cpu()[order[start:stop] < keep])
        figures = tally.figures()
    return figures, torch.cat(kept)[order[order < keep].argsort()].clone()


def measure(
    network: nn.Module,
    examples: Examples,
    problem: Problem,
    normalise: Normalisation,
    precision: Precision,
    batch_size: int,
) -> dict[str, float]:
    """Like `evaluate`, for a network and examples that are ready on their device. Waits for the device once."""
    return _fitting(lambda size: _measured(network, examples, problem, normalise, precision, size), batch_size)


def _fitting(run: Callable[[int], T], batch_size: int) -> T:
    """What `run` gives for this batch size; where so many do not fit into a GPU's memory after all, for 256."""
    if batch_size > EVALUATION_BATCH:
        with contextlib.suppress(torch.OutOfMemoryError):
            return run(batch_size)
        torch.cuda.empty_cache()
    return run(min(batch_size, EVALUATION_BATCH))


def plain_batch(problem: Problem | None, shape: Sequence[int]) -> int:
    """Examples at a time where more gain nothing: 256; of images with masks, whose networks keep many features of each
    pixel, as many as have 262,144 pixels, from 4 on.

    shape: of the examples, (n, channels, height, width) or another.
    """
    if problem is None or problem.void is None or len(shape) != 4:
        return EVALUATION_BATCH
    return max(4, min(EVALUATION_BATCH, EVALUATION_BATCH * 1024 // (shape[2] * shape[3])))


def evaluation_batch(examples: Examples, device: torch.device, problem: Problem | None = None) -> int:
    """Examples at a time: as many as keep the device busy, a power of 2, from 256 up to 4096."""
    if device.type != "cuda" or (problem is not None and problem.void is not None):
        return plain_batch(problem, examples.shape)
    numbers = 4 * math.prod(examples.shape[1:])
    fitting = torch.cuda.mem_get_info(device)[1] // _SHARE_OF_INPUTS // numbers
    return max(EVALUATION_BATCH, min(LARGEST_BATCH, 1 << max(0, fitting.bit_length() - 1)))


def _measured(
    network: nn.Module,
    examples: Examples,
    problem: Problem,
    normalise: Normalisation,
    precision: Precision,
    batch_size: int,
) -> dict[str, float]:
    require_examples(examples)
    tally, judged = problem.tally(), Judged.of(problem, examples, batch_size)
    with inference(network):
        for (start, stop), outputs in _outputs(network, judged, normalise, precision):
            judged.examples.tell(tally, outputs, start, stop)
        return tally.figures()


def _predicted(
    network: nn.Module,
    examples: Examples,
    problem: Problem,
    normalise: Normalisation,
    precision: Precision,
    batch_size: int,
) -> Tensor:
    require_examples(examples)
    judged = Judged.of(problem, examples, batch_size)
    return judged.put_back(torch.cat([each for _, each in _outputs(network, judged, normalise, precision)]))


def _outputs(
    network: nn.Module, judged: Judged, normalise: Normalisation, precision: Precision
) -> Iterator[tuple[tuple[int, int], Tensor]]:
    autocast, stream = precision.autocast(judged.examples.device), judged.stream(network)
    for start, stop in judged.batches():
        batch = normalise(judged.examples.batch(start, stop))
        with at_work(), autocast, stream.next():
            output = network(batch)
        yield (start, stop), output.float()


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
    trees = (examples.stored, examples.stored_targets)
    weights = None if examples.stored_weights is None else _moved(examples.stored_weights, examples.places, device)
    return Examples(*(_moved(tree, examples.places, device) for tree in trees), weights=weights)


def _moved(tree: Any, places: Tensor | None, device: torch.device) -> Any:
    """The rows at these places on another device, some at a time."""

    def moved(stored: Tensor) -> Tensor:
        count = len(stored) if places is None else len(places)
        there = torch.empty((count, *stored.shape[1:]), dtype=stored.dtype, device=device)
        rows = Examples(stored, stored, places)
        for start in range(0, count, _MOVED):
            there[start : start + _MOVED] = rows.batch(start, start + _MOVED)
        return there

    return mapped(moved, tree)
