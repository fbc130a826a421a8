"""A space of 64 architectures, tables of it, and strategies that behave badly."""

from __future__ import annotations

import csv
import os
import signal
from pathlib import Path

import numpy as np
from torch import nn

from netwright.benchmarks import BenchmarkProblem
from netwright.core.decision_space import DecisionSpace
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.estimators.table import Table


class Small(DecisionSpace):
    """Three layers of four kinds each."""

    def network(self, choose, shape):
        def layer(index):
            return choose.one(f"layer{index}", dict.fromkeys(("a", "b", "c", "d"), nn.Identity))

        return nn.Sequential(*[layer(index) for index in range(3)], nn.Flatten(), nn.Linear(shape.features, 10))


SPACE = Small()


def columns(seed: int = 0, epochs: tuple[int, ...] = ()) -> dict[str, list]:
    """A table with valid, test and seconds; several rows an architecture where there are epochs."""
    rng = np.random.default_rng(seed)
    architectures = [str(each) for each in SPACE.enumerate()]
    quality = np.array([sum(point) for point in (each.point for each in SPACE.enumerate())], dtype=float)
    valid, test = quality + rng.normal(0, 1, 64), quality + rng.normal(0, 0.3, 64)
    found: dict[str, list] = {name: [] for name in ("arch", "epochs", "valid", "test", "seconds")}
    for epoch in epochs or (1,):
        share = epoch / max(epochs or (1,))
        found["arch"] += architectures
        found["epochs"] += [epoch] * 64
        found["valid"] += (valid * share).tolist()
        found["test"] += (test * share).tolist()
        found["seconds"] += ((10 + quality) * share).tolist()
    return found


def problem(**options) -> BenchmarkProblem:
    return BenchmarkProblem(Table(SPACE, columns(), metrics=("valid", "test"), **options), "valid", "test")


def write_table(path: Path) -> Path:
    table = columns()
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([list(table), *zip(*table.values(), strict=True)])
    return path


class Drawing(Strategy):
    """Random architectures at a third of the full fidelity."""

    def __init__(self, space, fidelity: float | None = None):
        self.space, self.fidelity = space, fidelity
        self.told = []

    def ask(self, rng):
        return Proposal(self.space.sample(rng), fidelity=self.fidelity)

    def tell(self, trial):
        assert trial.proposal.fidelity == self.fidelity
        self.told.append(trial)


class Breaking(Drawing):
    """Fails at its fourth question."""

    def ask(self, rng):
        if len(self.told) == 3:
            raise ZeroDivisionError("three is enough")
        return super().ask(rng)


class Killing(Drawing):
    """Takes its process down."""

    def tell(self, trial):
        os.kill(os.getpid(), signal.SIGKILL)
