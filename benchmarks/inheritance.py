"""Does it pay that a child begins from its parent's weights? Best validation accuracy at equal time of training.

    python benchmarks/inheritance.py [--space chain|free-graph] [--seeds 5] [--seconds 12] [--epochs 2] [--share 0.5]
        [--data digits] [--smallest]

Regularized evolution (population 8, samples of 3) trains each child anew, or has it begin from its parent's weights and
trains it for a share of the epochs. A chain's child takes over the layers that fit, or as the space itself has it the
common parts of all layers in the same place. Each search ends when its trainings took so many seconds of the processor;
searches of one seed begin with the same networks.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from typing import Any

import torch
from torch import nn

import netwright as nw
from netwright.core.errors import StopSearch
from netwright.core.inheriting import take_over
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.estimators import Training
from netwright.spaces import Chain, FreeGraph

POPULATION, TOURNAMENT = 8, 3
SMALLEST: dict[str, Any] = {"seeds": 1, "seconds": 0.5, "epochs": 1}


class Fitting(Chain):
    """A chain whose children take over no parts of layers of other sizes."""

    def inherit(
        self, parent_network: nn.Module, child_network: nn.Module, parent: nw.Architecture, child: nw.Architecture
    ) -> int:
        return take_over(self, parent_network, child_network, parent, child)


class Timed(Training):
    """Adds the processor seconds of each training."""

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        begun = time.process_time()
        found = super().estimate(proposal, seed)
        return Measurement({**found.metrics, "cpu_seconds": time.process_time() - begun}, curve=found.curve)


class Bounded(nw.Strategy):
    """Another strategy until its trainings took so many seconds."""

    def __init__(self, strategy: nw.Strategy, seconds: float) -> None:
        self.strategy, self.space, self.seconds = strategy, strategy.space, seconds
        self.inherits, self.spent = strategy.inherits, 0.0

    def ask(self, rng: Any) -> Proposal | None:
        if self.spent >= self.seconds:
            raise StopSearch("the time is spent")
        return self.strategy.ask(rng)

    def tell(self, trial: Trial) -> None:
        self.spent += trial.metrics.get("cpu_seconds", 0.0)
        self.strategy.tell(trial)

    def may_continue(self, number: int) -> bool:
        return self.strategy.may_continue(number)


def searched(training: Training, share: float, seed: int, seconds: float) -> tuple[float, float, float]:
    """The best accuracy, how many networks were trained, and what share of their parameters children took over."""
    own: dict[str, Any] = {"inherit": True, "child_share": share} if share else {}
    strategy = nw.strategies.RegularizedEvolution(training.space, POPULATION, TOURNAMENT, repeats=False, **own)
    with tempfile.TemporaryDirectory() as folder:
        run = nw.Search(Bounded(strategy, seconds), training, seed=seed).run(trials=10_000, store=folder)
        best = run.best  # which looks into the folder
    found = [each.metrics for each in run.trials if "inherited_params" in each.metrics]
    taken = [each["inherited_params"] / each["params"] for each in found]
    return 100 * best.metrics["val_accuracy"], len(run.trials), 100 * statistics.mean(taken or [0.0])


def row(name: str, found: list[tuple[float, float, float]], plain: list[tuple[float, float, float]]) -> str:
    scores, networks, taken = zip(*found, strict=True)
    error = statistics.stdev(scores) / len(scores) ** 0.5 if len(scores) > 1 else 0.0
    gains = [own - other[0] for own, other in zip(scores, plain, strict=True)]
    against = " ".join(f"{gain:+.2f}" for gain in gains) if found is not plain else ""
    middle = f"{statistics.mean(scores):.2f} ± {error:.2f}"
    return f"| {name} | {middle} | {against} | {statistics.mean(networks):.0f} | {statistics.mean(taken):.0f} % |"


def arms_of(name: str, share: float) -> dict[str, tuple[nw.Space, float]]:
    """By name, the space and the share of the training for children that inherit; 0 for training them anew."""
    if name == "free-graph":
        graphs = FreeGraph(widths=(4, 8, 16), most=8)
        return {"anew": (graphs, 0.0), "layers that correspond": (graphs, share)}
    chain, fitting = Chain(width=4, stages=2), Fitting(width=4, stages=2)
    return {"anew": (chain, 0.0), "layers that fit": (fitting, share), "common parts": (chain, share)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=12.0, help="of the processor, for the trainings of one search")
    parser.add_argument("--epochs", type=int, default=2, help="of a training from scratch")
    parser.add_argument("--share", type=float, default=0.5, help="of them that a child takes which inherits")
    parser.add_argument("--space", default="chain", choices=("chain", "free-graph"))
    parser.add_argument("--data", default="digits")
    parser.add_argument("--smallest", action="store_true", help="few of each: only to see that it runs")
    options = parser.parse_args()
    if options.smallest:
        parser.set_defaults(**SMALLEST)
        options = parser.parse_args()
    torch.set_num_threads(1)
    task = nw.tasks.open_task(options.data)
    arms = arms_of(options.space, options.share)
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in arms}
    for seed in range(options.seeds):
        for name, (space, share) in arms.items():
            training = Timed(space, task, epochs=options.epochs, device="cpu", validation=0.4)
            found[name].append(searched(training, share, seed, options.seconds))
    print("| children | best val_accuracy | against anew, by seed | networks | taken over |")
    print("| --- | --- | --- | --- | --- |")
    for name, each in found.items():
        print(row(name, each, found["anew"]))


if __name__ == "__main__":
    main()
