"""Zero-cost proxies on NAS-Bench-201: what a score costs beside bare passes, and how it ranks networks.

    python benchmarks/proxies.py times [--networks 12] [--pairs 5] [--batch-size 64] [--proxies naswot,snip]
    python benchmarks/proxies.py ranks TABLE.csv DATA [--metric cifar10_test_200] [--networks 200] [--csv SCORES.csv]

times: the processor time of each score, from building the network to the number, divided by that of the bare passes
that it needs on a network that stands already: a forward pass for naswot, two for zen, a forward and a backward pass
for the others, two of these for zico; grasp needs a second backward pass through the first, and is given against one
forward and backward pass, too. synflow is also set beside its own pass: one example in double precision. Medians over
pairs measured one after the other, then over random networks of 16 channels and 5 cells; one thread.

ranks: Spearman's correlation with the table's column, and of parameters and FLOPs with it. DATA is the folder of
CIFAR-10. The same as: netwright proxies cifar10 --data-dir DATA --space nasbench201 --table TABLE.csv --metric ...
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import netwright as nw
from netwright.core.task import Examples, TaskShape
from netwright.estimators.zero_cost import PROXIES
from netwright.estimators.zero_cost.passes import scores
from netwright.training.randomness import seeded

SHAPE = TaskShape((3, 32, 32), 10)


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def forward(network: nn.Module, examples: Examples) -> Tensor:
    with torch.no_grad():
        return network(examples.inputs)


def forward_backward(network: nn.Module, examples: Examples) -> None:
    network.zero_grad()
    F.cross_entropy(network(examples.inputs), examples.targets).backward()


def bare(name: str, network: nn.Module, examples: Examples) -> Callable[[], object]:
    """The passes that a score cannot do without."""
    if name == "naswot":
        return lambda: forward(network, examples)
    if name == "zen":
        return lambda: [forward(network, examples) for _ in range(2)]
    if name == "zico":
        return lambda: [forward_backward(network, examples) for _ in range(2)]
    return lambda: forward_backward(network, examples)


def own_pass(network: nn.Module) -> Callable[[], object]:
    """One example forward and backward in double precision."""
    double = network.double()
    one = Examples(torch.ones(1, *SHAPE.input, dtype=torch.float64), torch.zeros(1, dtype=torch.int64))
    return lambda: forward_backward(double.eval(), one)


def ratio(score: Callable[[], object], beside: Callable[[], object], pairs: int) -> float:
    score()
    beside()
    return statistics.median(seconds(score) / seconds(beside) for _ in range(pairs))


def times(networks: int, pairs: int, batch_size: int, names: tuple[str, ...]) -> None:
    torch.set_num_threads(1)
    space, rng = nw.spaces.NasBench201(), np.random.default_rng(0)
    generator = torch.Generator().manual_seed(0)
    first, second = (
        Examples(
            torch.randn(batch_size, *SHAPE.input, generator=generator),
            torch.randint(SHAPE.classes, (batch_size,), generator=generator),
        )
        for _ in range(2)
    )
    found: dict[str, list[float]] = {}
    for _ in range(networks):
        architecture = space.sample(rng)
        network = space.build(architecture, SHAPE).train()

        def score(name: str, architecture: nw.Architecture = architecture) -> object:
            with seeded(0):
                built = space.build(architecture, SHAPE)
            return scores(built, first, {name: PROXIES[name]()}, second=second)

        for name in names:
            beside = bare(name, network, first)
            found.setdefault(name, []).append(ratio(lambda name=name: score(name), beside, pairs))
        if "synflow" in names:
            beside = own_pass(space.build(architecture, SHAPE))
            found.setdefault("synflow / own pass", []).append(ratio(lambda: score("synflow"), beside, pairs))
        print(architecture, {name: round(each[-1], 2) for name, each in found.items()}, flush=True)
    print(f"batch of {batch_size}, {networks} networks, {pairs} pairs each: median ratio, and the largest")
    for name, each in found.items():
        print(f"{name:20} {statistics.median(each):5.2f} {max(each):5.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    timing = commands.add_parser("times")
    timing.add_argument("--networks", type=int, default=12)
    timing.add_argument("--pairs", type=int, default=5)
    timing.add_argument("--batch-size", type=int, default=64)
    timing.add_argument("--proxies", default=",".join(PROXIES))
    ranking = commands.add_parser("ranks")
    ranking.add_argument("table", type=Path)
    ranking.add_argument("data", type=Path)
    ranking.add_argument("--metric", default="cifar10_test_200")
    ranking.add_argument("--networks", type=int, default=200)
    ranking.add_argument("--batch-size", type=int, default=64)
    ranking.add_argument("--csv", type=Path)
    options = parser.parse_args()
    if options.command == "times":
        times(options.networks, options.pairs, options.batch_size, tuple(options.proxies.split(",")))
        return
    from netwright.cli.plan import Plan
    from netwright.cli.proxies import score_networks

    plan = Plan("cifar10", str(options.data), {"limit": 0.1}, space="nasbench201", device="cpu")
    known = options.table, options.metric
    score_networks(
        plan,
        networks=options.networks,
        proxies=None,
        batch_size=options.batch_size,
        repeats=1,
        known=known,
        to=options.csv,
        as_json=False,
        quiet=False,
    )


if __name__ == "__main__":
    main()
