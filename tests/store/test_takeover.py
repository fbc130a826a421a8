"""One driver at a time: a living one keeps its project, a dead one's is free, one on another machine is asked about."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from store_parts import SPACE, record, write

from netwright.core.errors import Busy
from netwright.store import Store

DRIVER = """
import sys; from netwright.store import Store
store = Store(sys.argv[1], min_free_disk=0); print('ready', flush=True); sys.stdin.read()
"""


@contextmanager
def driver(directory: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", DRIVER, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def owned_by(directory: Path, **changes: object) -> None:
    """As if the process that drove this project had died without a word, somewhere."""
    owner = {"pid": 4711, "host": "elsewhere", "boot": "another", "since": "2026-01-02T03:04:05+00:00", "token": "0"}
    (directory / "netwright.lock").write_text(json.dumps({**owner, **changes}))


@pytest.mark.parametrize("takeover", [False, True])
def test_a_living_driver_keeps_its_project_and_a_dead_one_does_not(tmp_path: Path, takeover: bool) -> None:
    with driver(tmp_path) as process:
        for stopped in (False, True):  # one that is paused is alive too
            if stopped:
                process.send_signal(signal.SIGSTOP)
            with pytest.raises(Busy, match=rf"process {process.pid} on {socket.gethostname()} since 20") as caught:
                Store(tmp_path, takeover=takeover)
            assert caught.value.exit_code == 4
        process.kill()
        process.wait()
        assert json.loads((tmp_path / "netwright.lock").read_text())["pid"] == process.pid  # it did not sign off
        Store(tmp_path, takeover=takeover).close()
        assert (tmp_path / "netwright.lock").read_text() == ""


def test_an_owner_on_another_machine_is_not_pushed_aside_unasked(tmp_path: Path) -> None:
    Store(tmp_path).close()
    owned_by(tmp_path)
    for _ in range(2):
        with pytest.raises(Busy, match=r"process 4711 on elsewhere since 2026-01-02.*takeover=True") as caught:
            Store(tmp_path)
        assert caught.value.exit_code == 4
    with Store.open_readonly(tmp_path) as store:  # readers are always welcome
        assert store.runs() == ()
    with Store(tmp_path, takeover=True) as store:
        store.create_run("r", "s", {}, "0")
    Store(tmp_path).close()  # it signed off


@pytest.mark.parametrize("known", ["host", "boot"])
def test_an_owner_of_this_machine_that_died_is_known_to_be_dead(tmp_path: Path, known: str) -> None:
    """By name, or by the time since the machine started, which containers with names of their own share."""
    Store(tmp_path).close()
    boot = Path("/proc/sys/kernel/random/boot_id")
    if known == "boot" and not boot.exists():
        pytest.skip("this system does not say when it was started")
    owned_by(tmp_path, **({"host": socket.gethostname()} if known == "host" else {"boot": boot.read_text().strip()}))
    Store(tmp_path).close()


def test_a_lock_file_that_was_damaged_keeps_nobody_out(tmp_path: Path) -> None:
    Store(tmp_path).close()
    for content in ("{", "[]", "\0\0", '{"pid": 1}'):
        (tmp_path / "netwright.lock").write_text(content)
        Store(tmp_path).close()


def test_who_was_taken_over_writes_nothing_more(tmp_path: Path) -> None:
    """As when a paused machine wakes up while another drives its project."""
    store = Store(tmp_path)
    store.create_run("r", SPACE.id, {}, "0")
    write(store, "r", 3)
    writer = store.writer("r", lambda: 1.0)
    owned_by(tmp_path)
    writer.add(record(3))
    with pytest.raises(Busy, match=r"taken over by process 4711 on elsewhere.*writes nothing more"):
        writer.wait()
    writer.close()
    store.close()
    assert json.loads((tmp_path / "netwright.lock").read_text())["pid"] == 4711  # the other one still has it
    with Store.open_readonly(tmp_path) as reader:
        assert len(reader.read_run("r").trials) == 3
    assert os.path.getsize(tmp_path / "netwright.lock")
