"""The parts of worker processes that need none to be run: messages, cores, GPUs, statuses, logs."""

from __future__ import annotations

import mmap
import os
import random
import signal
import socket
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from netwright.core.errors import UserError
from netwright.executors.processes import channel, family, limits, placement
from netwright.executors.processes.endings import ending
from netwright.executors.processes.logs import HEAD, LARGEST, TAIL, Log
from netwright.executors.processes.placement import Gpus


def test_messages_of_all_sizes_arrive_whole_and_in_order() -> None:
    """The driver's end never waits, also where the other one reads slowly."""
    random_bytes = random.Random(0).randbytes
    sent = [random_bytes(size) for size in (0, 1, 7, 8, 9, 70_000, 3_000_000, 0, 5)]
    own, other = socket.socketpair()
    with own, other:
        driver, got = channel.Channel(own), []
        for body in sent:
            driver.send(b"K", body)
        driver.flush()
        assert driver.pending  # more than a socket holds, and nobody has read

        def echo() -> None:
            for _ in sent:
                message = channel.read(other)
                channel.write(other, message[:1], message[1:])

        worker = threading.Thread(target=echo)
        worker.start()
        still_open = True
        while len(got) < len(sent):
            driver.flush()
            messages, still_open = driver.receive()
            got += messages
        worker.join()
        assert still_open and got == [b"K" + body for body in sent] and not driver.pending
        other.close()
        assert driver.receive() == ([], False)
        own, other = socket.socketpair()
        with own, other:
            own.close()
            with pytest.raises(EOFError):
                channel.read(other)


@pytest.mark.parametrize(
    ("status", "begun", "memory_gone", "state", "reason"),
    [
        (0, True, False, "error", "the worker ended with exit code 0"),
        (3, False, False, "error", "the worker ended with exit code 3 before the trial began"),
        (-signal.SIGSEGV, True, True, "error", "the worker died of SIGSEGV"),
        (-signal.SIGABRT, True, False, "error", "the worker died of SIGABRT"),
        (-signal.SIGKILL, True, False, "lost", "the worker was killed from outside by SIGKILL"),
        (-signal.SIGHUP, True, True, "lost", "the worker was killed from outside by SIGHUP"),
        (
            -signal.SIGKILL,
            True,
            True,
            "out_of_memory",
            "the kernel killed the worker because the machine had no memory",
        ),
    ],
)
def test_who_is_to_blame_for_the_death_of_a_worker(status, begun, memory_gone, state, reason) -> None:
    found = ending(status, begun=begun, memory_gone=memory_gone)
    assert found[0] == state and found[1].startswith(reason)


def test_cores_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert [placement.threads_each(workers) for workers in (1, 2, 3, 8, 20)] == [8, 4, 2, 1, 1]
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert [placement.threads_each(workers) for workers in (1, 2, 3, 8)] == [3, 3, 2, 1]


def test_no_more_cores_than_this_process_may_use() -> None:
    own = sorted(os.sched_getaffinity(0))
    try:
        os.sched_setaffinity(0, own[:1])
        assert placement.cores() == 1
    finally:
        os.sched_setaffinity(0, own)


def test_gpus_are_shared_out_by_fractions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(placement.VISIBLE, "4, GPU-ab12,6")

    def shares(each: float, workers: int) -> list[str | None]:
        return [Gpus(each, workers).of(worker) for worker in range(workers)]

    assert shares(1, 3) == ["4", "GPU-ab12", "6"]
    assert shares(0.5, 5) == ["4", "4", "GPU-ab12", "GPU-ab12", "6"]
    assert shares(1 / 3, 4) == ["4", "4", "4", "GPU-ab12"] and shares(0.4, 3) == ["4", "4", "GPU-ab12"]
    assert shares(2, 1) == ["4,GPU-ab12"] and shares(0, 2) == ["", ""]
    monkeypatch.setenv(placement.VISIBLE, "")
    assert shares(1, 2) == [None, None]


def test_workers_that_do_not_fit_on_the_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(placement.VISIBLE, "0,1")
    on_cuda = SimpleNamespace(device="cuda:0", arguments={"device": "auto"})
    Gpus(1, 2).require([on_cuda])
    Gpus(1, 8).require([SimpleNamespace(device="cpu")])
    with pytest.raises(UserError, match=r"7 workers with 1 GPU each do not fit on 2 GPUs, .*gpus_per_trial=0.25"):
        Gpus(1, 7).require([on_cuda])
    Gpus(0.25, 7).require([on_cuda])
    with pytest.raises(UserError, match="gpus_per_trial is 0"):
        Gpus(0, 2).require([on_cuda])
    second = SimpleNamespace(device="cuda:1", arguments={"device": "cuda:1"})
    with pytest.raises(UserError, match="asks for cuda:1"):
        Gpus(1, 2).require([second])


def test_a_log_is_cut_in_the_middle_while_it_is_written(tmp_path: Path) -> None:
    log = Log(tmp_path, 7, 2)
    with open(log.open(), "wb") as writer:
        writer.write(b"a" * 20 + b"b" * (LARGEST - 20))
        writer.flush()
        assert log.look() == LARGEST and log.look() == 0
        writer.write(b"c" * 100)
        writer.flush()
        assert log.look() < 0 or log.size < HEAD + TAIL + 1000
        writer.write(b"the end")
    content = log.path.read_bytes()
    assert content.startswith(b"a" * 20) and content.endswith(b"c" * 100 + b"the end")
    assert log.end().endswith("the end") and len(log.end()) == 10_000


def test_an_empty_log_leaves_no_file(tmp_path: Path) -> None:
    log = Log(tmp_path, 7, 2)
    os.close(log.open())
    assert log.end() == "" and not log.path.exists()


@pytest.mark.skipif(not family.AVAILABLE, reason="needs /proc")
def test_a_family_is_the_session_and_all_descendants() -> None:
    process = family.Member
    everybody = [
        *(process(1, 0, 1, 1, 0), process(10, 1, 10, 10, 0), process(11, 10, 10, 10, 0)),
        *(process(12, 1, 12, 10, 0), process(13, 11, 13, 13, 0), process(14, 13, 14, 14, 0), process(20, 1, 20, 20, 0)),
    ]
    assert [each.pid for each in family.family(10, everybody)] == [10, 11, 12, 13, 14]
    own = next(each for each in family.everybody() if each.pid == os.getpid())
    assert own.parent == os.getppid() and own.group == os.getpgrp() and own.session == os.getsid(0)
    assert 1e6 < family.proportional([own]) <= 1.5 * own.resident


@pytest.mark.skipif(not family.AVAILABLE, reason="needs /proc")
def test_the_peak_of_memory_is_that_of_the_block() -> None:
    memory = limits.Memory(None)
    with memory.limited():
        low = memory.peak() or 0
    with memory.limited():
        # Not by the allocator, which may have as much at hand that was freed before.
        area = mmap.mmap(-1, 50_000_000, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        area[::1024] = bytes(len(range(0, 50_000_000, 1024)))
        assert (memory.peak() or 0) > low + 40_000_000
    area.close()
    with memory.limited():
        assert (memory.peak() or 0) < low + 40_000_000


def test_sizes_are_readable() -> None:
    assert [limits.readable(count) for count in (12, 4_000, 400_000_000, 4_294_967_296)] == [
        *("12 bytes", "4 kB", "400 MB", "4.29 GB")
    ]
