"""One worker as its driver sees it: starting it, giving it a job, hearing from it, ending it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

from netwright.core.installing import HOME
from netwright.core.trial import State
from netwright.executors.processes.channel import Channel
from netwright.executors.processes.family import TOKEN, Member, everybody, family, kill_all
from netwright.executors.processes.logs import Log
from netwright.executors.processes.parcels import Kit, Parcel
from netwright.executors.processes.placement import THREAD_VARIABLES, VISIBLE

# The package is found where the driver found it, whatever is installed beside it.
_BOOT = (
    "import sys; sys.path.append(sys.argv.pop()); from netwright.executors.processes.process_worker import main; main()"
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What every worker of an executor is started with.

    threads: of one worker.
    memory: bytes of one trial.
    """

    threads: int
    memory: int | None


class Child:
    """A worker process and the job that it has, if any.

    began, heard: when the job began and when there was the last sign of life, on the driver's monotonic clock; None
    before the job has begun. deaf: whether its end of the connection is closed. verdict: how the job's end is told
    where the driver has ended it. kill_at: when a worker that was asked to end is killed.
    """

    def __init__(self, index: int, terms: Terms, gpu: str | None, log: Log) -> None:
        self.index, self.terms, self.gpu = index, terms, gpu
        self.job: Parcel | None = None
        self.log = log
        self.given = time.monotonic()
        self.began: float | None = None
        self.heard = self.given
        self.deaf = False
        self.verdict: tuple[State, str] | None = None
        self.kill_at: float | None = None
        self.peak = 0
        self._seen: set[tuple[int, int]] = set()
        self._kit: Kit | None = None
        self._spaces: set[str] = set()
        self._modules = 0
        self._token = secrets.token_hex(16)
        self.process, self.channel = self._start()
        self.watch = _watch(self.process.pid)

    def _start(self) -> tuple[subprocess.Popen[bytes], Channel]:
        """Raises OSError where no process can be started."""
        own, other = socket.socketpair()
        try:
            try:
                output = self.log.open()
            except OSError:  # no room, or no folder any more; the trials go on without logs
                output = os.open(os.devnull, os.O_WRONLY)
            try:
                process = subprocess.Popen(  # noqa: S603  # our own interpreter and code
                    [*_interpreter(), "-c", _BOOT, str(other.fileno()), str(os.getpid()), str(HOME)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=[other.fileno()],
                    start_new_session=True,
                    env=self._environment(),
                )
            finally:
                os.close(output)
        except BaseException:
            own.close()
            raise
        finally:
            other.close()
        channel = Channel(own)
        settings = {"path": sys.path, "threads": self.terms.threads, "memory": self.terms.memory}
        channel.send(b"S", json.dumps(settings).encode())
        return process, channel

    def _environment(self) -> dict[str, str]:
        threads = dict.fromkeys(THREAD_VARIABLES, str(self.terms.threads))
        gpu = {} if self.gpu is None else {VISIBLE: self.gpu}
        return {**os.environ, **threads, **gpu, TOKEN: self._token}

    @property
    def place(self) -> str:
        gpu = f", CUDA device {self.gpu}" if self.gpu else ""
        return f"worker {self.index} (process {self.process.pid}{gpu})"

    @property
    def ending(self) -> bool:
        return self.kill_at is not None

    @property
    def free(self) -> bool:
        return self.job is None and not self.ending

    def give(self, job: Parcel, log: Log) -> None:
        """Hand it a job, with what it does not have yet of what the job needs."""
        self.job, self.log, self.began, self.peak, self.verdict = job, log, None, 0, None
        self.given = self.heard = time.monotonic()
        channel, kit = self.channel, job.kit
        channel.send(b"L", os.fsencode(log.path))
        fresh = self._kit is None or self._kit.digest != kit.digest
        if fresh:
            channel.send(b"N")
            self._spaces.clear()
            self._modules = 0
        if len(kit.modules) > self._modules:
            self._modules = len(kit.modules)
            channel.send(b"M", kit.paths)
        for digest in job.spaces - self._spaces:
            channel.send(b"P", digest.encode() + kit.spaces[digest])
        self._spaces |= job.spaces
        if fresh:
            for number, block in kit.blocks.items():
                channel.send(b"F", json.dumps([number, block.size]).encode(), block.descriptor, kit)
            channel.send(b"K", kit.placed + b"\n" + kit.body)
        self._kit = kit
        channel.send(b"J", job.body)

    def ask_to_end(self, now: float, grace: float) -> None:
        """SIGTERM to its group; also to a stopped one, which goes on to receive it."""
        self.members()
        self.kill_at = now + grace
        for number in (signal.SIGTERM, signal.SIGCONT):
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """SIGKILL to its group and to whatever else it has started."""
        kill_all(self.process.pid, self._token, self._seen)

    def members(self, processes: list[Member] | None = None) -> list[Member]:
        """It and all that it has started, which are remembered: when it ends, they cannot be told from others."""
        found = family(self.process.pid, everybody() if processes is None else processes)
        self._seen = {each.identity for each in found}
        return found

    def status(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs.

        Its group is killed before it is reaped, since until then nobody else can have its number.
        """
        if self.process.returncode is None:
            if self._runs():
                return None
            self.kill()
        return self.process.poll()

    def _runs(self) -> bool:
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self.process.poll() is None
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def close(self) -> None:
        """Give back what the driver holds for it."""
        self.channel.close()
        if self.watch is not None:
            os.close(self.watch)
            self.watch = None


def _interpreter() -> list[str]:
    """This interpreter, with the options that change what code does, and nothing of the folder it is started in."""
    flags = [f"-W{option}" for option in sys.warnoptions]
    flags += [f"-X{name}" if value is True else f"-X{name}={value}" for name, value in sys._xoptions.items()]
    return [sys.executable, "-P", *flags, *(["-" + "O" * sys.flags.optimize] if sys.flags.optimize else [])]


def _watch(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None where the system has none."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
