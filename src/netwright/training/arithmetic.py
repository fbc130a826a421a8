"""How a CUDA device computes: which float32 products it rounds, and whether the same numbers come out each time.

PyTorch left to itself lets cuDNN round the factors of float32 convolutions to TF32 (10 bits behind the point, about
three times as fast from the Ampere generation on), but not those of matrix products. Here both follow one setting.

What `deterministic` promises on CUDA: cuDNN takes only algorithms that give the same bits each time, and the operations
of PyTorch that add in whatever order threads arrive (`index_add`, `scatter_add`, indexing with repeats) take their
ordered form. Some backward passes have no ordered form: max pooling in channels-last, adaptive average pooling,
interpolation. Where a network has one, two trainings with one seed may differ in the last bits, and then further.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch.utils import deterministic as _deterministic

memory: Any = _deterministic  # it declares its switch at run time only
AMPERE = 8  # the first generation (CUDA capability) with TF32 and bfloat16


def arithmetic(device: torch.device, dtype: str, *, deterministic: bool) -> Any:
    """A context in which the device computes so; other devices than CUDA compute as always.

    dtype: "float32" rounds no factors; with "tf32" and "bfloat16" what stays in float32 may be rounded to TF32.
    deterministic: as this module's head says; otherwise cuDNN tries its algorithms on each new shape and keeps the
        fastest.
    """
    return _on_cuda(dtype != "float32", deterministic) if device.type == "cuda" else nullcontext()


def has_tf32(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= AMPERE


@contextmanager
def _on_cuda(rounds: bool, deterministic: bool) -> Iterator[None]:
    """The switches are PyTorch's and hold for the whole process; afterwards they are as before."""
    with _products("tf32" if rounds else "ieee"), _cudnn(deterministic), _ordered(deterministic):
        yield


@contextmanager
def _products(form: str) -> Iterator[None]:
    switches = torch.backends.cuda.matmul, torch.backends.cudnn.conv  # pyright: ignore[reportAttributeAccessIssue]
    before = [each.fp32_precision for each in switches]
    try:
        for each in switches:
            each.fp32_precision = form
        yield
    finally:
        for each, value in zip(switches, before, strict=True):
            each.fp32_precision = value


@contextmanager
def _cudnn(deterministic: bool) -> Iterator[None]:
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = deterministic, not deterministic
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before


@contextmanager
def _ordered(wanted: bool) -> Iterator[None]:
    """What has no ordered form runs as it is, without a word at each step: the documentation says what that is."""
    if not wanted:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filled = memory.fill_uninitialized_memory
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*deterministic")
        torch.use_deterministic_algorithms(True, warn_only=True)
        memory.fill_uninitialized_memory = False  # nothing here reads what it did not write
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])
            memory.fill_uninitialized_memory = filled
