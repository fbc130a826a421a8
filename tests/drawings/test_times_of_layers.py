"""Times of layers: of each that runs, by its name, summed over its calls."""

from __future__ import annotations

import time

import pytest
import torch
from torch import Tensor, nn

from netwright.drawings.timing import latencies_of


class Slow(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        time.sleep(0.005)
        return x


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.once, self.twice, self.never = Slow(), Slow(), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.twice(self.twice(self.once(x)))


def test_each_layer_has_the_time_of_all_its_calls() -> None:
    network = Twice().train()
    spent = latencies_of(network, torch.zeros(1, 2), repeats=5)
    assert set(spent) == {"once", "twice"}
    assert spent["once"] >= 5 and spent["twice"] >= 10
    assert spent["twice"] / spent["once"] == pytest.approx(2, rel=0.5)
    assert network.training and not network.once._forward_hooks
