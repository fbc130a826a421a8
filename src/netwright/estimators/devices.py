"""What cannot fit on a device."""

from __future__ import annotations

import torch

from netwright.core.errors import OutOfMemory
from netwright.core.room import memory_limit

GIBIBYTE = 2**30
BYTES = 4  # of a float32 number


def refuse_what_cannot_fit(params: int, activation_memory: int, batch_size: int, device: torch.device) -> None:
    """Raise OutOfMemory where training surely needs more than the device has in all, before anything is allocated.

    params: numbers of the network.
    activation_memory: bytes for one example, as `Count` says. Weights, their gradients and one number of the
        optimiser's for each are held in float32; of the activations a third is taken as the least, because the outputs
        before a normalisation need not be held and bfloat16 takes half.
    """
    total = total_memory(device)
    weights, activations = 3 * BYTES * params, activation_memory * batch_size // 3
    if total is not None and weights + activations > total:
        raise OutOfMemory(
            f"a network of {params:,} parameters needs at least {weights / GIBIBYTE:,.1f} GiB for weights and "
            f"{activations / GIBIBYTE:,.1f} GiB for activations of {batch_size} examples, but {device} has "
            f"{total / GIBIBYTE:,.1f} GiB; use a smaller network or batch_size, or limit the parameters"
        )


def total_memory(device: torch.device) -> int | None:
    """Bytes of memory that a device has in all; None where that is not known."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[1]
    return memory_limit() if device.type == "cpu" else None
