"""How much memory a search took at most."""

from __future__ import annotations

import sys

import torch


def most_memory(device: torch.device) -> float:
    """Bytes: on CUDA the most that was allocated since the search began, elsewhere the most this process ever held.

    0 where the system does not say.
    """
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)
