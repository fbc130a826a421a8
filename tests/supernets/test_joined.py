"""Supernets of cells whose output joins the states that no node reads (ENAS, Pham et al. 2018; NASNet)."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.core.choose import Choose
from netwright.core.errors import UserError
from netwright.supernets import Supernet

IMAGE = nw.TaskShape((3, 8, 8), 4)
ENAS = nw.spaces.NasNet(cells=4, channels=2, nodes=3, operations="enas")


def with_outputs(space: nw.spaces.NasNet, count: int) -> nw.Architecture:
    """An architecture whose normal cell joins so many states."""
    rng = np.random.default_rng(count)
    return next(
        each for each in (space.sample(rng) for _ in range(500)) if len(space.genotype(each)["normal_concat"]) == count
    )


def test_layers_behind_a_cell_take_the_weights_of_the_states_that_it_joins() -> None:
    """As ENAS gathers the weights of its 1x1 convolution: blocks of the shared ones, in order."""
    torch.manual_seed(0)
    supernet = Supernet(ENAS, IMAGE)
    for count in (1, 2, 3):
        architecture = with_outputs(ENAS, count)
        alone = supernet.extract(architecture)
        joined = [state - 2 for state in ENAS.genotype(architecture)["normal_concat"]]
        shared, own = supernet.network.classifier[-1].weight, alone.classifier[-1].weight
        blocks = shared.view(4, 3, -1)  # classes, states, channels of each
        assert torch.equal(own, blocks[:, joined].flatten(1))
        assert alone.cells[1].preprocess1[1].in_channels == 2 * count


def test_a_training_step_of_a_path_moves_only_what_the_path_has() -> None:
    supernet = Supernet(ENAS, IMAGE)
    architecture = with_outputs(ENAS, 1)
    supernet(torch.randn(2, 3, 8, 8), architecture).square().sum().backward()
    gradient = supernet.network.classifier[-1].weight.grad
    assert gradient is not None
    moved = gradient.view(4, 3, -1).abs().sum((0, 2)) > 0
    joined = [state - 2 for state in ENAS.genotype(architecture)["normal_concat"]]
    assert moved.nonzero().flatten().tolist() == joined


def test_a_mixture_without_weights_for_sources_joins_all_nodes_and_one_with_them_what_is_unread() -> None:
    torch.manual_seed(0)
    space = nw.spaces.NasNet(cells=2, channels=2, nodes=2, operations=("sep_conv_3x3", "skip_connect"))
    supernet = Supernet(space, IMAGE)
    options = {each.name: torch.full((2,), 0.5) for each in space.decisions if each.kind != "sources"}
    sources = {
        each.name: torch.full((len(each.edges),), 1 / len(each.edges))
        for each in space.decisions
        if each.kind == "sources"
    }
    cell = next(each for each in supernet.modules() if type(each).__name__ == "OpenCell")
    x = torch.randn(2, 3, 8, 8)
    for weights, expected in ((options, [1.0, 1.0]), ({**options, **sources}, [(1 - 1 / 3) ** 2, 1.0])):
        with supernet.selection.during((None, weights, {})):
            shares = [1.0 if each is None else float(each) for each in cell.output.shares()]
            assert shares == pytest.approx(expected)
        assert supernet(x, nw.Mixture(weights)).isfinite().all()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_has_a_selection_of_its_own(copied) -> None:
    supernet = Supernet(ENAS, IMAGE)
    other = copied(supernet)
    x = torch.randn(2, 3, 8, 8)
    for count in (1, 3):
        architecture = with_outputs(ENAS, count)
        assert torch.equal(other(x, architecture), supernet(x, architecture))
    cell = next(each for each in other.modules() if type(each).__name__ == "OpenCell")
    assert cell.output.selection is other.selection is not supernet.selection


class LooseEnds(nn.Module):
    def __init__(self, nodes, ends) -> None:
        super().__init__()
        self.nodes, self.ends = nn.ModuleList(nodes), ends

    def forward(self, x):
        states = [x]
        for node in self.nodes:
            states.append(node(states))
        return torch.cat([states[i] for i in self.ends], 1)


class Own(nw.DecisionSpace):
    """A user's own cell with loose ends, and a layer behind it."""

    more: int | None = None

    def network(self, choose: Choose, shape: nw.TaskShape) -> nn.Module:
        options = {"conv": lambda _: nn.Conv2d(4, 4, 3, padding=1), "skip": lambda _: nn.Identity()}
        nodes = [choose.edges(f"node{i}", range(i + 1), 1, options) for i in range(3)]
        ends = choose.unread(nodes, (1, 2, 3))
        width = 4 * ends.number if self.more is None else 4 * ends.number + self.more
        return nn.Sequential(
            nn.Conv2d(shape.channels, 4, 1),
            LooseEnds(nodes, ends),
            nn.Conv2d(width, 5, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(5, shape.classes),
        )


def test_a_space_of_ones_own_may_join_loose_ends() -> None:
    space, rng = Own(), np.random.default_rng(0)
    torch.manual_seed(0)
    supernet, x = Supernet(space, IMAGE), torch.randn(2, 3, 8, 8)
    for _ in range(6):
        architecture = space.sample(rng)
        assert torch.equal(supernet(x, architecture), supernet.extract(architecture).train()(x))
    with pytest.raises(UserError, match="multiplied by a whole number only"):
        Supernet(Own(more=0), IMAGE)
