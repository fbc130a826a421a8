"""The global generators under a seed, for what draws from nothing else: initial weights, dropout, drop path."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch.random import fork_rng


@contextmanager
def seeded(seed: int, device: torch.device | str = "cpu") -> Iterator[None]:
    """Within the block the global generators start at `seed`; after it they are as before it.

    seed: a whole number, 0 or more.
    device: whose generator starts too, beside the CPU's.

    They are PyTorch's (CPU and `device`), and those of Python and NumPy, from which layers of others may draw.
    """
    device = torch.device(device)
    on_cpu = device.type == "cpu"
    own = fork_rng(devices=[]) if on_cpu else fork_rng(devices=[_index(device)], device_type=device.type)
    with own, _kept():
        seed_generators(seed, device)
        yield


def seed_generators(seed: int, device: torch.device) -> None:
    """Starts the generators of the CPU, of `device` alone, of Python and of NumPy at `seed`."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the old global generator is what is meant
    torch.default_generator.manual_seed(seed)
    if device.type != "cpu":
        module = torch.get_device_module(device)
        with module.device(_index(device)):
            module.manual_seed(seed)


@contextmanager
def _kept() -> Iterator[None]:
    """Python's and NumPy's generators are after the block as before it."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def _index(device: torch.device) -> int:
    return torch.get_device_module(device).current_device() if device.index is None else device.index
