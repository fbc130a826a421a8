"""The energy that an NVIDIA GPU has taken, as its management library (NVML) counts it."""

from __future__ import annotations

import ctypes
from typing import Any

from netwright.core.errors import UserError

PROVIDES = ("obj.latency",)

LIBRARY = "libnvidia-ml.so.1"  # comes with the driver
MICROJOULES = 1000  # of one millijoule, in which NVML counts


def microjoules_of(device: str) -> int:
    """What the GPU has taken since its driver was loaded, in microjoules; Volta and later count it.

    device: as PyTorch calls it, "cuda" or "cuda:1".

    Raises UserError where there is no such GPU, no such library, or no such counter.
    """
    library = _library()
    _call(library, "nvmlInit_v2")
    handle, found = ctypes.c_void_p(), ctypes.c_ulonglong()
    _call(library, "nvmlDeviceGetHandleByUUID", ctypes.c_char_p(_uuid(device).encode()), ctypes.byref(handle))
    _call(library, "nvmlDeviceGetTotalEnergyConsumption", handle, ctypes.byref(found))
    return MICROJOULES * found.value


def _library() -> Any:
    try:
        return ctypes.CDLL(LIBRARY)
    except OSError as problem:
        raise UserError(
            f"energy_j is not available here: {LIBRARY}, which comes with NVIDIA's driver, cannot be loaded "
            f"({problem}); limit latency_ms or macs instead"
        ) from None


def _uuid(device: str) -> str:
    """By which NVML knows the device, whatever CUDA_VISIBLE_DEVICES leaves of the order."""
    import torch

    if not torch.cuda.is_available():
        raise UserError(f"energy_j is not available here: PyTorch sees no GPU, but {device!r} was asked for")
    return f"GPU-{torch.cuda.get_device_properties(torch.device(device)).uuid}"


def _call(library: Any, name: str, *arguments: Any) -> None:
    status = getattr(library, name)(*arguments)
    if status != 0:
        raise UserError(
            f"energy_j is not available here: {name} of {LIBRARY} ended with status {status}; GPUs before Volta count "
            "no energy, and a driver may refuse it; limit latency_ms or macs instead"
        )
