"""How good each predictor is on NAS-Bench-201, and how long a BANANAS schedule of refits takes.

    python benchmarks/predictors.py ../shared/data/nasbench201/nasbench201.csv --sizes 50 200 --seeds 20
    python benchmarks/predictors.py TABLE --schedule                 # 29 refits with 10, 20, ... 290 examples

The table has a column `arch` in the benchmark's own form and one a metric. Seconds are the processor's.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from netwright.core.space import Space
from netwright.predictors import (
    Boosting,
    Calibrated,
    Forest,
    GaussianProcess,
    Linear,
    MlpEnsemble,
    NeuralPredictor,
    Predictor,
    Ranked,
    RankingNetwork,
    SemiSupervisedAssessor,
    best,
)
from netwright.predictors.encodings import Flow
from netwright.predictors.mlp import quick
from netwright.predictors.quality import Quality, judge, table
from netwright.spaces import NasBench201


def predictors(space: Space) -> dict[str, Callable[[], Predictor]]:
    flow = Flow(space)
    return {
        "linear": lambda: Linear(space),
        "linear, flow": lambda: Ranked(Linear(space, flow)),
        "forest": lambda: Forest(space),
        "forest, flow": lambda: Forest(space, flow),
        "boosting": lambda: Boosting(space),
        "boosting, flow": lambda: Boosting(space, flow),
        "gaussian process": lambda: GaussianProcess(space),
        "mlps": lambda: MlpEnsemble(space),
        "mlps, quick": lambda: quick(space),
        "mlps, quick, flow": lambda: quick(space, flow),
        "ranking": lambda: RankingNetwork(space),
        "ranking, flow": lambda: RankingNetwork(space, flow),
        "ranking, calibrated": lambda: Calibrated(RankingNetwork(space, flow)),
        "assessor": lambda: SemiSupervisedAssessor(space),
        "neural predictor": lambda: NeuralPredictor(space),
        "best": lambda: best(space),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--metrics", nargs="+", default=["cifar10_test_200"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[200])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--tested", type=int, default=5000)
    parser.add_argument("--schedule", action="store_true")
    options = parser.parse_args()
    space = NasBench201()
    with options.table.open() as file:
        rows = list(csv.DictReader(file))
    architectures = [space.parse(row["arch"]) for row in rows]
    known = predictors(space)
    for metric in options.metrics:
        values = [float(row[metric]) for row in rows]
        if options.schedule:
            for name in options.only or ["mlps", "mlps, quick"]:
                seconds = schedule(known[name], architectures, values)
                print(f"{name}: {seconds:.2f} s for 29 refits, each with 200 predictions", flush=True)
            continue
        found: list[tuple[str, Quality]] = []
        for name in options.only or known:
            for size in options.sizes:
                ask = partial(judge, known[name], architectures, values, size=size, tested=options.tested)
                found += [(name, ask(seed=options.first_seed + seed)) for seed in range(options.seeds)]
        print(f"{metric}, seeds {options.first_seed} to {options.first_seed + options.seeds - 1}")
        print(table(found), flush=True)


def schedule(make: Callable[[], Predictor], architectures: list, values: list[float]) -> float:
    """Processor seconds of refits with 10, 20, ... 290 examples, each followed by 200 predictions."""
    predictor = make()
    start = time.process_time()
    for size in range(10, 300, 10):
        predictor.fit(architectures[7 : 7 + size], values[7 : 7 + size], seed=size)
        predictor.predict(architectures[1000:1200])
    return time.process_time() - start


if __name__ == "__main__":
    main()
