"""Stages for tests of worker processes. No torch here, so that workers are up in a moment."""

from __future__ import annotations

import ctypes
import itertools
import mmap
import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal
from netwright.core.workplace import workplace

STUBBORN = (
    "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(120)"
)


class Faulty(Estimator):
    """Does to its worker what `fault` says, where the trial's seed is `when`; otherwise it tells about the worker."""

    def __init__(self, fault: str = "", note: str = "", when: int = 0) -> None:
        self.fault, self.note, self.when = fault, note, when

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        if self.fault and seed == self.when:
            getattr(self, f"_{self.fault}")()
        place = workplace()
        found = {"seed": seed, "attempt": place.attempt, "share": place.batch_share, "continued": place.continued}
        return Measurement({"pid": os.getpid(), **found})

    def _write_pid(self) -> None:
        Path(self.note).write_text(str(os.getpid()))

    def _killed(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _terminated(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def _segmentation(self) -> None:
        print("about to read address 0", flush=True)
        ctypes.string_at(0)

    def _exit(self) -> None:
        os._exit(0)

    def _holds_interpreter(self) -> None:
        """A loop in C that gives neither signals nor other threads a chance."""
        self._write_pid()
        deque(itertools.repeat(None), maxlen=0)

    def _sleeps(self) -> None:
        self._write_pid()
        time.sleep(120)

    def _pauses(self) -> None:
        time.sleep(1.5)

    def _reports_and_sleeps(self) -> None:
        for epoch in range(6):
            time.sleep(0.15)
            workplace().report({"epoch": epoch})
        self._sleeps()

    def _stopped(self) -> None:
        self._write_pid()
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(120)

    def _stubborn_child(self) -> None:
        """Starts a process that ignores SIGTERM, and another that moreover leaves the group; then waits."""
        for index in range(2):
            child = [sys.executable, "-S", "-c", STUBBORN, f"{self.note}.{index}"]
            subprocess.Popen(child, start_new_session=index == 1)
        while not all(Path(f"{self.note}.{index}").exists() for index in range(2)):
            time.sleep(0.01)
        self._sleeps()

    def _stubborn_child_then_killed(self) -> None:
        child = [sys.executable, "-S", "-c", STUBBORN, self.note]
        subprocess.Popen(child)
        while not Path(self.note).exists():
            time.sleep(0.01)
        self._killed()

    def _detached_child(self) -> None:
        """Starts a process that detaches as daemons do: no parent, a session and an environment of its own; waits."""
        child = os.fork()
        if child == 0:
            os.setsid()
            if os.fork() == 0:
                os.execve(sys.executable, [sys.executable, "-S", "-c", STUBBORN, f"{self.note}.0"], {})
            os._exit(0)
        os.waitpid(child, 0)
        while not Path(f"{self.note}.0").exists():
            time.sleep(0.01)
        self._sleeps()

    def _greedy(self) -> None:
        bytearray(2_000_000_000)

    def _greedy_shared(self) -> None:
        """Memory that a limit on private data does not see."""
        area = mmap.mmap(-1, 1000 << 20)
        for start in range(0, len(area), 1 << 20):
            area[start : start + (1 << 20)] = bytes(1 << 20)
        time.sleep(120)

    def _raises(self) -> None:
        raise ValueError("the shapes do not fit")

    def _interrupts(self) -> None:
        raise KeyboardInterrupt

    def _closes_everything(self) -> None:
        os.closerange(3, 256)

    def _forks(self) -> None:
        if os.fork() == 0:
            return
        os.wait()

    def _prints(self) -> None:
        print("first line")
        os.system("echo from a child")
        ctypes.CDLL(None).puts(b"from C")
        print("last line \N{GREEK SMALL LETTER ALPHA}", file=sys.stderr)

    def _prints_without_end(self) -> None:
        print("the beginning")
        for _ in range(160):
            sys.stdout.write("x" * 99_999 + "\n")
            sys.stdout.flush()
            time.sleep(0.01)
        print("the end")
