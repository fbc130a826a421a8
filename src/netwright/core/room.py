"""Memory: how much there is, of the machine and of the control groups that this process is in, and who keeps it."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_MEMORY = Path("/proc/meminfo")
_LIMITS = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))  # versions 2 and 1
_RECLAIMED = ("inactive_file", "total_inactive_file")
_GLIBC_OPTIONS = {-1: 512 << 20, -3: 32 << 20}  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of mallopt(3), in bytes
_SET_BY_USERS = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"}


def memory_limit() -> int | None:
    """Bytes that this process may take at most: of the machine, or of a control group; None where that is not known."""
    return min((limit for limit, _ in _bounds()), default=None)


def memory_left() -> int | None:
    """Bytes that nobody has taken yet, or that the system gives back when asked; None where that is not known."""
    return min((max(0, limit - taken) for limit, taken in _bounds()), default=None)


def keep_freed_memory() -> bool:
    """Let the C library keep what is freed rather than give it back to the system; whether it does.

    For processes that train and belong to netwright alone. A step frees all its activations, and by glibc's defaults
    the system takes them back and hands out emptied pages for the next: 3 to 5 % of a training's time on the CPU.
    What a person has set in the environment counts.
    """
    if _SET_BY_USERS & set(os.environ) or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return False
    with contextlib.suppress(OSError, AttributeError, ValueError):
        os.confstr("CS_GNU_LIBC_VERSION")
        library = ctypes.CDLL(None)
        return all(library.mallopt(option, size) for option, size in _GLIBC_OPTIONS.items())
    return False


def gibibytes(count: int) -> str:
    """3_221_225_472 -> "3.0 GiB"; small amounts in MiB."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**29 else f"{count / 2**20:.1f} MiB"


def _bounds() -> Iterator[tuple[int, int]]:
    """Each limit that holds here, and how much of it is taken."""
    with contextlib.suppress(AttributeError, ValueError, OSError):
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        yield total, max(0, total - _available(total))
    for folder in _groups():
        for limit, taken in _LIMITS:
            with contextlib.suppress(OSError, ValueError):  # no such file, or the word "max"
                yield int((folder / limit).read_text()), _used(folder, taken)


def _available(total: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in _MEMORY.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    return total


def _used(folder: Path, name: str) -> int:
    """Bytes of a group without the pages of files that it gives back before it runs out."""
    used = int((folder / name).read_text())
    with contextlib.suppress(OSError, ValueError):
        found = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        used -= int(found.get(_RECLAIMED[1], found.get(_RECLAIMED[0], 0)))
    return max(0, used)


def _groups() -> Iterator[Path]:
    """The control groups of this process and all around them, as far as they are mounted here."""
    try:
        lines = [line.split(":", 2) for line in _OWN.read_text().splitlines()]
    except OSError:
        return
    for number, controllers, path in (line for line in lines if len(line) == 3):
        if number == "0" or "memory" in controllers.split(","):
            for top in (_CGROUPS, _CGROUPS / "memory") if number != "0" else (_CGROUPS, _CGROUPS / "unified"):
                inside = top / path.strip("/")
                yield from (each for each in (inside, *inside.parents) if each.is_relative_to(top))
