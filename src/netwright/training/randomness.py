"""PyTorch's own generators under a seed, for what draws from nothing else: initial weights, dropout, drop path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: torch.device | str = "cpu") -> Iterator[None]:
    """Within the block PyTorch's generators (CPU and `device`) start at `seed`; after it they are as before it."""
    device = torch.device(device)
    if device.type == "cpu":
        with torch.random.fork_rng(devices=[]):
            seed_generators(seed, device)
            yield
        return
    index = _index(device)
    with torch.random.fork_rng(devices=[index], device_type=device.type):
        seed_generators(seed, device)
        yield


def seed_generators(seed: int, device: torch.device) -> None:
    """Starts the CPU's generator, and that of `device` alone, at `seed`."""
    torch.default_generator.manual_seed(seed)
    if device.type != "cpu":
        module = torch.get_device_module(device)
        with module.device(_index(device)):
            module.manual_seed(seed)


def _index(device: torch.device) -> int:
    return torch.get_device_module(device).current_device() if device.index is None else device.index
