"""Since when the user waits: a time limit counts from the start of the command, imports included."""

from __future__ import annotations

import os
import time
from pathlib import Path

_started: float | None = None


def start() -> None:
    """Note that this process is one command from its very start."""
    global _started
    _started = time.monotonic() - _age()


def began() -> float:
    """When the command began, in `time.monotonic()` seconds; now, where it is called from another program."""
    return time.monotonic() if _started is None else _started


def elapsed() -> float:
    """Seconds since then; 0 in another program."""
    return time.monotonic() - began()


def _age() -> float:
    """Seconds since this process was started; 0 where the system does not tell."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0
