"""Convolutions merged into one: equal to the sum of their results, and each alone still a network of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.architecture import Mixture
from netwright.core.errors import ConfigurationError
from netwright.core.task import TaskShape
from netwright.methods import mergenas
from netwright.spaces import Chain, Darts, NasBench201
from netwright.supernets import Supernet
from netwright.supernets.merging import MergedOperation
from netwright.tasks import open_task

SHAPE = TaskShape((1, 8, 8), 3)
SPACES = {"darts": Darts(cells=3, channels=4, nodes=2), "nasbench201": NasBench201(channels=4, cells=1)}


def made(space: Any, **form: Any) -> Supernet:
    torch.manual_seed(0)
    return Supernet(space, SHAPE, merged=True, **form)


def drawn(space: Any, requires_grad: bool = False) -> Mixture:
    generator = torch.Generator().manual_seed(1)
    sizes = {each.name: len(each.options) + len(each.soft) for each in space.decisions if each.kind != "sources"}
    weights = {name: torch.randn(size, generator=generator).softmax(0) for name, size in sizes.items()}
    return Mixture({name: each.requires_grad_(requires_grad) for name, each in weights.items()})


def one_by_one(operation: MergedOperation, x: torch.Tensor) -> torch.Tensor:
    """The definition, kernel by kernel: a convolution by a sum of kernels is the sum of the convolutions."""
    weights = operation.selection.weights[operation.decision or ""]
    total = torch.zeros(())
    for i, option in enumerate(operation.options):
        if all(i not in family for family in operation.families.values()):
            total = total + weights[i] * option(x)
    for first, family in operation.families.items():
        share, y = weights[list(family)].sum(), x
        for step, shared in enumerate(operation.options[first]):  # pyright: ignore
            if step in operation.kernels[first]:
                layers = [operation.options[place][step] for place in family]  # pyright: ignore
                y = sum(weights[k] / share * layer(y) for k, layer in zip(family, layers, strict=True))
            else:
                y = shared(y)
        total = total + share * y  # pyright: ignore
    return total


@pytest.mark.parametrize("name", SPACES)
def test_a_mixture_gives_what_its_kernels_give_one_by_one(name: str) -> None:
    space = SPACES[name]
    supernet, mixture = made(space), drawn(space)
    operations = [each for each in supernet.modules() if isinstance(each, MergedOperation)]
    assert operations
    for operation in operations:
        first = next(each for each in operation.modules() if isinstance(each, nn.Conv2d))
        x = torch.randn(3, first.in_channels, 7, 7)
        with supernet.selection.during((None, mixture.weights, {})):
            torch.testing.assert_close(operation.mixed(x), one_by_one(operation, x), rtol=1e-4, atol=1e-5)


def test_which_are_merged() -> None:
    operation = next(each for each in made(SPACES["darts"]).modules() if isinstance(each, MergedOperation))
    found = [[operation.labels[place] for place in family] for family in operation.families.values()]
    assert found == [["sep_conv_3x3", "sep_conv_5x5"], ["dil_conv_3x3", "dil_conv_5x5"]]
    operation = next(each for each in made(SPACES["nasbench201"]).modules() if isinstance(each, MergedOperation))
    assert [operation.labels[place] for place in operation.families[min(operation.families)]] == [
        "nor_conv_1x1",
        "nor_conv_3x3",
    ]


@pytest.mark.parametrize("name", SPACES)
def test_an_architecture_is_the_network_that_it_extracts(name: str) -> None:
    space = SPACES[name]
    supernet, rng = made(space), np.random.default_rng(0)
    x = torch.randn(4, *SHAPE.input)
    for _ in range(4):
        architecture = space.sample(rng)
        alone = supernet.extract(architecture)
        torch.testing.assert_close(supernet(x, architecture), alone(x), rtol=1e-3, atol=1e-4)


def test_a_mixture_of_one_option_is_that_option() -> None:
    space = SPACES["nasbench201"]
    supernet, architecture = made(space), space.sample(np.random.default_rng(3))
    weights = {d.name: torch.eye(5)[k] for d, k in zip(space.decisions, architecture.point, strict=True)}
    x = torch.randn(4, *SHAPE.input)
    torch.testing.assert_close(supernet(x, Mixture(weights)), supernet(x, architecture), rtol=1e-3, atol=1e-4)


def test_gradients_by_weights_of_the_mixture_agree_with_differences() -> None:
    space = SPACES["nasbench201"]
    supernet, mixture = made(space).double(), drawn(space)
    name, x = space.decisions[0].name, torch.randn(4, *SHAPE.input).double()
    weights = {each: value.double() for each, value in mixture.weights.items()}

    def loss(first: torch.Tensor) -> torch.Tensor:
        return supernet(x, Mixture({**weights, name: first})).square().mean()

    assert torch.autograd.gradcheck(loss, weights[name].clone().requires_grad_(), eps=1e-6, atol=1e-5)


def test_there_is_less_to_learn_and_each_weight_is_there_once() -> None:
    space = SPACES["darts"]
    torch.manual_seed(0)
    plain, merged = Supernet(space, SHAPE), made(space)
    assert sum(each.numel() for each in merged.parameters()) < sum(each.numel() for each in plain.parameters())
    state = merged.state_dict()
    assert len({each.data_ptr() for each in state.values() if each.numel()}) == len(
        [e for e in state.values() if e.numel()]
    )
    assert sum(isinstance(each, nn.BatchNorm2d) for each in merged.modules()) < sum(
        isinstance(each, nn.BatchNorm2d) for each in plain.modules()
    )


def test_spaces_without_such_options_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="differ in their kernels alone"):
        made(Chain(width=4, most=1))


def test_a_search_resumes_and_exports_its_weights(tmp_path: Any) -> None:
    task = open_task("digits", limit=120)

    def search() -> Any:
        return mergenas(SPACES["nasbench201"], task, epochs=2, batch_size=20, device="cpu")

    whole = search().run()

    def stop(trial: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search().run(store=tmp_path, name="r", on_trial=stop)
    resumed = search().run(store=tmp_path, name="r", resume=True)
    assert resumed.best.architecture == whole.best.architecture
    assert resumed.best.metrics["val_accuracy"] == whole.best.metrics["val_accuracy"]
