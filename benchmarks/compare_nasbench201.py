"""Strategies on NAS-Bench-201, and whether their order is the one that has been published.

    python benchmarks/compare_nasbench201.py TABLE.csv [--strategies ...] [--repeats 200] [--folder FOLDER]

Searched by 12-epoch validation accuracy, reported by 200-epoch test accuracy on CIFAR-10, 300 evaluations a search.
For orientation, Dong and Yang 2020 give after 12,000 simulated seconds: random search 93.70 +- 0.36, regularized
evolution 93.92 +- 0.30, BOHB 93.61 +- 0.52. Budgets in seconds need a table with costs.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import netwright as nw

ORDER = (("bananas", "evolution"), ("gp", "evolution"), ("evolution", "random"), ("local", "random"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--strategies", default="random,evolution,local,bananas,gp,hyperband")
    parser.add_argument("--evaluations", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    metrics = ("cifar10_valid_12", "cifar10_test_200")
    table = nw.estimators.Table(nw.spaces.NasBench201(), options.table, metrics=metrics)
    began = time.monotonic()
    found = nw.benchmarks.compare(
        options.strategies,
        nw.benchmarks.BenchmarkProblem(table, *metrics, name="cifar10"),
        evaluations=options.evaluations,
        repeats=options.repeats,
        folder=options.folder,
    )
    print(found)
    print(f"wall time {time.monotonic() - began:.0f} s")
    means = {each.strategy: each.mean for each in found.finals("cifar10")}
    for better, worse in ORDER:
        if better in means and worse in means:
            verdict = "as published" if means[better] > means[worse] else "NOT as published"
            print(f"{better} {means[better]:.3f} over {worse} {means[worse]:.3f}: {verdict}")


if __name__ == "__main__":
    main()
