"""AtomNAS against random search in its space: equal processor time, one limit, the same held-out examples.

python benchmarks/shrinking_network.py DATA --seeds 3
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence

import torch

from netwright.core.closest import largest
from netwright.engine import Search
from netwright.estimators import Cost, Training
from netwright.methods import atomnas
from netwright.spaces import Mobile
from netwright.strategies import RandomSearch
from netwright.tasks import Task, open_task

VALIDATION = 0.2  # the same share of the examples for both


def shrunk(space: Mobile, task: Task, limit: str, epochs: int, seed: int) -> tuple[float, float]:
    """Accuracy of what AtomNAS hands over, and the processor seconds that it took."""
    began = time.process_time()
    search = atomnas(space, task, epochs=epochs, seed=seed, device="cpu", split=VALIDATION)
    run = search.replace(constraints=[limit]).run(preflight=False)
    return run.best.metrics["val_accuracy"], time.process_time() - began


def drawn(space: Mobile, task: Task, limit: str, epochs: int, seed: int, seconds: float) -> tuple[float, int]:
    """Accuracy of the best random network, and how many were trained until the processor seconds were over."""
    training, began, found = Training(space, task, epochs=epochs, validation=VALIDATION, device="cpu"), 0.0, []
    began = time.process_time()
    while not found or time.process_time() - began < seconds:
        search = Search(RandomSearch(space), training, constraints=[limit], seed=1000 * seed + len(found))
        found.append(search.run(trials=1, preflight=False).best.metrics["val_accuracy"])
    return max(found), len(found)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--examples", type=int, default=800)
    parser.add_argument("--limit", default="macs <= 1M")
    parser.add_argument("--width", type=float, default=0.1)
    parser.add_argument("--last", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=30, help="of AtomNAS")
    parser.add_argument("--candidate-epochs", type=int, default=25, help="of a random network")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    space, task = Mobile("atomnas", width=asked.width, last=asked.last), open_task(asked.data, limit=asked.examples)
    Cost(space, task.shape).figures(largest(space))
    rows: list[tuple[float, float]] = []
    for seed in range(asked.seeds):
        accuracy, seconds = shrunk(space, task, asked.limit, asked.epochs, seed)
        best, count = drawn(space, task, asked.limit, asked.candidate_epochs, seed, seconds)
        rows.append((accuracy, best))
        print(
            f"seed {seed}  {seconds:.0f} s  AtomNAS {accuracy:.2%}  best of {count} random networks {best:.2%}",
            flush=True,
        )
    means = [statistics.mean(each) for each in zip(*rows, strict=True)]
    print(f"mean of {asked.seeds}  AtomNAS {means[0]:.2%}  random {means[1]:.2%}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
