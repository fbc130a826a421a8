"""Memory and threads of this process, and of PyTorch where that is imported: never the cause of its import."""

from __future__ import annotations

import sys
from typing import Any

_SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory", "bad_alloc")


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether this is a MemoryError, torch.OutOfMemoryError, or the RuntimeError that PyTorch raises on the host."""
    if isinstance(problem, MemoryError):
        return True
    torch = sys.modules.get("torch")
    own = getattr(torch, "OutOfMemoryError", None)
    if own is not None and isinstance(problem, own):
        return True
    return isinstance(problem, RuntimeError) and any(sign in str(problem).lower() for sign in _SIGNS)


def release() -> None:
    """Give back what the caching allocator of the accelerator still holds."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def peak_on(device: str) -> int | None:
    """The most bytes that tensors took on a CUDA device since `reset_peak_on`; None elsewhere."""
    cuda = _cuda(device)
    return None if cuda is None else int(cuda.max_memory_allocated(device))


def reset_peak_on(device: str) -> None:
    """Let `peak_on` count from here."""
    cuda = _cuda(device)
    if cuda is not None:
        cuda.reset_peak_memory_stats(device)


def _cuda(device: str) -> Any:
    """torch.cuda, where it is in use and this is one of its devices."""
    torch = sys.modules.get("torch") if device.startswith("cuda") else None
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None


def peak_of_process() -> int | None:
    """The most bytes of main memory that this process ever held; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def threads() -> int | None:
    """How many threads PyTorch computes with on the CPU; None where it is not imported."""
    torch = sys.modules.get("torch")
    count = getattr(torch, "get_num_threads", None)
    return None if count is None else int(count())
