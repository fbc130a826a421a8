"""A training step on one path of a supernet against the same step of that network alone, side by side.

    python benchmarks/paths.py

Both compute in one thread on the same batches; the pairs alternate. Also what drawing an architecture and switching the
supernet to it cost.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch
from torch import Tensor, nn

import netwright as nw
from netwright.core.task import Augmentation, Data, Examples
from netwright.estimators.sharing.settings import SETTINGS
from netwright.estimators.sharing.stages import Stage
from netwright.estimators.sharing.weights import Weights
from netwright.problems.classification import Classification
from netwright.supernets.selection import setting_of
from netwright.training.optimisers import build_optimiser


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--smallest", action="store_true", help="small networks: only to see that it runs")
    options = parser.parse_args()
    torch.set_num_threads(1)
    spaces = [nw.spaces.NasBench201(), nw.spaces.Darts(), nw.spaces.Chain()]
    if options.smallest:
        spaces = [nw.spaces.NasBench201(channels=4, cells=1), nw.spaces.Darts(cells=3, channels=4)]
    for space in spaces:
        compare(space, options.batch, options.steps)


def compare(space: nw.Space, batch: int, steps: int) -> None:
    shape, device = nw.TaskShape((3, 32, 32), 10), torch.device("cpu")
    examples = Examples(torch.randint(256, (4 * batch, 3, 32, 32), dtype=torch.uint8), torch.randint(10, (4 * batch,)))
    data = Data(examples, examples, (0.5,) * 3, (0.25,) * 3, Classification("0123456789"), Augmentation())
    settings = SETTINGS.replace(batch_size=batch, epochs=100)
    weights = Weights((Stage(space, 100),), data, shape, settings, 0, device)
    rng = np.random.default_rng(0)
    ratios: list[float] = []
    for _ in range(steps):
        architecture = space.sample(rng)
        alone = weights.supernet.extract(architecture).to(memory_format=torch.channels_last)  # pyright: ignore
        optimiser = build_optimiser(alone.train(), settings)
        seconds: tuple[list[float], list[float]] = ([], [])
        for turn in range(3):
            inputs, labels, _ = weights.training(turn)
            began = time.perf_counter()
            proposal = nw.Proposal(architecture, "train")
            with weights.running(proposal):
                weights.round(proposal)
            middle = time.perf_counter()
            step(alone, optimiser, inputs, labels)
            if turn:  # the first of each pays for what is done once
                seconds[0].append(middle - began)
                seconds[1].append(time.perf_counter() - middle)
        ratios.append(min(seconds[0]) / min(seconds[1]))
    draws = timed(lambda: weights.supernet.space.sample(rng), 1000)
    switches = timed(lambda: setting_of(architecture), 1000)
    print(
        f"{space}: path step / stand-alone {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}, "
        f"n = {len(ratios)} architectures); draw {1e6 * draws:.0f} µs, switch {1e6 * switches:.0f} µs"
    )


def step(network: nn.Module, optimiser: torch.optim.Optimizer, inputs: Tensor, labels: Tensor) -> None:
    """A bare training step."""
    output = network(inputs)
    loss = nn.functional.cross_entropy(output[0] if isinstance(output, tuple) else output, labels)
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    optimiser.zero_grad()


def timed(call: object, count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        call()  # pyright: ignore
    return (time.perf_counter() - began) / count


if __name__ == "__main__":
    main()
