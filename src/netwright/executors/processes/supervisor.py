"""The thread of the driver that starts workers, gives them jobs, keeps their limits and tells how jobs ended.

Everything about the workers belongs to this one thread; others reach it through a queue and learn of outcomes through
another. It sleeps until a worker says something or ends, a limit is due, or somebody calls. Threads that start
processes must live as long as these (Linux ends children with the thread that started them, where they ask for it),
which is the other reason for it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from netwright.core.executor import Outcome
from netwright.core.trial import State
from netwright.executors.job import failure
from netwright.executors.processes import family, warden
from netwright.executors.processes.child import Child, Terms
from netwright.executors.processes.endings import ending
from netwright.executors.processes.limits import readable
from netwright.executors.processes.logs import Log
from netwright.executors.processes.parcels import Parcel, unpacked
from netwright.executors.processes.placement import Gpus

LONGEST_START = 600.0  # seconds for a worker to start and load what the search's trials share
GRACE_OF_CLOSING = 5.0
TO_END_BY_ITSELF = 1.0  # seconds for a worker that is no longer connected
LOOKS_AT_LOGS = 1.0  # seconds between two, while something runs
LOOKS_AT_FAST_LOGS = 0.1  # where one grows quickly
FAST = 1_000_000  # bytes between two looks
LOOKS_AT_MEMORY = 0.2
LOOKS_AT_ENDS = 0.2  # where the system has no descriptor that tells of a process's end
SHARE_OF_LOOKING = 0.02  # of the time, at most, that may be spent on the memory of others


@dataclass(frozen=True, slots=True)
class Rules:
    """slots: workers at once. Limits in seconds; None for none.
    grace: from SIGTERM to SIGKILL.
    """

    slots: int
    trial_timeout: float | None
    stall_timeout: float | None
    grace: float
    logs: Path | None


class Supervisor(threading.Thread):
    """Started with the first job. `outcomes` holds outcomes, an exception where this thread failed, None at its end."""

    def __init__(self, rules: Rules, terms: Terms, gpus: Gpus) -> None:
        super().__init__(name="netwright-processes", daemon=True)
        self.outcomes: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()
        self._rules, self._terms, self._gpus = rules, terms, gpus
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._rope.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._jobs: deque[Parcel] = deque()
        self._children: list[Child] = []
        self._warden: subprocess.Popen[bytes] | None = None
        self._told: socket.socket | None = None
        self._closing = False
        self._next_look = 0.0
        self._killed_for_memory = (family.killed_for_memory(),) * 2  # at the last two looks
        self._look_every = LOOKS_AT_LOGS
        self._temporary = Path(tempfile.mkdtemp(prefix="netwright-logs-")) if rules.logs is None else None
        logs = rules.logs or self._temporary
        assert logs is not None
        self._logs = logs

    # For other threads.

    def submit(self, job: Parcel) -> None:
        self._call(lambda: self._jobs.append(job))

    def cancel(self, number: int) -> None:
        self._call(lambda: self._cancel(number))

    def resize(self, rules: Rules, terms: Terms, gpus: Gpus) -> None:
        """Go by these rules from now on; a worker that does not fit them ends with the job that it has."""
        self._call(lambda: self._go_by(rules, terms, gpus))

    def close(self) -> None:
        """End all workers and this thread; jobs under way have no outcome."""
        self._call(self._close)

    def _call(self, action: Callable[[], None]) -> None:
        self._calls.put(action)
        with contextlib.suppress(OSError):  # a full buffer rings as well; a closed one has nobody to wake
            self._rope.send(b"!")

    # The thread.

    def run(self) -> None:
        try:
            self._selector.register(self._bell, selectors.EVENT_READ, self._answer)
            while not self._closing or self._children:
                for key, _ in self._selector.select(self._until_due()):
                    key.data()
                self._look()
                self._give_out()
        except BaseException as problem:
            self.outcomes.put(problem)
        finally:
            self._leave()
            self.outcomes.put(None)

    def _leave(self) -> None:
        for child in self._children:
            child.kill()
            child.process.wait()
            child.close()
        if self._told is not None:
            self._told.close()
        if self._warden is not None:
            self._warden.wait()
        self._selector.close()
        self._bell.close()
        self._rope.close()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _answer(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._bell.recv(4096)
        with contextlib.suppress(queue.Empty):
            while True:
                self._calls.get_nowait()()

    def _close(self) -> None:
        self._closing = True
        self._jobs.clear()
        now = time.monotonic()
        for child in self._children:
            child.job = None
            if not child.ending:
                child.ask_to_end(now, min(self._rules.grace, GRACE_OF_CLOSING))

    def _cancel(self, number: int) -> None:
        for job in self._jobs:
            if job.number == number:
                self._jobs.remove(job)
                self._tell(job, "cancelled", "cancelled before it began")
                return
        for child in self._children:
            if child.job is not None and child.job.number == number and not child.ending:
                self._end(child, "cancelled", "cancelled")

    def _go_by(self, rules: Rules, terms: Terms, gpus: Gpus) -> None:
        self._rules, self._terms, self._gpus = rules, terms, gpus
        for child in self._children:
            self._let_go(child)

    def _let_go(self, child: Child) -> None:
        """End a free worker that is one too many, or was started with other terms."""
        fits = child.index < self._rules.slots and child.terms == self._terms
        if child.free and not (fits and child.gpu == self._gpus.of(child.index)):
            child.ask_to_end(time.monotonic(), self._rules.grace)

    # Giving out jobs.

    def _give_out(self) -> None:
        while self._jobs and not self._closing:
            job = self._jobs[0]
            log = Log(self._logs, job.number, job.attempt)
            child = next((each for each in self._children if each.free), None)
            if child is None:
                if len(self._children) >= self._rules.slots:
                    return
                try:
                    child = self._hire(log)
                except OSError as problem:
                    self._jobs.popleft()
                    self._tell(job, "lost", f"no worker process could be started: {problem.strerror or problem}")
                    continue
            self._jobs.popleft()
            child.give(job, log)
            self._next_look = min(self._next_look, child.given + LOOKS_AT_MEMORY)
            self._flush(child)

    def _hire(self, log: Log) -> Child:
        """Start a worker in the first place that is free. Raises OSError."""
        self._need_warden()
        taken = {each.index for each in self._children}
        index = next(index for index in range(self._rules.slots) if index not in taken)
        child = Child(index, self._terms, self._gpus.of(index), log)
        self._children.append(child)
        self._tell_warden("+", child)
        self._selector.register(child.channel.end, selectors.EVENT_READ, lambda: self._hear(child))
        if child.watch is not None:
            self._selector.register(child.watch, selectors.EVENT_READ, lambda: self._bury(child))
        return child

    def _need_warden(self) -> None:
        if self._warden is not None and self._warden.poll() is None:
            return
        if self._told is not None:
            self._told.close()
        self._told, other = socket.socketpair()
        with other:
            self._warden = subprocess.Popen(  # noqa: S603  # our own interpreter and code
                [sys.executable, "-I", "-S", warden.__file__, str(other.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
                start_new_session=True,
            )
        self._told.setblocking(False)
        for child in self._children:
            self._tell_warden("+", child)

    def _tell_warden(self, sign: str, child: Child) -> None:
        if self._told is not None:
            with contextlib.suppress(OSError):
                self._told.send(f"{sign}{child.process.pid}\n".encode())

    def _flush(self, child: Child) -> None:
        """Send what the worker can take now, and be called again where that is not all."""
        with contextlib.suppress(OSError):  # a worker that is gone is seen to be so
            child.channel.flush()
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if child.channel.pending else 0)
        key = self._selector.get_map().get(child.channel.end)
        if key is not None and key.events != events:
            self._selector.modify(child.channel.end, events, key.data)

    # Hearing from workers.

    def _hear(self, child: Child) -> None:
        if child not in self._children:
            return
        if child.channel.pending:
            self._flush(child)
        messages, still_open = child.channel.receive()
        child.heard = time.monotonic()
        for message in messages:
            self._take(child, message[:1], message[1:])
        if not still_open:
            self._selector.unregister(child.channel.end)
            child.deaf = True
            if not child.ending:
                child.kill_at = child.heard + TO_END_BY_ITSELF

    def _take(self, child: Child, kind: bytes, body: bytes) -> None:
        if kind == b"B":
            child.began = child.heard
        elif kind in (b"D", b"T"):
            if child.job is None or child.ending:
                return  # it ended in the moment in which it was told to
            outcome = _outcome(child.job, body)
            child.job = child.began = None
            peak = max(outcome.peak_memory or 0, child.peak) or None
            self.outcomes.put(replace(outcome, place=child.place, peak_memory=peak, log=child.log.end()))
            if kind == b"T":
                child.ask_to_end(child.heard, self._rules.grace)
            else:
                self._let_go(child)

    def _bury(self, child: Child) -> None:
        """What is left to do when a worker has ended: tell how, and forget it."""
        if child not in self._children:
            return
        if not child.deaf:
            self._hear(child)  # what it said last
        status = child.status()
        if status is None:
            return
        for each in (child.channel.end, child.watch):
            if each is not None and each in self._selector.get_map():
                self._selector.unregister(each)
        self._children.remove(child)
        self._tell_warden("-", child)
        child.close()
        if child.job is not None and not self._closing:
            memory_gone = family.killed_for_memory() > self._killed_for_memory[0]
            own = ending(status, begun=child.began is not None, memory_gone=memory_gone)
            self._tell(child.job, *(child.verdict or own), child)

    def _tell(self, job: Parcel, state: State, reason: str, child: Child | None = None) -> None:
        outcome = Outcome(job.number, state, reason=reason, attempt=job.attempt)
        if child is not None:
            seconds = 0.0 if child.began is None else time.monotonic() - child.began
            outcome = replace(
                outcome,
                seconds=seconds,
                place=child.place,
                peak_memory=child.peak or None,
                log=child.log.end(),
                threads=child.terms.threads,
            )
        self.outcomes.put(outcome)

    # Keeping limits.

    def _end(self, child: Child, state: State, reason: str, grace: float | None = None) -> None:
        child.verdict = state, reason
        child.ask_to_end(time.monotonic(), self._rules.grace if grace is None else grace)

    def _due(self, child: Child) -> tuple[float, State, str] | None:
        """When this worker's next limit is reached, and what its job ends as then."""
        rules = self._rules
        if child.job is None or child.ending:
            return None
        if child.began is None:
            return child.given + LONGEST_START, "lost", f"the worker did not start within {LONGEST_START:g} s"
        found: list[tuple[float, State, str]] = []
        if rules.trial_timeout is not None:
            reason = f"it ran for longer than the limit of {rules.trial_timeout:g} s"
            found.append((child.began + rules.trial_timeout, "timeout", reason))
        if rules.stall_timeout is not None:
            reason = f"there was no sign of life for {rules.stall_timeout:g} s"
            found.append((child.heard + rules.stall_timeout, "timeout", reason))
        return min(found, default=None)

    def _until_due(self) -> float | None:
        """Seconds to sleep at most; None where nothing can happen by itself."""
        moments = [child.kill_at for child in self._children if child.kill_at is not None]
        moments += [due[0] for child in self._children if (due := self._due(child))]
        if any(child.job is not None for child in self._children):
            moments.append(self._next_look)
        now = time.monotonic()
        if any(child.watch is None for child in self._children):
            moments.append(now + LOOKS_AT_ENDS)
        return max(0.0, min(moments) - now) if moments else None

    def _look(self) -> None:
        now = time.monotonic()
        for child in tuple(self._children):
            if child.watch is None:
                self._bury(child)
            due = self._due(child)
            if due is not None and now >= due[0]:
                self._end(child, *due[1:])
            if child.kill_at is not None and now >= child.kill_at:
                child.kill()
                child.kill_at = now + 1.0
        if now >= self._next_look:
            self._look_closer([child for child in self._children if child.job is not None and not child.ending])

    def _look_closer(self, busy: list[Child]) -> None:
        """At what the trials print, and at the memory they take."""
        start = time.monotonic()
        self._killed_for_memory = self._killed_for_memory[1], family.killed_for_memory()
        grown = max((child.log.look() for child in busy), default=0)
        pause = LOOKS_AT_FAST_LOGS if grown > FAST else LOOKS_AT_LOGS
        if busy:
            processes = family.everybody()
            families = [(child, child.members(processes)) for child in busy]
            if self._terms.memory is not None:
                self._look_at_memory(families, self._terms.memory)
                pause = min(pause, LOOKS_AT_MEMORY)
            pause = max(pause, (time.monotonic() - start) / SHARE_OF_LOOKING)
        self._next_look = time.monotonic() + pause

    def _look_at_memory(self, families: list[tuple[Child, list[family.Member]]], limit: int) -> None:
        for child, members in families:
            taken = sum(each.resident for each in members)
            if taken > limit:
                taken = family.proportional(members)
            child.peak = max(child.peak, taken)
            if taken > limit:
                among = f" in {len(members)} processes" if len(members) > 1 else ""
                reason = f"it took {readable(taken)}{among}; the limit of a trial is {readable(limit)}"
                self._end(child, "out_of_memory", reason, 0.0)


def _outcome(job: Parcel, body: bytes) -> Outcome:
    try:
        return unpacked(body)
    except Exception as problem:  # a class that only the worker knows, or what the trial wrote in our stead
        return failure(job.number, job.attempt, problem)


def close(supervisor: Supervisor, pid: int) -> None:
    """End a supervisor and its workers, and wait for that; nothing in a process that was forked from its own."""
    if os.getpid() == pid and supervisor.is_alive():
        supervisor.close()
        supervisor.join(2 * GRACE_OF_CLOSING)
