"""What the numbers were measured on."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import torch


def hardware(device: torch.device | str) -> dict[str, Any]:
    """Device, its name, threads and versions, as JSON."""
    device = torch.device(device)
    return {
        "device": str(device),
        "name": device_name(device),
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return device.type
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
