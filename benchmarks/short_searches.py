"""How well shared weights rank cells of NAS-Bench-201 after few steps: Kendall's tau against the table.

    python benchmarks/short_searches.py --data-dir DIR --table nasbench201.csv --recipes fairnas gdas --steps 500 2000

Each recipe trains its shared weights, with its own probes, for about so many steps; then random cells are scored on
them as the recipe scores, and compared with the table's validation accuracy after 12 epochs on the benchmark's full
form. `--set` gives settings in place of the recipe's (batch_size=32); `--recalibrate` scores the same weights several
times, with statistics from so many minibatches. What tells a cell's number of convolutions is said beside it. Results go
to a JSON file as they come, from which an interrupted study goes on; with `--no-training` it is only reported.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

import netwright as nw
from netwright.cli.arguments import called, pairs
from netwright.core.randomness import Generators
from netwright.core.trial import Proposal, Trial
from netwright.engine.rounds import round_estimator
from netwright.engine.session import fresh
from netwright.recipes import load
from netwright.results.audit import kendall_tau as kendall
from netwright.spaces.nasbench201 import OPERATIONS

VALID, TEST = "cifar10_valid_12", "cifar10_test_200"
RESAMPLES = 1000
Case = tuple[str, int, int]  # recipe, steps, seed


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    with Path(options.table).open(newline="") as file:
        table = {row["arch"]: row for row in csv.DictReader(file)}
    known: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {}
    task = nw.tasks.open_task(options.data, data_dir=options.data_dir, limit=options.examples)
    for case in cases(options):
        key = " ".join(map(str, (*case, options.set or "defaults", options.channels, options.cells, options.data)))
        if key not in known:
            known[key] = studied(case, task, table, options)
            options.out.write_text(json.dumps(known, indent=1))
        told(key, known[key])
    summary(known)


def cases(options: argparse.Namespace) -> Iterator[Case]:
    for steps in options.steps:
        for recipe in options.recipes:
            for seed in range(options.seeds):
                yield recipe, steps, seed


def studied(case: Case, task: nw.Task, table: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Train, score random cells, and compare."""
    recipe, steps, seed = case
    space = nw.spaces.NasBench201(channels=options.channels, cells=options.cells)
    search = made(recipe, space, task, steps, seed, options.set)
    began = time.process_time()
    trained, named = train(search, seed)
    seconds = time.process_time() - began
    estimator: Any = round_estimator(search.estimator)
    rng = np.random.default_rng(1000 + seed)
    cells = [space.sample(rng) for _ in range(options.networks)]
    found: dict[str, Any] = {
        "steps": trained,
        "seconds": seconds,
        "named": named and float(table[named][VALID]),
        "named_test": named and float(table[named][TEST]),
        "cells": [str(each) for each in cells],
        "true": [float(table[str(each)][VALID]) for each in cells],
        "scores": {},
    }
    share = min(1.0, options.validation / len(estimator.weights.held_out))
    for minibatches in options.recalibrate or [estimator.recalibrate]:
        estimator.recalibrate = minibatches
        began = time.process_time()
        measured = [estimator.estimate(Proposal(each, fidelity=share), 0).metrics for each in cells]
        found["scores"][str(minibatches)] = {
            "accuracy": [each["val_accuracy"] for each in measured],
            "loss": [each["val_loss"] for each in measured],
            "seconds": (time.process_time() - began) / len(cells),
        }
    return found


def made(recipe: str, space: nw.Space, task: nw.Task, steps: int, seed: int, given: str) -> nw.Search:
    """The recipe's search with as many epochs as come nearest to so many steps."""
    epochs = 1
    for _ in range(3):  # the minibatch may depend on the epochs
        fixed = {"epochs": epochs, "seed": seed, "device": "cpu", "alarms": False}
        search = called(load(recipe), recipe, space, task, options=pairs(given), fixed=fixed)
        shared: Any = round_estimator(search.estimator)
        training = len(task.train) - round(len(task.train) * shared.split)
        epochs = max(1, round(steps / (training // shared.settings.batch_size)))
    return search


def train(search: nw.Search, seed: int) -> tuple[int, str | None]:
    """Every round of the weight training. The steps taken, and the cell that a mixture stands for in the end."""
    estimator: Any = round_estimator(search.estimator)
    strategy, draw = fresh(search.strategy), Generators(seed)
    estimator.begin(seed)
    for number in range(10_000_000):
        proposal = strategy.ask(draw(0, number))
        if proposal is None or not proposal.is_round:
            break
        strategy.tell(Trial(0, proposal, "completed", estimator.advance(proposal)))
        if estimator.epoch_ended:
            estimator.epoch(strategy.mixture())
    named = None if proposal is None or strategy.mixture() is None else str(proposal.candidate)
    return estimator.weights.step, named


# Comparing.


def told(key: str, found: dict[str, Any]) -> None:
    true = np.array(found["true"])
    counts = {name: np.array([cell.count(name) for cell in found["cells"]]) for name in OPERATIONS}
    convolutions = counts["nor_conv_1x1"] + counts["nor_conv_3x3"]
    print(f"{key}: {found['steps']} steps, {found['seconds']:.0f} s, named {found['named']} valid, {found['named_test']} test")
    print(f"  tau of the number of convolutions with the truth {kendall(convolutions, true):.2f}")
    for minibatches, scores in found["scores"].items():
        accuracy, loss = np.array(scores["accuracy"]), -np.array(scores["loss"])
        low, high = interval(accuracy, true)
        best = true[np.argsort(-accuracy)[:5]].mean()
        with_counts = " ".join(f"{name} {kendall(accuracy, count):.2f}" for name, count in counts.items())
        print(
            f"  statistics {minibatches:>4}: tau {kendall(accuracy, true):.2f} ({low:.2f} to {high:.2f}), by loss "
            f"{kendall(loss, true):.2f}, with {with_counts}, accuracy {accuracy.mean():.3f} ± {accuracy.std():.3f}, "
            f"top 5 {best:.1f} of {true.mean():.1f}, {scores['seconds']:.2f} s a cell",
            flush=True,
        )


def interval(scores: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """95 %, by resampling cells."""
    rng = np.random.default_rng(0)
    chosen = rng.integers(len(true), size=(RESAMPLES, len(true)))
    taus = [kendall(scores[each], true[each]) for each in chosen]
    low, high = np.quantile(taus, (0.025, 0.975))
    return float(low), float(high)


def summary(known: dict[str, Any]) -> None:
    """Mean and spread over seeds."""
    print()
    together: dict[str, list[float]] = {}
    for key, found in known.items():
        recipe, steps, _, *rest = key.split()
        for minibatches, scores in found["scores"].items():
            name = " ".join((recipe, steps, *rest, "statistics", minibatches))
            tau = kendall(np.array(scores["accuracy"]), np.array(found["true"]))
            together.setdefault(name, []).append(tau)
    for name, taus in together.items():
        spread = f" ± {statistics.stdev(taus):.2f}" if len(taus) > 1 else ""
        print(f"{name}: tau {statistics.fmean(taus):.2f}{spread} (n = {len(taus)} searches)")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--channels", type=int, default=4)
    parser.add_argument("--cells", type=int, default=1)
    parser.add_argument("--recipes", nargs="+", default=["single-path-one-shot", "fairnas"])
    parser.add_argument("--steps", nargs="+", type=int, default=[500, 2000, 8000])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--networks", type=int, default=100)
    parser.add_argument("--validation", type=int, default=1000, help="images that cells are scored on, at most")
    parser.add_argument("--recalibrate", nargs="*", type=int)
    parser.add_argument("--set", default="", help="settings in place of the recipe's, as name=value,...")
    parser.add_argument("--out", type=Path, default=Path("short_searches.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
