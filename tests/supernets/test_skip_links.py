"""Supernets of layers that read any of the earlier states: skip connections (ENAS macro, Pham et al. 2018)."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

import netwright as nw
from netwright.core.choose import Choose
from netwright.supernets import Supernet

IMAGE = nw.TaskShape((3, 8, 8), 4)
SPACE = nw.spaces.EnasMacro(layers=2, channels=2, operations=("conv_3x3",), joins="concatenation")


def test_a_layer_takes_the_weights_of_the_states_that_it_joins() -> None:
    """As ENAS gathers the weights of its 1x1 convolution: blocks of the shared ones, in order."""
    torch.manual_seed(0)
    supernet = Supernet(SPACE, IMAGE)
    shared = supernet.network.layers[1].after[1].weight
    for text, blocks in (("0 | 0 0", [1]), ("0 | 0 1", [0, 1])):
        own = supernet.extract(SPACE.parse(text)).layers[1].after[1].weight
        assert torch.equal(own, torch.cat([shared[:, 2 * block : 2 * block + 2] for block in blocks], 1))


def test_a_training_step_of_a_path_moves_only_what_the_path_reads() -> None:
    supernet = Supernet(SPACE, IMAGE)
    supernet(torch.randn(2, 3, 8, 8), SPACE.parse("0 | 0 0")).square().sum().backward()
    gradient = supernet.network.layers[1].after[1].weight.grad
    assert gradient is not None
    assert (gradient.abs().sum((0, 2, 3)) > 0).tolist() == [False, False, True, True]


@pytest.mark.parametrize("joins", ["sum", "concatenation"])
def test_a_mixture_takes_each_state_as_far_as_it_is_joined(joins: str) -> None:
    torch.manual_seed(0)
    space = SPACE.replace(joins=joins)
    supernet, x = Supernet(space, IMAGE), torch.randn(2, 3, 8, 8)
    layer, states = supernet.network.layers[1], [supernet.network.stem(x), torch.randn(2, 2, 8, 8)]
    with supernet.selection.during((None, {"layer1/skip/0": torch.tensor([0.75, 0.25])}, {})):
        own = layer.operation(states[-1])
        together = states[0] * 0.25 + own if joins == "sum" else torch.cat([states[0] * 0.25, own], 1)
        assert torch.equal(layer(states), layer.after(together))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_has_a_selection_of_its_own(copied) -> None:
    supernet = Supernet(SPACE, IMAGE)
    other, x = copied(supernet), torch.randn(2, 3, 8, 8)
    for architecture in SPACE.enumerate():
        assert torch.equal(other(x, architecture), supernet(x, architecture))
    assert other.network.layers[1].taken.selection is other.selection is not supernet.selection


class Added(nn.Module):
    def __init__(self, parts, read) -> None:
        super().__init__()
        self.parts, self.read = nn.ModuleList(parts), read

    def forward(self, x):
        states = [part(x) for part in self.parts]
        return torch.cat([states[i] for i in self.read], 1)


class Own(nw.DecisionSpace):
    """A user's own layer that reads any of three maps, and at least the last of them."""

    def network(self, choose: Choose, shape: nw.TaskShape) -> nn.Module:
        read = choose.subset("reads", range(2), always=(2,))
        parts = [nn.Conv2d(shape.channels, 4, kernel, padding=kernel // 2) for kernel in (1, 3, 5)]
        behind = nn.Conv2d(4 * read.number, 5, 1)
        return nn.Sequential(
            Added(parts, read), behind, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, shape.classes)
        )


def test_a_space_of_ones_own_may_read_any_of_its_states() -> None:
    space, x = Own(), torch.randn(2, 3, 8, 8)
    assert [(each.name, each.options, each.kind) for each in space.decisions] == [
        ("reads/0", (0, 1), "link"),
        ("reads/1", (0, 1), "link"),
    ]
    torch.manual_seed(0)
    supernet = Supernet(space, IMAGE)
    for architecture in space.enumerate():
        alone = supernet.extract(architecture)
        assert alone[1].in_channels == 4 * (1 + sum(architecture.decisions.values()))
        assert torch.equal(supernet(x, architecture), alone.train()(x))
    nw.testing.check_space(space, IMAGE)
