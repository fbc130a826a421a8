"""Random programs of sums, views, in-place changes and layers: their code computes what they compute."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from generated import remake
from torch import Tensor, nn


class Program(nn.Module):
    """Does 3 to 14 random things, the same each time."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])
        self.relu = nn.ReLU(inplace=True)
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        draw = random.Random(self.seed)
        values = [x, self.scale * x]
        for _ in range(draw.randint(3, 14)):
            value = self.step(draw, values)
            values.append(value.clamp(-9, 9) if draw.random() < 0.3 else value)
            if len(values) > 2 and draw.random() < 0.2:
                values.pop(draw.randrange(len(values)))
        return sum(values)  # pyright: ignore

    def step(self, draw: random.Random, values: list[Tensor]) -> Tensor:
        a, b = draw.choice(values), draw.choice(values)
        kind = draw.randrange(9)
        if kind == 0:
            return a - b * 2
        if kind == 1:
            return self.layers[draw.randrange(3)](a)
        if kind == 2:
            return self.relu(a)
        if kind == 3:
            a += b
            return a
        if kind == 4:
            return (a * b) - (a - b)
        if kind == 5:
            return torch.stack([a, b, draw.choice(values)]).mean(0)
        if kind == 6:
            return F.relu(-a) ** 2 / (1 + b.abs())
        if kind == 7:
            a[:, 1] = b[:, 0]
            return torch.cat([a[:, :2], b[:, 2:]], dim=-1)
        return a.add_(1).view(a.shape[0], -1)


@pytest.mark.parametrize("first", [0, 20, 40])
def test_random_programs(first: int, tmp_path: Path) -> None:
    torch.manual_seed(first)
    for seed in range(first, first + 20):
        remake(Program(seed), (4,), tmp_path)
