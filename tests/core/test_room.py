"""The memory that there is, by the machine and by its control groups of both versions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netwright.core import room

GIB = 2**30


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes files of control groups, and which of them this process is in."""
    monkeypatch.setattr(room, "_CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(room, "_OWN", tmp_path / "own")
    monkeypatch.setattr(room, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr("os.sysconf", lambda name: 4096 if name == "SC_PAGE_SIZE" else 64 * GIB // 4096)
    (tmp_path / "meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {32 * GIB // 1024} kB\n")

    def write(own: str, **files: object) -> None:
        (tmp_path / "own").write_text(own)
        for name, content in files.items():
            place = tmp_path / "groups" / name.replace("__", "/").replace("_DOT_", ".")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"{content}\n")

    return write


def test_without_groups_the_machine_tells(groups):
    assert (room.memory_limit(), room.memory_left()) == (64 * GIB, 32 * GIB)
    groups("0::/\n")
    assert (room.memory_limit(), room.memory_left()) == (64 * GIB, 32 * GIB)


def test_the_smallest_limit_around_the_process_holds(groups):
    files = {"a__memory_DOT_max": 8 * GIB, "a__memory_DOT_current": 7 * GIB, "a__b__memory_DOT_max": "max"}
    groups("0::/a/b\n", **files, a__b__memory_DOT_current=6 * GIB)
    assert (room.memory_limit(), room.memory_left()) == (8 * GIB, GIB)
    groups("0::/a/b\n", a__memory_DOT_stat=f"anon 5\ninactive_file {3 * GIB}")
    assert room.memory_left() == 4 * GIB  # files are dropped before memory runs out


def test_a_container_sees_its_own_group_at_the_top(groups):
    groups("0::/somewhere/that/is/not/mounted\n", memory_DOT_max=2 * GIB, memory_DOT_current=GIB)
    assert (room.memory_limit(), room.memory_left()) == (2 * GIB, GIB)


def test_groups_of_version_1(groups):
    limit, usage = "memory__job__memory_DOT_limit_in_bytes", "memory__job__memory_DOT_usage_in_bytes"
    groups("9:name=systemd:/\n4:memory:/job\n0::/\n", **{limit: 3 * GIB, usage: GIB})
    assert (room.memory_limit(), room.memory_left()) == (3 * GIB, 2 * GIB)
    groups("5:cpu,memory:/job\n", **{limit: 2**63 - 4096})  # its word for no limit
    assert (room.memory_limit(), room.memory_left()) == (64 * GIB, 32 * GIB)


def test_amounts_are_readable():
    assert [room.gibibytes(count) for count in (3 * GIB, 5 * 2**20)] == ["3.0 GiB", "5.0 MiB"]


FAULTS = """
import ctypes, resource, sys
from netwright.core.room import keep_freed_memory
kept = sys.argv[1] == "keep" and keep_freed_memory()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
def take():
    blocks = [library.malloc(6 << 20) for _ in range(8)]
    for block in blocks:
        ctypes.memset(ctypes.c_void_p(block), 1, 6 << 20)
    for block in blocks:
        library.free(ctypes.c_void_p(block))
take(), take()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    take()
print(int(kept), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str, **environment: str) -> tuple[int, int]:
    """Whether freed memory is kept, and how often the system hands out a page while the same is taken 20 times."""
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True, env=os.environ | environment
    )
    kept, count = done.stdout.split()
    return int(kept), int(count)


def test_freed_memory_is_kept_for_the_next_step_unless_the_person_has_decided() -> None:
    kept, count = faults("keep")
    if not kept:
        pytest.skip("this C library has no such options")
    assert 5 * count < faults("leave")[1]
    assert faults("keep", MALLOC_TRIM_THRESHOLD_="131072")[0] == 0
    assert faults("keep", GLIBC_TUNABLES="glibc.malloc.trim_threshold=131072")[0] == 0
    assert faults("keep", MALLOC_ARENA_MAX="4")[0] == 1
