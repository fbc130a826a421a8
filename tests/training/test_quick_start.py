"""What a worker process loads before its first step."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from netwright.tasks import digits, from_digits
from netwright.training.optimisers import SGD, AdamW, Eager

FIRST_TRAINING = """
import sys
import netwright as nw
from netwright.core.trial import Proposal
space = nw.spaces.NasBench201(channels=4, cells=1)
for optimiser in ("sgd", "adamw"):
    estimator = nw.estimators.Training(space, nw.tasks.digits(limit=100), epochs=1, optimiser=optimiser)
    for stage in estimator.stages():
        print(optimiser, stage.estimate(Proposal(space.at(3000)), 0).metrics)
    for name in ("torch._dynamo", "sklearn"):
        assert name not in sys.modules, (optimiser, name)
"""


def test_a_training_loads_neither_the_compiler_nor_scikit_learn() -> None:
    found = subprocess.run([sys.executable, "-c", FIRST_TRAINING], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("val_accuracy") == 2


def trained(make: type[torch.optim.Optimizer], **options: object) -> tuple[torch.Tensor, dict]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 1))
    optimiser = make(network.parameters(), lr=0.05, **options)
    rows = torch.randn(16, 5)
    for _ in range(4):
        optimiser.zero_grad()
        network(rows).pow(2).mean().backward()
        optimiser.step()
        optimiser.load_state_dict(optimiser.state_dict())
    return torch.cat([each.detach().flatten() for each in network.parameters()]), optimiser.state_dict()


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        (SGD, torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        (AdamW, torch.optim.AdamW, {"weight_decay": 0.1}),
    ],
)
def test_an_optimiser_without_the_compiler_takes_the_same_steps(
    ours: type[Eager], theirs: type[torch.optim.Optimizer], options: dict, fused: bool
) -> None:
    (weights, state), (expected, reference) = (trained(each, **options, fused=fused) for each in (ours, theirs))
    assert torch.equal(weights, expected)
    assert state["param_groups"] == reference["param_groups"]
    for number, values in reference["state"].items():
        for name, value in values.items():
            assert torch.equal(torch.as_tensor(state["state"][number][name]), torch.as_tensor(value)), name


def test_the_digits_are_those_that_scikit_learn_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    values, labels = load_digits(return_X_y=True)
    found = from_digits._table()
    assert np.array_equal(found[0], values) and np.array_equal(found[1], labels)
    before = digits().fingerprint
    monkeypatch.setattr(from_digits, "FILE", "nowhere")
    assert digits().fingerprint == before
