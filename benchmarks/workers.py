"""What worker processes bring, and what the search itself costs beside them.

    python benchmarks/workers.py speed [--trials 16] [--work 2000] [--repeats 3]
    python benchmarks/workers.py cost [--trials 1000] [--repeats 3]
    python benchmarks/workers.py long [--trials 10000]

speed: trials that compute with one thread for about a second each, with one worker and with two; how many times as fast
two are. It needs two cores that nobody else uses.
cost: short trials (10 ms asleep) in this process and in workers; the time of a run beyond what the trials themselves
take, for each trial. Workers are started before the clock is.
long: free trials in two workers with a store; this process's memory, and how long each thousand took.

Shown are the median and the range over the repetitions.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import resource
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.engine import Search
from netwright.executors import Inline, Processes
from netwright.spaces import NasBench201
from netwright.strategies import RegularizedEvolution

SLEEP = 0.01  # seconds of a short trial


class Computing(Estimator):
    """Multiplies matrices so often, with one thread."""

    metrics = ("val_accuracy",)

    def __init__(self, work: int) -> None:
        self.work = work

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(1)
        matrix = torch.rand(256, 256, generator=torch.Generator().manual_seed(seed))
        for _ in range(self.work):
            matrix = (matrix @ matrix).tanh()
        torch.set_num_threads(before)
        return Measurement({"val_accuracy": float(matrix.mean())})


class Short(Estimator):
    """Sleeps for a while, then gives a number."""

    metrics = ("val_accuracy",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        if self.seconds:
            time.sleep(self.seconds)
        return Measurement({"val_accuracy": float(np.random.default_rng(seed).random())})


def search(estimator: Estimator, seed: int = 0) -> Search:
    return Search(RegularizedEvolution(NasBench201(), population=50, tournament=10), estimator, seed=seed)


def timed(estimator: Estimator, trials: int, executor: Any, seed: int, **options: Any) -> float:
    """Seconds of a run with a store, after a few trials that start the workers."""
    with tempfile.TemporaryDirectory() as folder:
        search(estimator, seed).run(trials=2 * executor.slots, executor=executor)
        began = time.perf_counter()
        run = search(estimator, seed).run(trials=trials, executor=executor, store=folder, **options)
        seconds = time.perf_counter() - began
    assert run.counts == {"completed": trials}, run.counts
    return seconds


def shown(values: list[float], unit: str, scale: float = 1.0) -> str:
    each = [scale * value for value in values]
    return f"{statistics.median(each):.3g} {unit} ({min(each):.3g} to {max(each):.3g})"


def speed(options: argparse.Namespace) -> None:
    trials, found = options.trials or 16, {}
    for workers in (1, 2):
        with ExitStack() as stack:
            executor = Processes(workers, threads=1)
            stack.callback(executor.close)
            found[workers] = [timed(Computing(options.work), trials, executor, seed) for seed in range(options.repeats)]
        print(f"{workers} worker{'s' * (workers > 1)}, {trials} trials: {shown(found[workers], 's')}", flush=True)
    ratios = [one / two for one, two in zip(found[1], found[2], strict=True)]
    print(f"two are {shown(ratios, 'times')} as fast")


def cost(options: argparse.Namespace) -> None:
    trials = options.trials or 1000
    for name, workers in (("inline", 1), ("processes", 1), ("processes", 2)):
        executor = Inline() if name == "inline" else Processes(workers, threads=1)
        try:
            found = [timed(Short(SLEEP), trials, executor, seed) for seed in range(options.repeats)]
        finally:
            executor.close()
        each = [(seconds * workers - trials * SLEEP) / trials for seconds in found]
        print(f"{name:<10} {workers} at once: {shown(each, 'ms a trial', 1e3)}", flush=True)


def long(options: argparse.Namespace) -> None:
    trials, marks = options.trials or 10_000, [time.perf_counter()]

    def on_trial(trial: Trial) -> None:
        nonlocal seen
        seen += 1
        if seen % 1000 == 0:
            marks.append(time.perf_counter())

    seen = 0
    executor = Processes(2, threads=1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            search(Short(0.0)).run(trials=4, executor=executor)
            marks[0] = time.perf_counter()
            search(Short(0.0)).run(trials=trials, executor=executor, store=Path(folder), on_trial=on_trial)
    finally:
        executor.close()
    thousands = [b - a for a, b in itertools.pairwise(marks)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"{trials:,} trials: at most {memory:.0f} MiB in the driver; seconds of each thousand: ", end="")
    print(" ".join(f"{each:.2f}" for each in thousands))
    print(f"the last thousand took {thousands[-1] / thousands[0]:.2f} times as long as the first")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "cost", "long"])
    parser.add_argument("--trials", type=int)
    parser.add_argument("--work", type=int, default=2000, help="matrix products of one trial of `speed`")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, n = {options.repeats}")
    {"speed": speed, "cost": cost, "long": long}[options.what](options)


if __name__ == "__main__":
    import workers  # as a module, which worker processes can import too

    workers.main()
