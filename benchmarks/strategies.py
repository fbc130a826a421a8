"""Simulated searches on NAS-Bench-201: search by one column of a table of its results, report another.

    python benchmarks/strategies.py TABLE.csv [--evaluations 300] [--seeds 50]

TABLE.csv has one row an architecture with the columns `arch`, `cifar10_valid_12` (searched) and `cifar10_test_200`
(reported), in percent.
"""

from __future__ import annotations

import argparse
import csv
import statistics
from collections.abc import Callable
from pathlib import Path

import netwright as nw
from netwright.strategies import GeneticAlgorithm, LocalSearch, RandomSearch, RegularizedEvolution

STRATEGIES: dict[str, Callable[[nw.Space], nw.Strategy]] = {
    "random search": RandomSearch,
    "regularized evolution, P = 10, S = 3": lambda space: RegularizedEvolution(space, 10, 3),
    "regularized evolution, P = 100, S = 25": RegularizedEvolution,
    "genetic algorithm, P = 20": lambda space: GeneticAlgorithm(space, 20),
    "local search, all neighbours": LocalSearch,
    "local search, first better neighbour": lambda space: LocalSearch(space, "first"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--evaluations", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=50)
    options = parser.parse_args()
    space = nw.spaces.NasBench201()
    with options.table.open(newline="") as file:
        rows = {space.parse(row["arch"]): row for row in csv.DictReader(file)}
    searched = {architecture: float(row["cifar10_valid_12"]) for architecture, row in rows.items()}
    reported = {architecture: float(row["cifar10_test_200"]) for architecture, row in rows.items()}
    print(f"{options.evaluations} evaluations, seeds 0 to {options.seeds - 1}; mean and standard error of the mean")
    for name, make in STRATEGIES.items():
        valid, test = [], []
        for seed in range(options.seeds):
            search = nw.Search(make(space), nw.estimators.Function(searched.__getitem__, "valid"), "valid", seed=seed)
            best = search.run(trials=options.evaluations).best.architecture
            valid.append(searched[best])
            test.append(reported[best])
        error = statistics.stdev(test) / len(test) ** 0.5
        print(f"{name:40} validation {statistics.fmean(valid):.3f}  test {statistics.fmean(test):.3f} +- {error:.3f}")


if __name__ == "__main__":
    main()
