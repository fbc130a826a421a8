"""Which exceptions mean that the device has no room, as PyTorch says it on each kind of device."""

from __future__ import annotations

import sys

_SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")


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
