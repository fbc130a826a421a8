"""Running out of memory, said in one way for every device."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from netwright.core.errors import OutOfMemory
from netwright.core.memory_use import is_out_of_memory
from netwright.core.task import Examples


@contextmanager
def out_of_memory_reported(
    network: nn.Module, examples: Examples, batch_size: int, device: torch.device
) -> Iterator[None]:
    """Raises OutOfMemory, with what was tried, for every form in which PyTorch says that memory ran out."""
    try:
        yield
    except (MemoryError, RuntimeError) as problem:
        if not is_out_of_memory(problem):
            raise
        # The frames of the traceback hold the tensors that filled the memory.
        traceback.clear_frames(problem.__traceback__)
        if device.type == "cuda":
            torch.cuda.empty_cache()
        raise OutOfMemory(_tried(network, examples, batch_size, device, problem)) from None


def _tried(
    network: nn.Module, examples: Examples, batch_size: int, device: torch.device, problem: BaseException
) -> str:
    parameters = sum(parameter.numel() for parameter in network.parameters())
    shape = "x".join(str(extent) for extent in examples.shape[1:])
    reason = str(problem).partition("\n")[0]
    return (
        f"no memory left on {device} for a network of {parameters:,} parameters with batches of {batch_size} examples "
        f"of {shape}; use a smaller batch_size or a smaller network ({reason})"
    )


def reset_peak_memory(device: torch.device) -> None:
    """Let `peak_on` count from here. Begins with CUDA where nothing has yet: before that there is no count."""
    if device.type == "cuda":
        torch.cuda.init()
        torch.cuda.reset_peak_memory_stats(device)
