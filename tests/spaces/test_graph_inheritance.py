"""Which layers of a free graph a child takes over from the graph that it came from."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import netwright as nw
from netwright import TaskShape
from netwright.spaces.graph_edits import layers_of
from netwright.spaces.graph_inheritance import corresponding

SHAPE = TaskShape((1, 8, 8), 10)


def space():
    return nw.spaces.FreeGraph(widths=(4, 8), operations=("conv_3x3", "conv_1x1", "sep_conv_3x3"))


def graph(*layers):
    return space().parse(json.dumps([list(each) for each in layers]))


def both(parent, child):
    networks = []
    for seed, each in enumerate((parent, child)):
        torch.manual_seed(seed)
        networks.append(space().build(each, SHAPE))
    return networks


def size(network):
    return sum(each.numel() for each in network.parameters())


PARENT = graph(
    ["conv_3x3", 8, 1, "sum", [0]],
    ["conv_1x1", 8, 1, "sum", [1]],
    ["output", 0, 1, "sum", [2]],
)
DEEPER = graph(
    ["conv_3x3", 8, 1, "sum", [0]],
    ["sep_conv_3x3", 8, 1, "sum", [1]],
    ["conv_1x1", 8, 1, "sum", [2]],
    ["output", 0, 1, "sum", [3]],
)


def test_a_layer_in_the_middle_moves_no_other_out_of_its_place() -> None:
    assert corresponding(layers_of(PARENT.content), layers_of(DEEPER.content)) == {1: 1, 3: 2, 4: 3}
    old, new = both(PARENT, DEEPER)
    before = new[0].layers[1][0][0].weight.clone()
    assert space().inherit(old, new, PARENT, DEEPER) == size(old)
    assert torch.equal(new[0].layers[2][0].weight, old[0].layers[1][0].weight)
    assert torch.equal(new[0].layers[1][0][0].weight, before)


def test_back_again_all_that_is_left_comes_from_the_parent() -> None:
    old, new = both(DEEPER, PARENT)
    assert space().inherit(old, new, DEEPER, PARENT) == size(new)


def test_other_widths_begin_anew_and_what_reads_them_too() -> None:
    narrow = graph(["conv_3x3", 4, 1, "sum", [0]], ["conv_1x1", 8, 1, "sum", [1]], ["output", 0, 1, "sum", [2]])
    old, new = both(PARENT, narrow)
    before = [each.clone() for each in new[0].parameters()]
    taken = space().inherit(old, new, PARENT, narrow)
    assert 0 < taken < size(new)
    assert all(torch.equal(a, b) for a, b in zip(before[:3], new[0].layers[0].parameters(), strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_a_mutation_keeps_most_of_a_network(seed: int) -> None:
    rng = np.random.default_rng(seed)
    where = space()
    shares = []
    parent = where.sample(rng)
    for _ in range(12):
        child = where.mutate(parent, rng)
        old, new = both(parent, child)
        shares.append(where.inherit(old, new, parent, child) / size(new))
        assert 0 < shares[-1] <= 1
        parent = child
    assert np.mean(shares) > 0.5


def test_a_search_of_free_graphs_inherits() -> None:
    where = space()
    training = nw.estimators.Training(where, nw.tasks.digits(limit=200), epochs=2, batch_size=64, device="cpu")
    strategy = nw.strategies.RegularizedEvolution(where, population=3, tournament=2, inherit=True, child_share=0.5)
    run = nw.Search(strategy, training, seed=0).run(trials=6)
    assert [("inherited_params" in each.metrics) for each in run.trials] == [False] * 3 + [True] * 3
    children = {each.metrics["inherited_params"]: len(each.measurement.curve) for each in run.trials[3:]}
    assert max(children) > 0 and all(epochs == (1 if taken else 2) for taken, epochs in children.items())
