"""Proxies run with channels last in memory, and give the scores that they give with channels first."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.core.task import Examples
from netwright.estimators.zero_cost.passes import scores
from netwright.estimators.zero_cost.zero_cost import PROXIES

SPACE = nw.spaces.NasBench201(channels=4, cells=1)


def drawn(seed: int) -> Examples:
    generator = torch.Generator().manual_seed(seed)
    return Examples(torch.randn(16, 3, 16, 16, generator=generator), torch.arange(16) % 4)


def scored(number: int, names: list[str], layout: torch.memory_format) -> dict[str, float]:
    torch.manual_seed(number)
    network = SPACE.build(SPACE.at(number), nw.TaskShape((3, 16, 16), 4)).to(memory_format=layout)
    return scores(network, drawn(0), {name: PROXIES[name]() for name in names}, second=drawn(1), seed=3)


@pytest.mark.parametrize("number", [777, 4321, 12345])
def test_scores_do_not_depend_on_the_layout(number: int) -> None:
    for names in ([name] for name in PROXIES):
        first = scored(number, names, torch.contiguous_format)
        last = scored(number, names, torch.channels_last)
        assert last == pytest.approx(first, rel=5e-3, abs=1e-6)


@pytest.mark.parametrize("name", [name for name in PROXIES if name != "synflow"])
def test_images_reach_the_convolutions_with_channels_last(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    forward = nn.Conv2d.forward

    def watched(self: nn.Conv2d, inputs: torch.Tensor) -> torch.Tensor:
        if self.in_channels == 3 and len(inputs) > 2:
            seen.append(inputs.is_contiguous(memory_format=torch.channels_last) and not inputs.is_contiguous())
        return forward(self, inputs)

    monkeypatch.setattr(nn.Conv2d, "forward", watched)
    pictures = np.random.default_rng(0).random((64, 3, 8, 8), dtype=np.float32)
    task = nw.tasks.arrays(pictures, np.arange(64) % 4)
    nw.estimators.ZeroCost(SPACE, task, [name], batch_size=8, device="cpu").scores(SPACE.at(12345))
    assert seen and any(seen)
