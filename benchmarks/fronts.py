"""Simulated searches on NAS-Bench-201 for a front of two objectives: how much of the best hypervolume each finds.

    python benchmarks/fronts.py TABLE.csv [--latency LATENCIES.csv] [--evaluations 300] [--seeds 30]

TABLE.csv has one row an architecture with the columns `arch` and `cifar10_valid_12` (percent, large); without a table
of latencies `params_c10` is to be small, too. LATENCIES.csv has the same rows with a column of milliseconds for each
device, of which `--devices` are searched for. Reference point: the worst of the table in each objective; objectives are
scaled to 0..1 over the table. Each strategy is set beside random search by Wilcoxon's signed-rank test on the seeds,
and beside Optuna's NSGA-II where Optuna is installed.
"""

from __future__ import annotations

import argparse
import csv
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

import netwright as nw
from netwright.core.fronts import hypervolume
from netwright.methods import nsga2
from netwright.strategies import LocalSearch, RandomSearch, RegularizedEvolution

OPTUNA = "Optuna's NSGA-II"
Scores = Mapping[nw.Architecture, tuple[float, ...]]
STRATEGIES: dict[str, Callable[[nw.Space], nw.Strategy]] = {
    "random search": RandomSearch,
    "NSGA-II": nsga2,
    "NSGA-II, P = 50, repeats": lambda space: nsga2(space, 50, repeats=True),
    "regularized evolution": RegularizedEvolution,
    "local search": LocalSearch,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--latency", type=Path)
    parser.add_argument("--devices", nargs="+", default=["pixel3"])
    parser.add_argument("--evaluations", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--only", nargs="+", help="parts of the names of strategies")
    options = parser.parse_args()
    for cost in options.devices if options.latency else ["params_c10"]:
        scores = read(options.table, options.latency, cost)
        print(f"cifar10_valid_12 and {cost}: {options.evaluations} evaluations, seeds 0 to {options.seeds - 1}")
        compared(scores, options.evaluations, options.seeds, options.only)


def compared(scores: Scores, evaluations: int, seeds: int, only: Sequence[str] | None) -> None:
    """Print a line a strategy: mean and deviation of the share of the table's hypervolume, and p against others."""
    whole = hypervolume(list(scores.values()), (0.0, 0.0))
    found: dict[str, list[float]] = {}
    searches: dict[str, Callable[[int], list[tuple[float, ...]]]] = {
        name: partial(ours, make, scores, evaluations) for name, make in STRATEGIES.items()
    }
    searches[OPTUNA] = partial(optunas, scores, evaluations)
    for name, search in searches.items():
        if only and not any(each in name for each in only):
            continue
        try:
            shares = [hypervolume(search(seed), (0.0, 0.0)) / whole for seed in range(seeds)]
        except ImportError:
            print(f"{name:28} left out: optuna is not installed")
            continue
        found[name] = shares
        beside = [f"p against {other} {_p(shares, of):.1g}" for other, of in found.items() if other == "random search"]
        print(f"{name:28} {statistics.fmean(shares):.5f} +- {statistics.stdev(shares):.5f}  {'; '.join(beside)}")
    if OPTUNA in found and "NSGA-II" in found:
        print(f"NSGA-II against {OPTUNA}: p {_p(found['NSGA-II'], found[OPTUNA]):.1g}")


def read(table: Path, latencies: Path | None, cost: str) -> Scores:
    """Both scores of each architecture, from 0, the worst of the table, to 1, the best."""
    space = nw.spaces.NasBench201()
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (latencies or table).open(newline="") as file:
        costs = [float(row[cost]) for row in csv.DictReader(file)]
    values = np.array([[float(row["cifar10_valid_12"]), -each] for row, each in zip(rows, costs, strict=True)])
    low, high = values.min(axis=0), values.max(axis=0)
    scaled = (values - low) / (high - low)
    return {space.parse(row["arch"]): (a, b) for row, (a, b) in zip(rows, scaled.tolist(), strict=True)}


def ours(
    make: Callable[[nw.Space], nw.Strategy], scores: Scores, evaluations: int, seed: int
) -> list[tuple[float, ...]]:
    """The scores of all that one search evaluates."""
    space = nw.spaces.NasBench201()
    measured = nw.estimators.Function(lambda each: dict(zip(("first", "second"), scores[each], strict=True)))
    search = nw.Search(make(space), measured, ("first:maximize", "second:maximize"), seed=seed)
    return [trial.scores for trial in search.run(trials=evaluations).trials]


def optunas(scores: Scores, evaluations: int, seed: int) -> list[tuple[float, ...]]:
    """The same by Optuna's NSGA-II with its defaults, on one categorical parameter a decision."""
    import optuna  # pyright: ignore[reportMissingImports]

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space, found = nw.spaces.NasBench201(), []
    study = optuna.create_study(directions=["maximize", "maximize"], sampler=optuna.samplers.NSGAIISampler(seed=seed))
    for _ in range(evaluations):
        trial = study.ask()
        point = [trial.suggest_categorical(each.name, list(range(len(each.options)))) for each in space.decisions]
        found.append(scores[space.from_indices(tuple(point))])
        study.tell(trial, found[-1])
    return found


def _p(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided p of Wilcoxon's signed-rank test; 1 where all pairs are equal."""
    if first == second:
        return 1.0
    tested: Any = wilcoxon(first, second)
    return float(tested.pvalue)


if __name__ == "__main__":
    main()
