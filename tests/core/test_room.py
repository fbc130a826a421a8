"""The memory that there is, by the machine and by its control groups of both versions."""

from __future__ import annotations

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
