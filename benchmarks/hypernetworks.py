"""How well weights that a hypernetwork makes rank networks: Kendall's tau against training each of them alone.

    python benchmarks/hypernetworks.py --data digits --space nasbench201:channels=4,cells=1 --methods ghn smash

For each seed, random networks are drawn and trained alone, as `netwright audit` does, and then scored by each method's
shared weights on the same held-out examples. Beside the intervals over networks stands that of the mean over seeds, by
Student's t. For comparison, `single-path-one-shot` is a supernet; `parameters` ranks by the number of them. Results go
to a JSON file (`--out`) as they come, from which an interrupted study goes on. `--shrink 2` averages squares of 2 x 2
pixels. `--smallest` tries the script itself. Seconds are of the processor, with one thread.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import netwright as nw
from netwright.benchmarks.auditing import training_alone
from netwright.catalogue import load
from netwright.catalogue.arguments import called, construct, pairs, split
from netwright.core.correlation import bootstrap, kendall
from netwright.core.trial import Proposal
from netwright.strategies.unseen import Unseen
from short_searches import shrunk, train

CHEAP = "parameters"


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    task, known = read(options), Known(options.out)
    name, settings = split(options.space)
    space = construct(load("space", name), options=settings)
    for seed in range(options.seeds):
        drawn = draw(space, options.networks, seed)
        for method in (*options.methods, CHEAP):
            studied(method, space, task, drawn, seed, options, known)
    summary(known, options)


class Known:
    """What was measured so far, in a file where there is one."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.found: dict[str, Any] = json.loads(path.read_text()) if path and path.exists() else {}

    def __call__(self, key: str, measure: Any) -> Any:
        if key not in self.found:
            began = time.process_time()
            self.found[key] = {"value": measure(), "seconds": time.process_time() - began}
            if self.path:
                self.path.write_text(json.dumps(self.found, indent=1))
        return self.found[key]["value"]


def read(options: argparse.Namespace) -> nw.Task:
    task = nw.tasks.open_task(options.data, data_dir=options.data_dir, limit=options.examples)
    return task if options.shrink == 1 else shrunk(task, options.shrink)


def draw(space: nw.Space, count: int, seed: int) -> list[nw.Architecture]:
    unseen, rng = Unseen(space), np.random.default_rng(1000 + seed)
    return [unseen.draw(rng) for _ in range(count)]


def studied(
    method: str,
    space: nw.Space,
    task: nw.Task,
    drawn: list[nw.Architecture],
    seed: int,
    options: argparse.Namespace,
    known: Known,
) -> None:
    """Scores of these networks by one method, beside their true ones."""
    true = np.array(known(f"alone, seed {seed}", lambda: alone(space, task, drawn, seed, options)))
    if method == CHEAP:
        cost = nw.estimators.Cost(space, task.shape)
        scores = np.array([cost.estimate(Proposal(each), 0).metrics["params"] for each in drawn])
    else:
        scores = np.array(known(f"{method}, seed {seed}", lambda: shared(method, space, task, drawn, seed, options)))
    low, high = bootstrap(kendall, scores, true)
    print(
        f"{method}, seed {seed}: tau {kendall(scores, true):.2f} ({low:.2f} to {high:.2f}), n = {len(drawn)}; scores "
        f"{scores.mean():.3f} ± {scores.std():.3f}, true {true.mean():.3f} ± {true.std():.3f}",
        flush=True,
    )


def made(method: str, space: nw.Space, task: nw.Task, seed: int, options: argparse.Namespace) -> nw.Search:
    name, settings = split(method)
    fixed = {"epochs": options.epochs, "seed": seed, "device": "cpu"}
    return called(load("search", name), name, space, task, options={**pairs(options.set), **settings}, fixed=fixed)


def shared(
    method: str, space: nw.Space, task: nw.Task, drawn: list[nw.Architecture], seed: int, options: argparse.Namespace
) -> list[float]:
    """What the method's shared weights score these networks with."""
    search = made(method, space, task, seed, options)
    train(search, seed)
    score = f"val_{task.problem.main.name}"
    return [float(search.estimator.estimate(Proposal(each), 0).metrics[score]) for each in drawn]


def alone(
    space: nw.Space, task: nw.Task, drawn: list[nw.Architecture], seed: int, options: argparse.Namespace
) -> list[float]:
    """What these networks score when each is trained by itself; the worst there is for one that failed."""
    search = made(options.methods[0], space, task, seed, options)
    estimator = training_alone(search, options.alone)
    run = nw.Search(nw.strategies.Listed(space, drawn), estimator, seed=seed).run()
    score = f"val_{task.problem.main.name}"
    ended = {trial.architecture: trial for trial in run.trials}
    return [float(ended[each].metrics[score]) if ended[each].completed else 0.0 for each in drawn]


def summary(known: Known, options: argparse.Namespace) -> None:
    """The mean over seeds, with its 95 % interval."""
    from scipy.stats import t

    for method in options.methods:
        taus = [
            float(kendall(*(known.found[f"{each}, seed {seed}"]["value"] for each in (method, "alone"))))
            for seed in range(options.seeds)
        ]
        seconds = statistics.fmean(known.found[f"{method}, seed {seed}"]["seconds"] for seed in range(options.seeds))
        n, mean = len(taus), statistics.fmean(taus)
        half = t.ppf(0.975, n - 1) * statistics.stdev(taus) / n**0.5 if n > 1 else float("nan")
        told = ", ".join(f"{each:.2f}" for each in taus)
        print(
            f"{method}: tau {mean:.2f} ({mean - half:.2f} to {mean + half:.2f}) over {n} seeds: {told}; {seconds:.0f} s"
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", default="digits")
    parser.add_argument("--data-dir")
    parser.add_argument("--examples", type=int)
    parser.add_argument("--shrink", type=int, default=1)
    parser.add_argument("--space", default="nasbench201:channels=4,cells=1")
    parser.add_argument("--methods", nargs="+", default=["ghn", "smash", "single-path-one-shot"])
    parser.add_argument("--set", default="", help="settings for all methods, as name=value,...")
    parser.add_argument("--epochs", type=int, default=30, help="of the shared weights")
    parser.add_argument("--alone", type=int, default=10, help="epochs of each network alone")
    parser.add_argument("--networks", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--smallest", action="store_true")
    options = parser.parse_args()
    if options.smallest:
        options.examples, options.epochs, options.alone, options.networks, options.seeds = 60, 1, 1, 4, 1
        options.space, options.methods = "nasbench201:channels=2,cells=1", ["ghn"]
    return options


if __name__ == "__main__":
    main()
