from __future__ import annotations

import torch
from torch import nn
from training_parts import small

from netwright.training.average import WeightAverage


def test_the_average_is_its_closed_form():
    network = nn.Linear(3, 2).double()
    start = network.weight.detach().clone()
    average = WeightAverage(network, 0.5)
    values = [torch.randn(2, 3, dtype=torch.float64) for _ in range(12)]
    for value in values:
        network.weight.data.copy_(value)
        average.update()
    decays = [min(0.5, (1 + t) / (10 + t)) for t in range(1, 13)]
    # The weight of a value is what it came in with, times every later decay.
    expected, remaining = torch.zeros_like(start), 1.0
    for decay, value in zip(reversed(decays), reversed(values), strict=True):
        expected += remaining * (1 - decay) * value
        remaining *= decay
    assert torch.allclose(average.tensors[0], expected + remaining * start, atol=1e-12)


def test_running_statistics_are_averaged_and_counters_are_not():
    network = small()
    average = WeightAverage(network, 0.9)
    assert len(average.tensors) == len([*network.parameters()]) + 4
    network.stem[1].running_mean += 1
    network.stem[1].num_batches_tracked += 5
    average.update()
    with average.in_place():
        decay = 2 / 11
        assert torch.allclose(network.stem[1].running_mean, torch.full((8,), 1 - decay))
        assert int(network.stem[1].num_batches_tracked) == 5


def test_in_place_gives_every_bit_back():
    network = small()
    average = WeightAverage(network, 0.9)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += torch.randn_like(parameter)
    average.update()
    weights = [p.detach().clone() for p in network.parameters()]
    averages = [a.clone() for a in average.tensors]
    with average.in_place():
        held = [p.detach().clone() for p in network.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(held, averages, strict=False))
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), weights, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(average.tensors, averages, strict=True))
