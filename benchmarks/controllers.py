"""Controllers on a table of NAS-Bench-201: whether they learn, and whether they end above random search.

    python benchmarks/controllers.py TABLE.csv [--evaluations 300] [--seeds 100] [--only reinforce,ppo]

TABLE.csv has one row an architecture with the columns `arch`, `cifar10_valid_12` (searched) and `cifar10_test_200`
(reported), in percent. Printed are the mean and deviation of what is found, the mean of the first and the last third of
the samples with the p of a paired Wilcoxon test that the last is larger, the p that it ends above random search on the
same seeds, and the seconds of the process for each search.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from scipy.stats import wilcoxon

import netwright as nw
from netwright.core.randomness import Generators
from netwright.core.trial import Measurement, Trial
from netwright.methods import ppo, reinforce
from netwright.strategies import QLearning, RandomSearch

Make = Callable[[nw.DecisionSpace, int], nw.Strategy]
STRATEGIES: dict[str, Make] = {
    "random": lambda space, _: RandomSearch(space),
    "reinforce": lambda space, _: reinforce(space),
    "reinforce, repeats": lambda space, _: reinforce(space, repeats=True),
    "reinforce, factorised": lambda space, _: reinforce(space, "factorised"),
    "ppo": lambda space, _: ppo(space),
    "ppo, repeats": lambda space, _: ppo(space, repeats=True),
    "q-learning": lambda space, count: QLearning(space, models=count),
}


def searched(
    strategy: nw.Strategy, scores: dict[nw.Architecture, float], count: int, seed: int
) -> list[nw.Architecture]:
    """What a strategy asks, one after the other."""
    generators, asked = Generators(seed), list[nw.Architecture]()
    for number in range(count):
        proposal = strategy.ask(generators(number))
        assert proposal is not None and isinstance(proposal.candidate, nw.Architecture)
        asked.append(proposal.candidate)
        score = scores[proposal.candidate]
        strategy.tell(Trial(number, proposal, "completed", Measurement({"valid": score}), (score,)))
    return asked


def larger(first: list[float], second: list[float]) -> float:
    """The p of the first being larger than the second only by chance."""
    same = all(one == other for one, other in zip(first, second, strict=True))
    return 1.0 if same else float(wilcoxon(first, second, alternative="greater").pvalue)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--evaluations", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--only", default=",".join(STRATEGIES).replace(", ", ": "))
    options = parser.parse_args()
    torch.set_num_threads(1)
    space, third = nw.spaces.NasBench201(), max(1, options.evaluations // 3)
    with options.table.open(newline="") as file:
        rows = {space.parse(row["arch"]): row for row in csv.DictReader(file)}
    scores = {each: float(row["cifar10_valid_12"]) for each, row in rows.items()}
    wanted = [each.replace(": ", ", ") for each in options.only.split(",")]
    random: list[float] = []
    for name in [each for each in STRATEGIES if each == "random" or each in wanted]:
        found, first, last, started = list[float](), list[float](), list[float](), time.process_time()
        for seed in range(options.seeds):
            asked = searched(STRATEGIES[name](space, options.evaluations), scores, options.evaluations, seed)
            valid = [scores[each] for each in asked]
            found.append(float(rows[max(asked, key=scores.__getitem__)]["cifar10_test_200"]))
            first.append(statistics.fmean(valid[:third]))
            last.append(statistics.fmean(valid[-third:]))
        random = random or found
        print(
            f"{name:24} test {statistics.fmean(found):.3f} +- {statistics.stdev(found):.3f}, above random p = "
            f"{larger(found, random):.1e}; samples {statistics.fmean(first):.2f} -> {statistics.fmean(last):.2f}, "
            f"p = {larger(last, first):.1e}; {(time.process_time() - started) / options.seeds:.2f} s a search",
            flush=True,
        )


if __name__ == "__main__":
    main()
