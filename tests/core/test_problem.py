"""What a problem is given for free, with kinds that a stranger might write; and what the contract finds wrong."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import netwright as nw
from netwright.core.problem import Metric, Problem
from netwright.core.task import Examples
from netwright.core.trees import first, joined, mapped
from netwright.estimators.training import Training
from netwright.tasks import Task
from netwright.testing import check_problem
from netwright.training import TrainingSettings, train

COUNTS = torch.tensor([0, 1, 3, 2, 5, 0, 1, 2, 4, 1]).float()


class Counts(Problem):
    """How often something happens: the network gives the logarithm of the rate."""

    kind = "counts"
    outputs = 1
    metrics = (Metric("deviance", "minimize"), Metric("zero_share", percent=True))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return torch.nn.functional.poisson_nll_loss(outputs[:, 0], targets, reduction="none")

    def judge(self, outputs: Tensor, targets: Tensor) -> dict[str, Any]:
        rate = outputs[:, 0].double().exp()
        deviance = 2 * (torch.xlogy(targets, targets / rate) - (targets - rate))
        return {"deviance": deviance.mean(), "zero_share": ((rate < 0.5) == (targets == 0)).double().mean()}


class Pair(Counts):
    """Two inputs and two targets under names."""

    def loss(self, outputs: Tensor, targets: dict[str, Tensor]) -> Tensor:
        return super().loss(outputs, targets["count"]) * targets["weight"]

    def judge(self, outputs: Tensor, targets: dict[str, Tensor]) -> dict[str, Any]:
        return super().judge(outputs, targets["count"])


class Sum(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.image, self.row = torch.nn.Linear(16, 1), torch.nn.Linear(3, 1)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        return self.image(inputs["image"].flatten(1)) + self.row(inputs["row"])


def pairs(count: int = 40) -> Examples:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, 1, 4, 4), dtype=torch.uint8, generator=generator)
    rows = torch.randn(count, 3, generator=generator)
    targets = {"count": (rows[:, 0] * 2).exp().round(), "weight": torch.ones(count)}
    return Examples({"image": images, "row": rows}, targets)


def test_a_strangers_problem_keeps_the_contract() -> None:
    check_problem(Counts(), COUNTS)
    check_problem(Pair(), {"count": COUNTS, "weight": torch.ones(10)})


def test_a_strangers_problem_is_trained_and_judged() -> None:
    inputs = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    targets = (inputs[:, 0] + 1).exp().round()
    task = Task("counts", Examples(inputs[:50], targets[:50]), Examples(inputs[50:], targets[50:]), Counts())
    space = nw.spaces.Mlp()
    search = nw.Search(nw.strategies.RandomSearch(space), Training(space, task, epochs=3, device="cpu"))
    assert str(search.objectives[0]) == "val_deviance:minimize"
    best = search.run(trials=2, progress=False, preflight=False).best
    assert {"val_loss", "val_deviance", "val_zero_share", "train_loss"} <= set(best.metrics)


def test_inputs_under_names_are_split_normalised_and_trained_on() -> None:
    task = Task("pairs", pairs(), pairs(10), Pair())
    data = task.search_data(seed=0, validation=0.25)
    assert len(data.train) == 30 and set(data.mean) == {"image", "row"}
    network = Sum()
    found = train(network, data, TrainingSettings(epochs=5, batch_size=8, learning_rate=0.05), 0)
    assert found.curve[-1]["train_loss"] < found.curve[0]["train_loss"]
    whole = {name: each[data.held_out.places.long()] for name, each in task.train.stored.items()}
    assert torch.equal(data.held_out.inputs["row"], whole["row"])


def test_the_fingerprint_follows_every_input_and_target() -> None:
    task, prints = Task("pairs", pairs(), pairs(10), Pair()), set()
    for part in ("image", "row", "count"):
        changed = pairs()
        tree = changed.stored if part in changed.stored else changed.stored_targets
        tree[part] = tree[part] + 1
        prints.add(Task("pairs", changed, pairs(10), Pair()).fingerprint)
    assert len(prints | {task.fingerprint}) == 4


def test_trees_of_tensors_are_mapped_and_joined() -> None:
    tree = {"a": torch.arange(3), "b": {"c": torch.ones(3)}}
    doubled = mapped(lambda each: each * 2, tree)
    assert doubled["a"].tolist() == [0, 2, 4] and first(doubled) is doubled["a"]
    assert joined([tree, doubled])["b"]["c"].tolist() == [1, 1, 1, 2, 2, 2]


class Summed(Counts):
    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return super().loss(outputs, targets).sum()


class Forgetful(Counts):
    def judge(self, outputs: Tensor, targets: Tensor) -> dict[str, Any]:
        return {"devianse": super().judge(outputs, targets)["deviance"]}


class ByBatch(Counts):
    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return super().loss(outputs - outputs.mean(), targets)


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        (Summed, AssertionError, r"loss has the shape \(\); expected \(10,\)"),
        (Forgetful, AssertionError, "gave no 'deviance'; did you mean 'devianse'"),
        (ByBatch, AssertionError, "alone"),
    ],
)
def test_what_is_wrong_with_a_problem_is_said(kind: type[Problem], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_problem(kind(), COUNTS)


def test_a_percentage_beyond_all_shares_is_short() -> None:
    mape = Metric("mape", "minimize", percent=True)
    assert mape.text(0.1234, 0.01) == "12.34 % ± 1.00" and mape.text(99.5) == "9950.00 %"
    assert mape.text(2.89e13, 1e12) == "2.89e+15 % ± 1e+14"
