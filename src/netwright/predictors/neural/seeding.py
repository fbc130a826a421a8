"""Randomness of networks that follows from a seed and leaves PyTorch's own generator as it was."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch

from netwright.core.errors import ConfigurationError


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Inside, PyTorch draws on the CPU from this seed; afterwards its generator goes on where it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed % 2**63)
        yield


def require_counts(owner: str, **counts: int) -> None:
    """ConfigurationError for a number below 1."""
    for name, value in counts.items():
        if value < 1:
            raise ConfigurationError(f"{owner}: {name} must be at least 1, found {value}")


def require_positive(owner: str, **numbers: float) -> None:
    """ConfigurationError for a number that is not above 0."""
    for name, value in numbers.items():
        if not value > 0:
            raise ConfigurationError(f"{owner}: {name} must be above 0, found {value}")
