"""The null test: how often are two copies of one strategy declared different?

    python benchmarks/compare_null.py TABLE.csv [--comparisons 1000] [--strategies random,evolution,local]

Each comparison is independent of the others: two copies with seeds of their own search NAS-Bench-201 by
`cifar10_valid_12` and report `cifar10_test_200`, and the test of `netwright compare` is applied to what they found.
First with random search simulated from the table alone, for several numbers of seeds; then with real searches.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy import stats

import netwright as nw
from netwright.benchmarks.statistics import LEVEL, pairwise, signed_rank_p

SEEDS = 10  # of each real comparison
EVALUATIONS = 50


def different(first: np.ndarray, second: np.ndarray) -> bool:
    """What a comparison of these two alone says."""
    return signed_rank_p(first, second) < LEVEL and bool(pairwise({"one": first, "other": second})[0].better)


def declared(first: np.ndarray, second: np.ndarray) -> str:
    """How many of the comparisons, a row each, are declared different."""
    count = sum(map(different, first, second))
    low, high = stats.binomtest(count, len(first)).proportion_ci(method="wilson")
    ties = float(np.mean(first == second))
    share = f"{count / len(first):.1%}, {low:.1%} to {high:.1%}"
    return f"{count} of {len(first)} declared different ({share}); {ties:.0%} ties"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--comparisons", type=int, default=1000)
    parser.add_argument("--strategies", default="random,evolution,local")
    options = parser.parse_args()
    table = nw.estimators.Table(
        nw.spaces.NasBench201(), options.table, metrics=("cifar10_valid_12", "cifar10_test_200")
    )
    valid, test = table.column("cifar10_valid_12"), table.column("cifar10_test_200")
    rng = np.random.default_rng(0)
    for seeds, evaluations in ((5, 100), (20, 100), (50, 300), (200, 300), (50, 3000)):
        found = []
        for _ in range(options.comparisons):
            drawn = rng.integers(len(valid), size=(2, seeds, evaluations))
            best = np.take_along_axis(drawn, valid[drawn].argmax(axis=-1, keepdims=True), axis=-1)[..., 0]
            found.append(test[best])
        first, second = np.array(found).transpose(1, 0, 2)
        print(
            f"simulated random search, {evaluations} evaluations, {seeds} seeds: {declared(first, second)}", flush=True
        )
    problem = nw.benchmarks.BenchmarkProblem(table, "cifar10_valid_12", "cifar10_test_200")
    for name in options.strategies.split(","):
        began = time.monotonic()
        repeats = SEEDS * options.comparisons
        both = nw.benchmarks.compare({"one": name, "other": name}, problem, evaluations=EVALUATIONS, repeats=repeats)
        first, second = (both.final(each, problem.name).reshape(-1, SEEDS) for each in both.strategies)
        took = time.monotonic() - began
        print(f"{name}, {EVALUATIONS} evaluations, {SEEDS} seeds: {declared(first, second)}; {took:.0f} s", flush=True)


if __name__ == "__main__":
    main()
