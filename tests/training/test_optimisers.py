from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from training_parts import small

from netwright.training import TrainingSettings, seeded
from netwright.training.optimisers import build_optimiser, parameter_groups, set_learning_rate


def test_biases_and_normalisation_do_not_decay():
    norms = nn.Sequential(nn.GroupNorm(2, 4), nn.LayerNorm(4), nn.BatchNorm1d(4))
    network = nn.ModuleDict({"small": small(auxiliary=True), "norms": norms})
    names = {parameter: name for name, parameter in network.named_parameters()}
    decayed, free = parameter_groups(network, 0.3)
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.3, 0.0)
    assert {names[p] for p in decayed["params"]} == {
        "small.stem.0.weight",
        "small.path.inner.0.weight",
        "small.head.weight",
        "small.auxiliary.weight",
    }
    assert len(decayed["params"]) + len(free["params"]) == len(names)


def test_frozen_parameters_are_left_out():
    network = small()
    network.head.requires_grad_(False)
    groups = parameter_groups(network, 0.1)
    assert not {id(p) for p in network.head.parameters()} & {id(p) for group in groups for p in group["params"]}


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_steps_equal_the_plain_formulas(optimiser, channels_last):
    """Sutskever et al. (2013) as PyTorch writes it; Loshchilov and Hutter (2019), algorithm 2."""
    with seeded(0):
        network = nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(36, 3))
        inputs, labels = torch.randn(7, 2, 5, 5), torch.randint(3, (7,))
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
    reference = copy.deepcopy(network).double()
    settings = TrainingSettings(optimiser=optimiser, momentum=0.8, weight_decay=0.05)
    ours = build_optimiser(network, settings)
    memory = {p: [torch.zeros_like(p), torch.zeros_like(p)] for p in reference.parameters()}
    for step, rate in enumerate((0.1, 0.05, 0.02), 1):
        set_learning_rate(ours, rate)
        ours.zero_grad()
        F.cross_entropy(network(inputs), labels).backward()
        ours.step()
        gradients = torch.autograd.grad(F.cross_entropy(reference(inputs.double()), labels), list(memory))
        with torch.no_grad():
            for (p, (first, second)), gradient in zip(memory.items(), gradients, strict=True):
                decay = 0.05 if p.dim() > 1 else 0.0
                if optimiser == "sgd":
                    gradient = gradient + decay * p
                    first.mul_(0.8).add_(gradient)
                    p -= rate * (gradient + 0.8 * first)
                else:
                    p *= 1 - rate * decay
                    first.mul_(0.8).add_(0.2 * gradient)
                    second.mul_(0.999).add_(0.001 * gradient**2)
                    p -= rate * (first / (1 - 0.8**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
    for found, expected in zip(network.parameters(), reference.parameters(), strict=True):
        assert torch.allclose(found.double(), expected, rtol=1e-3, atol=1e-4)
