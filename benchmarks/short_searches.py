"""How well shared weights rank cells of NAS-Bench-201 after few steps: Kendall's tau against the table.

    python benchmarks/short_searches.py --data-dir DIR --table nasbench201.csv --recipes fairnas gdas --steps 500 2000

Each recipe trains its shared weights, with its own probes, for about so many steps; then random cells are scored on
them and compared with the table's validation accuracy after 12 epochs. `--set` gives settings in place of the recipe's
(batch_size=32), once for each time it is given; `--recalibrate` scores the same weights several times, with statistics
from so many minibatches. Why a ranking is as it is tells tau with the number of each operation in a cell: where skips
and pooling rise and convolutions fall, the convolutions are trained too little. `--shrink 2` averages squares of 2 x 2
pixels, which makes steps cheaper. Seconds are of the processor, with one thread. Results go to a JSON file (`--out`) as
they come, from which an interrupted study goes on. `--smallest` tries the script itself, on digits.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

import netwright as nw
from netwright.catalogue import load
from netwright.catalogue.arguments import called, pairs
from netwright.core.correlation import kendall
from netwright.core.randomness import Generators
from netwright.core.task import Augmentation
from netwright.core.trial import Proposal, Trial
from netwright.engine.rounds import round_estimator
from netwright.engine.session import prepared
from netwright.methods.weight_sharing import training_steps
from netwright.spaces.nasbench201 import OPERATIONS

VALID, TEST = "cifar10_valid_12", "cifar10_test_200"
RESAMPLES = 1000
Case = tuple[str, int, str, int]  # recipe, steps, settings, seed
Table = dict[str, dict[str, Any]]


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    space = nw.spaces.NasBench201(channels=options.channels, cells=options.cells)
    task = read(options)
    table = read_table(options.table)
    known: dict[str, Any] = json.loads(options.out.read_text()) if options.out and options.out.exists() else {}
    for case in cases(options):
        what = " ".join(map(str, case[:3])) + f" ({options.data}, {space}, shrink {options.shrink})"
        key = f"{what}, seed {case[3]}"
        if key not in known:
            known[key] = {"what": what, **studied(case, space, task, table, options)}
            if options.out:
                options.out.write_text(json.dumps(known, indent=1))
        tell(key, known[key])
    summary(known)


def cases(options: argparse.Namespace) -> Iterator[Case]:
    yield from itertools.product(options.recipes, options.steps, options.set or [""], range(options.seeds))


def read_table(path: str) -> Table:
    with Path(path).open(newline="") as file:
        return {row["arch"]: row for row in csv.DictReader(file)}


def read(options: argparse.Namespace) -> nw.Task:
    if options.smallest:
        return nw.tasks.digits(limit=200)
    task = nw.tasks.open_task(options.data, data_dir=options.data_dir, limit=options.examples)
    return task if options.shrink == 1 else shrunk(task, options.shrink)


def shrunk(task: nw.Task, factor: int) -> nw.Task:
    """The same images with means over squares for pixels, shifted by as much less."""
    images, labels = (np.asarray(each) for each in (task.train.inputs, task.train.targets))
    count, channels, height, width = images.shape
    parts = images.astype(np.float32).reshape(count, channels, height // factor, factor, width // factor, factor)
    small = parts.mean((3, 5)).round().astype(images.dtype)
    shift = Augmentation(flip=task.augmentation.flip, padding=task.augmentation.padding // factor)
    return nw.tasks.arrays(small, labels, test=(small[:200], labels[:200]), augmentation=shift)  # no test is made


# One training, scored.


def studied(case: Case, space: nw.Space, task: nw.Task, table: Table, options: argparse.Namespace) -> dict[str, Any]:
    """Train, score random cells, and set them beside the truth."""
    recipe, steps, settings, seed = case
    search = made(recipe, space, task, steps, seed, settings)
    began = time.process_time()
    trained, named = train(search, seed)
    seconds = time.process_time() - began
    estimator: Any = round_estimator(search.estimator)
    rng = np.random.default_rng(1000 + seed)
    cells = [space.sample(rng) for _ in range(options.networks)]
    ways = options.recalibrate or [estimator.recalibrate]
    return {
        "steps": trained,
        "seconds": seconds,
        "named": None if named is None else [float(table[named][name]) for name in (VALID, TEST)],
        "cells": [str(each) for each in cells],
        "true": [float(table[str(each)][VALID]) for each in cells],
        "scores": {str(each): scored(estimator, cells, each, options.validation) for each in ways},
    }


def made(recipe: str, space: nw.Space, task: nw.Task, steps: int, seed: int, settings: str) -> nw.Search:
    """The recipe's search with as many epochs as come nearest to so many steps."""
    epochs = 1
    while True:
        fixed = {"epochs": epochs, "seed": seed, "device": "cpu", "alarms": False}
        search = called(load("search", recipe), recipe, space, task, options=pairs(settings), fixed=fixed)
        shared: Any = round_estimator(search.estimator)
        wanted = max(1, round(steps / (training_steps(shared) / epochs)))
        if wanted <= epochs:  # the minibatch may depend on the epochs
            return search
        epochs = wanted


def train(search: nw.Search, seed: int) -> tuple[int, str | None]:
    """Every round of the weight training. The steps taken, and the cell that a mixture stands for in the end."""
    estimator: Any = round_estimator(search.estimator)
    strategy, draw = prepared(search), Generators(seed)
    estimator.begin(seed)
    for number in itertools.count():
        proposal = strategy.ask(draw(0, number))
        if proposal is None or not proposal.is_round:
            break
        strategy.tell(Trial(0, proposal, "completed", estimator.advance(proposal)))
        if estimator.epoch_ended:
            estimator.epoch(strategy.mixture())
    if proposal is None or strategy.mixture() is None:
        return estimator.weights.step, None
    return estimator.weights.step, str(proposal.candidate)


def scored(estimator: Any, cells: list[nw.Architecture], minibatches: int, images: int) -> dict[str, Any]:
    """Accuracy, loss and seconds a cell, with statistics from so many minibatches, on so many images at most."""
    estimator.recalibrate = minibatches
    share = min(1.0, images / len(estimator.weights.held_out))
    began = time.process_time()
    found = [estimator.estimate(Proposal(each, fidelity=share), 0).metrics for each in cells]
    seconds = (time.process_time() - began) / len(cells)
    return {**{name: [each[f"val_{name}"] for each in found] for name in ("accuracy", "loss")}, "seconds": seconds}


# Comparing.


def tell(key: str, found: dict[str, Any]) -> None:
    true = np.array(found["true"])
    print(f"{key}: {found['steps']} steps, {found['seconds']:.1f} s, names a cell of {found['named']}")
    for minibatches, scores in found["scores"].items():
        accuracy = np.array(scores["accuracy"])
        low, high = interval(accuracy, true)
        counts = {name: np.array([cell.count(name) for cell in found["cells"]]) for name in OPERATIONS}
        operations = ", ".join(f"{name} {kendall(accuracy, count):.2f}" for name, count in counts.items())
        print(
            f"  statistics {minibatches}: tau {kendall(accuracy, true):.2f} ({low:.2f} to {high:.2f}), "
            f"by loss {kendall(-np.array(scores['loss']), true):.2f}; with {operations}; accuracy "
            f"{accuracy.mean():.3f} ± {accuracy.std():.3f}, {scores['seconds']:.2f} s a cell",
            flush=True,
        )


def interval(scores: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """95 %, by resampling cells."""
    chosen = np.random.default_rng(0).integers(len(true), size=(RESAMPLES, len(true)))
    low, high = np.quantile([kendall(scores[each], true[each]) for each in chosen], (0.025, 0.975))
    return float(low), float(high)


def summary(known: dict[str, Any]) -> None:
    """Mean and spread over the seeds."""
    together: dict[str, list[float]] = {}
    for found in known.values():
        for minibatches, scores in found["scores"].items():
            name = f"{found['what']}, statistics {minibatches}"
            together.setdefault(name, []).append(kendall(np.array(scores["accuracy"]), np.array(found["true"])))
    for name, taus in together.items():
        spread = f" ± {statistics.stdev(taus):.2f}" if len(taus) > 1 else ""
        print(f"{name}: tau {statistics.fmean(taus):.2f}{spread} (n = {len(taus)})")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--data-dir")
    parser.add_argument("--table", required=True)
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--shrink", type=int, default=1)
    parser.add_argument("--channels", type=int, default=4)
    parser.add_argument("--cells", type=int, default=1)
    parser.add_argument("--recipes", nargs="+", default=["single-path-one-shot", "fairnas"])
    parser.add_argument("--steps", nargs="+", type=int, default=[500, 2000, 8000])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--networks", type=int, default=100)
    parser.add_argument("--validation", type=int, default=500, help="images that cells are scored on, at most")
    parser.add_argument("--recalibrate", nargs="*", type=int)
    parser.add_argument("--set", action="append", help="settings in place of the recipe's, as name=value,...")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--smallest", action="store_true")
    options = parser.parse_args()
    if options.smallest:
        options.steps, options.seeds, options.networks, options.channels = [2], 1, 10, 2
        options.data = "digits"
    elif options.data_dir is None:
        parser.error("--data-dir is needed, or --smallest")
    return options


if __name__ == "__main__":
    main()
