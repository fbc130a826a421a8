"""How many threads a training computes with on CPU: a rule on the network and the batch.

Measured on 2 cores of an Intel Xeon, PyTorch 2.13, batches of 64, with threads that spin while they wait: time of a
training step with 2 threads as a share of that with 1, alternating; `work` is what the rule looks at, in millions of
multiply-adds. In the first part the machine was nearly quiet, in the second another process computed on it, as a
second trial does.

    quiet                       work    share        busy                        work    share
    Chain, 8x8 digits            5.5     0.69        multilayer perceptron, 64    0.3      3.7
    Chain, 8x8 digits            7.6     0.79        ResNet-8, 8x8 digits         4.9      7.7
    NasBench201(16, 1)            75     0.68        perceptron, 784-512-512       14      3.2
    NasBench201(16, 1)            86     0.74        ResNet-20, 16x16              29      6.9
    Chain, 28x28                 114     0.61
    Chain, 28x28                 193     0.61

So on small layers a second thread gains up to a third where nothing else runs, and costs several times the whole where
something does, because each of the many short kernels waits for the thread that was not given a core. One thread also
leaves the other cores to trials that run at the same time. From the threshold on, the gain is worth the risk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from netwright.training.settings import TrainingSettings

LARGE_WORK = 32_000_000
"""Multiply-adds of the mean layer with weights in one batch from which several threads are used."""


def choose_threads(counts: Mapping[Any, float], settings: TrainingSettings, device: torch.device) -> int:
    """Follows the settings, and the rule of this module where they say "auto": one thread, or PyTorch's number.

    counts: multiply-adds of each layer with weights for one example. Where none are known, and on other devices than
        the CPU, it is PyTorch's number.
    """
    if device.type != "cpu":
        return torch.get_num_threads()
    if settings.threads != "auto":
        return settings.threads
    small = bool(counts) and sum(counts.values()) / len(counts) * settings.batch_size < LARGE_WORK
    return 1 if small else torch.get_num_threads()


@contextmanager
def using_threads(number: int | None) -> Iterator[None]:
    """Within the block PyTorch computes with so many threads; after it with as many as before. None changes nothing."""
    before = torch.get_num_threads()
    if number is None or number == before:
        yield
        return
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
