"""What workers over a shared folder bring, and what befalls a search whose workers are killed at random.

    python benchmarks/folder_workers.py kills [--workers 8] [--trials 200] [--repeats 1]
    python benchmarks/folder_workers.py cost [--trials 1000] [--repeats 3]

kills: a search whose workers are killed (SIGKILL, as a node dies, or SIGTERM, as SLURM ends a job) and started at
random moments; its table must be that of one process: the same architectures, states, metrics and curves.
cost: trials that take no time, and trials of 10 ms, by two workers over a folder and by two worker processes.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from netwright.core.errors import Diverged
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.engine import RetryPolicy, Search, interruptible
from netwright.executors import Folder, Processes, serve
from netwright.spaces import NasBench201
from netwright.store import Store
from netwright.strategies import RandomSearch
from workers import Short
from workers import search as evolution

SECONDS = 1.0  # of a trial, on average
EVERY = 3.0  # seconds between two kills, on average
PATIENCE = 5.0  # seconds without a sign of life, after which a worker is given up


class Mixed(Estimator):
    """Takes a while and gives numbers that follow from the seed; some trials diverge, some raise."""

    metrics = ("val_accuracy",)

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        rng = np.random.default_rng(seed)
        time.sleep(self.seconds * 2 * rng.random())
        if rng.random() < 0.1:
            raise Diverged("the loss is inf", {"loss": float("inf")})
        if rng.random() < 0.05:
            raise ValueError("a shape that does not fit")
        return Measurement({"val_accuracy": float(rng.random())}, curve=({"loss": float(rng.random())},))


def mixed(seconds: float = SECONDS) -> Search:
    return Search(RandomSearch(NasBench201()), Mixed(seconds), seed=0)


def table(trials: Sequence[Trial]) -> list[tuple[Any, ...]]:
    """What does not depend on where and when trials ran."""
    return [
        (each.number, str(each.architecture), each.state, repr(dict(each.metrics)), repr(list(each.measurement.curve)))
        for each in sorted(trials, key=lambda each: each.number)
    ]


# Workers, which run this file.


def start(queue: Path, what: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, __file__, "serve", "--queue", str(queue), "--what", what], start_new_session=True
    )


def work(options: argparse.Namespace) -> None:
    measured = {"mixed": mixed, "none": lambda: evolution(Short(0.0)), "short": lambda: evolution(Short(0.01))}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            serve(options.queue, measured[options.what](), threads=1, say=lambda _: None)
    except KeyboardInterrupt:
        sys.exit(143)


class Killer(threading.Thread):
    """Kills a random worker now and then, in one of two ways, and starts another in its place."""

    def __init__(self, queue: Path, workers: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.kills: Counter[str] = Counter()
        self.workers = [start(queue, "mixed") for _ in range(workers)]
        self._queue, self._dice, self._over = queue, random.Random(seed), threading.Event()

    def run(self) -> None:
        while not self._over.wait(self._dice.uniform(0, 2 * EVERY)):
            place = self._dice.randrange(len(self.workers))
            kind = self._dice.choice([signal.SIGKILL, signal.SIGTERM])
            self.kills[kind.name] += self.workers[place].poll() is None
            self.workers[place].send_signal(kind)
            self.workers[place].wait()
            self.workers[place] = start(self._queue, "mixed")

    def stop(self) -> list[int]:
        """The exit codes of the workers that were left."""
        self._over.set()
        self.join()
        return [each.wait(60) for each in self.workers]


def kills(options: argparse.Namespace) -> None:
    for repeat in range(options.repeats):
        with tempfile.TemporaryDirectory() as folder:
            queue, began = Path(folder, "queue"), time.monotonic()
            executor = Folder(queue, patience=PATIENCE)
            killer = Killer(queue, options.workers, repeat)
            executor.wait_for_worker()
            killer.start()
            retries = RetryPolicy((0.0,) + (0.5,) * 9)
            where = {"executor": executor, "store": folder + "/runs", "name": "r", "retries": retries}
            run = mixed().run(trials=options.trials, **where)
            killer_codes = _closed(executor, killer)
            with Store.open_readonly(folder + "/runs") as store:
                lost = sum(each.state == "lost" for each in store.attempts("r"))
        same = table(run.trials) == table(mixed(0.0).run(trials=options.trials).trials)
        print(
            f"{options.trials} trials, {options.workers} workers, {dict(killer.kills)}: {lost} attempts lost, "
            f"{run.counts}; {time.monotonic() - began:.0f} s; exit codes {Counter(killer_codes)}; "
            f"the table of one process: {'yes' if same else 'NO'}",
            flush=True,
        )


def _closed(executor: Folder, killer: Killer) -> list[int]:
    executor.close()
    return killer.stop()


def cost(options: argparse.Namespace) -> None:
    for what, seconds in (("none", 0.0), ("short", 0.01)):
        found: dict[str, list[float]] = {}
        for seed in range(options.repeats):
            with tempfile.TemporaryDirectory() as folder, closing(Folder(folder + "/queue")) as executor:
                own = [start(Path(folder, "queue"), what) for _ in range(2)]
                while executor.slots < 2:
                    time.sleep(0.1)
                found.setdefault("folder", []).append(_timed(executor, seconds, options.trials, seed))
                executor.close()
                for each in own:
                    each.wait(60)
            with closing(Processes(2, threads=1)) as processes:
                found.setdefault("processes", []).append(_timed(processes, seconds, options.trials, seed))
        for name, values in found.items():
            rates = [options.trials / each for each in values]
            beyond = [1e3 * (2 * each / options.trials - seconds) for each in values]
            print(
                f"trials of {1e3 * seconds:g} ms, two workers, {name:<9}: {statistics.median(rates):.0f} a second "
                f"({min(rates):.0f} to {max(rates):.0f}), {statistics.median(beyond):.1f} ms of a worker beyond each",
                flush=True,
            )


def _timed(executor: Any, seconds: float, trials: int, seed: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        evolution(Short(seconds), seed).run(trials=20, executor=executor)
        began = time.perf_counter()
        evolution(Short(seconds), seed).run(trials=trials, executor=executor, store=folder)
        return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["kills", "cost", "serve"])
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--trials", type=int)
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--queue", help=argparse.SUPPRESS)
    parser.add_argument("--what", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.action == "serve":
        work(options)
        return
    options.trials = options.trials or (200 if options.action == "kills" else 1000)
    options.repeats = options.repeats or (1 if options.action == "kills" else 3)
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    {"kills": kills, "cost": cost}[options.action](options)


if __name__ == "__main__":
    import folder_workers  # as a module, which worker processes can import too

    folder_workers.main()
