"""Devices by their names: the one to train on, and the name that tensors on it have."""

from __future__ import annotations

import torch

from netwright.core.errors import ConfigurationError


def placed(device: torch.device | str) -> torch.device:
    """The device with its number: "cuda" is the one that is current, cuda:0 before anything was computed there.

    A tensor never says "cuda" but "cuda:0", so that without the number it would seem to lie elsewhere, and be copied.
    """
    named = torch.device(device)
    if named != torch.device("cuda"):
        return named
    return torch.device("cuda", torch.cuda.current_device() if torch.cuda.is_initialized() else 0)


def chosen_device(name: str) -> torch.device:
    """The device of this name, with its number; "auto" is the first CUDA device where there is one, otherwise the CPU.

    Raises ConfigurationError for a device of another kind than these, and for a CUDA device that is not there.
    """
    if name == "auto":
        return placed("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise ConfigurationError(f"there is no device {name!r} to train on; expected auto, cpu, cuda or cuda:0")
    if device.type == "cuda" and (device.index or 0) >= (found := torch.cuda.device_count()):
        there = f"PyTorch finds {found} CUDA device{'s' * (found != 1)} here"
        raise ConfigurationError(f"device {name!r} is not there: {there}; use device 'auto' or 'cpu'")
    return placed(device)
