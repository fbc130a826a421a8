"""How many trials a second the search itself can do: a free estimator on NAS-Bench-201, without and with the store.

    python benchmarks/engine.py [--trials 15000] [--repeats 5] [--table nasbench201.csv]

With --table, also regularized evolution (population 100, tournament 25) over the table of NAS-Bench-201, and how fast
it runs in simulated time with 1, 4 and 32 workers; the table needs the columns "arch" and "cifar10_valid_12".

Random search asks no network twice, and the space holds 6,466 different ones, so it gets 3,000 trials at most. Each
repetition takes another seed and a new store.
Shown are the median and the range over the repetitions, by the clock and by the processor time of this process: on a
machine that does other things too, the second says what the first would be on one that does not.
"""

from __future__ import annotations

import argparse
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from netwright.core.architecture import Architecture
from netwright.core.estimator import Estimator
from netwright.core.strategy import Strategy
from netwright.core.trial import Measurement, Proposal
from netwright.engine import Search
from netwright.estimators import Table
from netwright.executors import Simulated
from netwright.spaces import NasBench201
from netwright.store import Store
from netwright.strategies import RandomSearch, RegularizedEvolution


class Free(Estimator):
    """The share of the last operation: costs nothing beside the search."""

    metrics = ("val_accuracy",)

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        point = proposal.candidate.point  # type: ignore[union-attr]
        return Measurement({"val_accuracy": point.count(4) / len(point)})


class Slow(Estimator):
    """Says that it took between 500 and 2,500 seconds, which differ from one architecture to the next."""

    metrics = ("val_accuracy", "cost_seconds")

    def __init__(self, space: NasBench201) -> None:
        self.space = space
        self._found = {
            each.point: Measurement({"val_accuracy": each.point.count(4) / 6, "cost_seconds": 500 + number % 1999})
            for number, each in enumerate(space.enumerate())
        }

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        assert isinstance(proposal.candidate, Architecture)
        return self._found[proposal.candidate.point]


def once(search: Search, trials: int, directory: Path | None = None) -> tuple[float, float]:
    """Trials a second by the clock and by processor time; all trials are on disk when the clock stops."""
    clock, work = time.perf_counter(), time.process_time()
    run = search.run(trials=trials, store=directory)
    rates = trials / (time.perf_counter() - clock), trials / (time.process_time() - work)
    assert len(run.trials) == trials
    if directory is not None:
        with Store.open_readonly(directory) as store:
            assert store.read_run(run.name).counts == {"completed": trials}
    return rates


def shown(rates: list[float]) -> str:
    return f"{statistics.median(rates):>8,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"


def over_a_table(path: Path, trials: int, repeats: int) -> None:
    """Regularized evolution with the paper's settings, every trial kept in memory."""
    space = NasBench201()
    table = Table(space, path, metrics={"val_accuracy": "cifar10_valid_12"})
    once(Search(RegularizedEvolution(space), table), 500)
    found = [once(Search(RegularizedEvolution(space), table, seed=seed), trials) for seed in range(repeats)]
    clock, work = (list(each) for each in zip(*found, strict=True))
    print(f"{'table':<10} {trials:<7,} {'no':<6} {shown(clock):<28} {shown(work)}")


def simulated(trials: int, repeats: int) -> None:
    """The same in simulated time."""
    space = NasBench201()
    slow = Slow(space)
    print("workers    trials a second of processor time   simulated seconds a second of processor time")
    for workers in (1, 4, 32):
        rates: list[float] = []
        speeds: list[float] = []
        for seed in range(repeats):
            search = Search(RegularizedEvolution(space), slow, seed=seed)
            work = time.process_time()
            run = search.run(trials=trials, executor=Simulated(workers))
            work = time.process_time() - work
            rates.append(trials / work)
            speeds.append(run.seconds / work)
        print(f"{workers:<10} {shown(rates):<35} {shown(speeds)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=15_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    space = NasBench201()
    make: dict[str, Callable[[], Strategy]] = {
        "random": lambda: RandomSearch(space),
        "evolution": lambda: RegularizedEvolution(space, population=100, tournament=10),
    }
    print(f"{platform.platform()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    print(f"n = {options.repeats}; trials a second: median (least to most)")
    print(f"{'strategy':<10} {'trials':<7} {'store':<6} {'by the clock':<28} by processor time")
    for name, strategy in make.items():
        trials = min(options.trials, 3_000) if name == "random" else options.trials
        once(Search(strategy(), Free()), 200)
        for stored in (False, True):
            found = []
            for seed in range(options.repeats):
                with tempfile.TemporaryDirectory() as directory:
                    found.append(
                        once(Search(strategy(), Free(), seed=seed), trials, Path(directory) if stored else None)
                    )
            clock, work = (list(each) for each in zip(*found, strict=True))
            print(
                f"{name:<10} {trials:<7,} {'yes' if stored else 'no':<6} {shown(clock):<28} {shown(work)}", flush=True
            )
    if options.table is not None:
        over_a_table(options.table, options.trials, options.repeats)
        simulated(options.trials, options.repeats)


if __name__ == "__main__":
    main()
