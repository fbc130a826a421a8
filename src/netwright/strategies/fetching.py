"""Brings numbers from the device to where they can be compared, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def fetched(values: Sequence[Any]) -> list[float]:
    """0-dimensional tensors as numbers, waiting for the device once; numbers among them stay as they are."""
    import torch  # not at the top, so that strategies can be named without waiting for it

    tensors = [each for each in values if isinstance(each, torch.Tensor)]
    numbers = iter(torch.stack(tensors).tolist() if tensors else ())
    return [next(numbers) if isinstance(each, torch.Tensor) else float(each) for each in values]
