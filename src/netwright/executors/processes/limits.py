"""How much memory a worker process takes during a trial, and the limit that the kernel keeps for it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


class Memory:
    """The memory of this process.

    limit: bytes, None for none.

    With a limit, the kernel refuses what the trial allocates beyond it (RLIMIT_DATA counts private memory that can be
    written, whether touched or not), so that one request that is too large fails at once, as an exception. What comes
    about otherwise, in child processes or shared memory, the driver watches. A process that computes on CUDA is only
    watched, because CUDA reserves far more addresses than memory. The data of a search, which all workers share, is no
    part of what a trial takes.
    """

    def __init__(self, limit: int | None) -> None:
        self.limit = limit

    @contextlib.contextmanager
    def limited(self) -> Generator[None]:
        """Within, the limit holds, and `peak` counts from here."""
        with contextlib.suppress(OSError):
            _CLEAR.write_text("5")
        if self.limit is None or not sys.platform.startswith("linux") or _on_cuda():
            yield
            return
        import resource

        before = resource.getrlimit(resource.RLIMIT_DATA)
        now = _figures()
        allowed = max(now.get("VmData", 0), self.limit - _own(now, "VmRSS") + now.get("VmData", 0))
        if before[1] != resource.RLIM_INFINITY:
            allowed = min(allowed, before[1])
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, before)

    def peak(self) -> int | None:
        """The most bytes that this process has held since `limited` was entered; None where that is not known."""
        figures = _figures()
        return _own(figures, "VmHWM") if "VmHWM" in figures else None

    def explained(self, reason: str) -> str:
        """The reason of a trial that ran out of memory, with the limit that it may have met."""
        return reason if self.limit is None else f"{reason} (limit of a trial: {readable(self.limit)})"


def readable(count: int) -> str:
    """1_500_000_000 -> "1.5 GB"."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def _on_cuda() -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and torch.cuda.is_available()


def _own(figures: dict[str, int], name: str) -> int:
    """One of the figures without the pages of shared memory, among them the data of a search."""
    return max(0, figures.get(name, 0) - figures.get("RssShmem", 0))


def _figures() -> dict[str, int]:
    """VmHWM, VmRSS, RssShmem, VmData, in bytes; nothing where there is no /proc."""
    found: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in _STATUS.read_bytes().splitlines():
            if line.startswith((b"VmHWM", b"VmRSS", b"RssShmem", b"VmData")):
                name, number = line.split()[:2]
                found[name[:-1].decode()] = int(number) * 1024
    return found
