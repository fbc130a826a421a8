"""Running statistics of a supernet, against torch's own batch normalisation in training and evaluation mode."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import netwright as nw
from netwright.core.architecture import Mixture
from netwright.core.choose import Choose
from netwright.core.task import TaskShape
from netwright.networks.cells import DenseCell
from netwright.networks.heads import pooled_classifier
from netwright.networks.operations import max_pool, operation
from netwright.supernets import Supernet

SHAPE = TaskShape((3, 6, 6), 5)


class InTraining(nn.Module):
    """Doubles while training: dropout whose draws do not depend on the order in which options are computed."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x if self.training else x


class Cell(nw.DecisionSpace):
    """Options of every form that is fused, and of some that are not."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        options = {
            "sep": lambda _: operation("sep_conv_3x3", 4),
            "dil": lambda _: operation("dil_conv_5x5", 4),
            "wide": lambda _: operation("nor_conv_3x3", 4),
            "pool": lambda _: max_pool(3),
            "own": lambda _: nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Tanh(), InTraining()),
        }
        with choose.scope("cell"):
            nodes = [choose.edges(f"node{i}", range(i), None, options) for i in (1, 2, 3)]
        stem = nn.Sequential(nn.Conv2d(shape.channels, 4, 1), nn.BatchNorm2d(4))
        return nn.Sequential(stem, DenseCell(nodes), pooled_classifier(4, shape.classes, normalise=True))


class Widths(nw.DecisionSpace):
    """A convolution of open width, its normalisation with it."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        width = choose.value("width", [2, 4, 6])
        return nn.Sequential(
            nn.Conv2d(shape.channels, width, 3),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            pooled_classifier(width, shape.classes),
        )


SPACES: dict[str, tuple[Callable[[], nw.Space], dict[str, Any]]] = {
    "cell": (Cell, {"normalise_pooling": True}),
    "affine": (Cell, {"normalise_pooling": True, "affine": True}),
    "recomputed": (Cell, {"normalise_pooling": True, "recompute": True}),
    "unfused": (Cell, {"normalise_pooling": True, "fused": False}),
    "darts": (lambda: nw.spaces.Darts(cells=3, channels=4, nodes=2), {"normalise_pooling": True}),
    "partial": (
        lambda: nw.spaces.Darts(cells=3, channels=8, nodes=2),
        {"normalise_pooling": True, "partial_channels": 4},
    ),
    "widths": (Widths, {}),
}


def mixture_of(space: nw.Space, seed: int) -> Mixture:
    generator = torch.Generator().manual_seed(seed)
    weights = {
        each.name: torch.randn(len(each.options) + len(each.soft), generator=generator, dtype=torch.float64).softmax(0)
        for each in space.decisions
        if each.kind != "sources"
    }
    return Mixture({name: each.requires_grad_() for name, each in weights.items()})


def in_stock_form(supernet: Supernet) -> nn.Module:
    """The same network, with every normalisation torch's own as it is made: of running statistics, training mode."""
    stock = copy.deepcopy(supernet)
    for module in stock.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.track_running_stats = True
            module.running_mean = torch.zeros(module.num_features, dtype=torch.float64)
            module.running_var = torch.ones(module.num_features, dtype=torch.float64)
    stock.__class__ = _Stock
    return stock


class _Stock(Supernet):
    train = nn.Module.train  # pyright: ignore


def passed(network: nn.Module, mixture: Mixture, number: int) -> tuple[Tensor, list[Tensor]]:
    """Loss on minibatch `number`, and its gradients by the mixture and the parameters."""
    generator = torch.Generator().manual_seed(100 + number)
    images = 2 * torch.randn(5, *SHAPE.input, generator=generator, dtype=torch.float64) + 1
    loss = cross_entropy(network(images, mixture), torch.tensor([0, 1, 2, 3, 4]))
    leaves = [*mixture.weights.values(), *network.parameters()]
    found = torch.autograd.grad(loss, leaves, allow_unused=True)
    return loss, [torch.zeros_like(a) if b is None else b for a, b in zip(leaves, found, strict=True)]


def same(ours: tuple[Tensor, list[Tensor]], theirs: tuple[Tensor, list[Tensor]]) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", SPACES)
def test_passes_are_those_of_torchs_own_normalisation_in_either_mode(name: str) -> None:
    make, options = SPACES[name]
    space = make()
    torch.manual_seed(0)
    supernet = Supernet(space, SHAPE, running_statistics=True, **options).to(torch.float64)
    stock = in_stock_form(
        Supernet(space, SHAPE, running_statistics=True, **{**options, "fused": False, "recompute": False})
    )
    stock.to(torch.float64).load_state_dict(supernet.state_dict())
    for number in range(2):
        with supernet.moving():
            ours = passed(supernet, mixture_of(space, number), number)
        same(ours, passed(stock.train(), mixture_of(space, number), number))
        with supernet.settled():
            ours = passed(supernet, mixture_of(space, 10), 10)
        same(ours, passed(stock.eval(), mixture_of(space, 10), 10))
    for name, theirs in stock.state_dict().items():
        if "running" in name:
            torch.testing.assert_close(supernet.state_dict()[name], theirs, rtol=1e-9, atol=1e-9)
    assert any("running_var" in name and not each.eq(1).all() for name, each in stock.state_dict().items())


@pytest.mark.parametrize("name", ["cell", "widths"])
def test_other_passes_neither_move_nor_use_running_statistics(name: str) -> None:
    make, options = SPACES[name]
    space = make()
    torch.manual_seed(0)
    keeping = Supernet(space, SHAPE, running_statistics=True, **options).to(torch.float64)
    torch.manual_seed(0)
    plain = Supernet(space, SHAPE, **options).to(torch.float64)
    with keeping.moving():
        passed(keeping, mixture_of(space, 0), 0)
    before = copy.deepcopy(keeping.state_dict())
    for mode in (True, False):
        keeping.train(mode)
        plain.train(mode)
        same(passed(keeping, mixture_of(space, 1), 1), passed(plain, mixture_of(space, 1), 1))
    assert all(torch.equal(each, before[name]) for name, each in keeping.state_dict().items())
    assert not any("running" in name for name in plain.state_dict())


def test_a_settled_network_is_in_the_mode_of_before_afterwards() -> None:
    supernet = Supernet(Cell(), SHAPE, running_statistics=True).eval()
    with supernet.settled():
        assert not any(each.training for each in supernet.modules())
    assert not supernet.training
    assert all(each.training for each in supernet.modules() if isinstance(each, nn.BatchNorm2d))
