"""The machine on which times are measured: its name, and how networks run on it."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class Place:
    """Where and how networks answer when their time is measured.

    runtime: "torch", "compile" or "onnxruntime".
    threads: that compute on the CPU.
    batch: examples in one answer.
    device: as PyTorch calls it.
    """

    runtime: str = "torch"
    threads: int = 1
    batch: int = 1
    device: str = "cpu"

    @property
    def one_thread(self) -> bool:
        """Whether all is computed in the thread that asks."""
        return self.threads == 1 and self.device == "cpu"

    def described(self) -> dict[str, Any]:
        """As JSON: the machine's name, runtime with its version, threads, batch and device."""
        return {"machine": machine_name(self.device), **asdict(self), "version": version(self.runtime)}

    def __str__(self) -> str:
        threads = "one thread" if self.threads == 1 else f"{self.threads} threads"
        batch = "" if self.batch == 1 else f", batches of {self.batch}"
        where = threads if self.device == "cpu" else self.device
        return f"{WORDS[self.runtime]}, {where}{batch}"

    @property
    def key(self) -> str:
        """What tells one place from another, for the name of a file."""
        return hashlib.sha256(json.dumps(self.described(), sort_keys=True).encode()).hexdigest()[:16]


WORDS = {"torch": "PyTorch", "compile": "torch.compile", "onnxruntime": "ONNX Runtime"}


def version(runtime: str) -> str:
    """The runtime's version."""
    if runtime == "onnxruntime":
        import onnxruntime

        return str(onnxruntime.__version__)
    return str(torch.__version__)


def machine_name(device: str = "cpu") -> str:
    """The model of the processor, or of the accelerator, and the machine's own name."""
    if device.startswith("cuda"):
        return f"{torch.cuda.get_device_name(device)} on {platform.node()}"
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or platform.machine()} on {platform.node()}"
