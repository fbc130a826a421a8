"""Workers over a shared folder for tests: as processes that are watched and killed, and as files written by hand.

python tests/executors/folder_parts.py QUEUE NAME [IDLE]

serves what NAME stands for in `WORK`.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

import search_parts as parts
from faulty_parts import Faulty

from netwright.engine import Search, interruptible
from netwright.executors import serve
from netwright.executors.folder import beat, crew, driver, folder_worker, stay
from netwright.executors.folder import folder_files as files
from netwright.executors.folder.folder_session import Session

HERE = Path(__file__).parent
LONGEST = 200.0  # seconds that anything may take on a busy machine
HURRIED = (  # (module, name, seconds): the same steps a few times as often, so that little is waited for
    (beat, "BEAT", 0.2),
    (crew, "LOOK", 0.1),
    (crew, "ALONE", 0.6),
    (driver, "LONGEST", 0.05),
    (folder_worker, "LOOK", 0.1),
    (stay, "LOOK", 0.06),
    (stay, "LONGEST", 0.1),
)


def noisy(seconds: float = 0.08, trouble: float = 0.2) -> Search:
    """Random architectures, and trials that end in every way."""
    return Search(parts.Sampling(parts.Cell()), parts.Noisy(trouble, seconds), seed=3)


WORK: dict[str, Callable[[], Any]] = {"noisy": noisy, "plain": Faulty}


def wait_until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + LONGEST
    while not true():
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(0.01)


class Started:
    """A worker in a process of its own. faulty: how it is made, as `Faulty(fault, note, when)`; or a name in `WORK`."""

    def __init__(self, queue: Path, work: str | tuple[Any, ...], folder: Path, idle: float = 60.0) -> None:
        self.output = folder / f"worker-{len(list(folder.glob('worker-*')))}.txt"
        self.idle = idle
        told = work if isinstance(work, str) else repr(tuple(work))
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, __file__, str(queue), told, str(idle)],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def ready(self) -> Started:
        wait_until(lambda: "ready as" in self.said or self.process.poll() is not None, "a worker")
        assert "ready as" in self.said, self.said
        return self

    def end(self) -> int:
        """Its exit code, when it has ended by itself."""
        return self.process.wait(LONGEST)

    def kill(self) -> None:
        """Like a node that is gone: neither the worker nor what it has started says another word."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class ByHand:
    """A worker that does what a test says: it writes the files that a worker writes."""

    def __init__(self, queue: Path, name: str = "node-7-00000000") -> None:
        session = Session.read(queue)
        assert session is not None
        self.name, self.folder = name, session.folder(queue)
        self.holds: list[str] = []
        self._count = 0

    def beat(self) -> None:
        self._count += 1
        facts = {"slots": 1, "holds": self.holds, "count": self._count}
        files.write(self.folder / "workers", self.name, facts)

    @contextmanager
    def living(self) -> Generator[None]:
        """Within, it gives signs of life."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(0.1):
                self.beat()

        thread = threading.Thread(target=beat)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def claim(self) -> str:
        """Claim the first job that waits; its name."""
        wait_until(lambda: files.names(self.folder / "jobs"), "a job")
        job = files.names(self.folder / "jobs")[0]
        assert files.move(self.folder / "jobs" / job, self.folder / "claims" / f"{job}@{self.name}")
        self.holds.append(job)
        self.beat()
        return job

    def leave(self, job: str, outcome: Mapping[str, Any] | bytes) -> None:
        """Leave an outcome, or whatever these bytes are."""
        if isinstance(outcome, bytes):
            (self.folder / "outcomes" / f"{job}@{self.name}").write_bytes(outcome)
        else:
            files.write(self.folder / "outcomes", f"{job}@{self.name}", outcome)


def main() -> None:
    queue, told, idle = sys.argv[1:]
    for module, name, seconds in HURRIED:
        setattr(module, name, seconds)
    work = WORK[told]() if told in WORK else Faulty(*_faulty(told))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with interruptible():
        serve(queue, work, threads=1, idle=float(idle), say=lambda text: print(text, flush=True))


def _faulty(told: str) -> tuple[Any, ...]:
    import ast

    return ast.literal_eval(told)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt as stop:
        sys.exit(getattr(stop, "exit_code", 130))
    except Exception as problem:
        print(f"{type(problem).__name__}: {problem}", flush=True)
        sys.exit(getattr(problem, "exit_code", 1))
