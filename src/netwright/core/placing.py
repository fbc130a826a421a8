"""Devices by the name that tensors on them have."""

from __future__ import annotations

import torch


def placed(device: torch.device | str) -> torch.device:
    """The device with its number: "cuda" is the one that is current, cuda:0 before anything was computed there.

    A tensor never says "cuda" but "cuda:0", so that without the number it would seem to lie elsewhere, and be copied.
    """
    named = torch.device(device)
    if named != torch.device("cuda"):
        return named
    return torch.device("cuda", torch.cuda.current_device() if torch.cuda.is_initialized() else 0)
