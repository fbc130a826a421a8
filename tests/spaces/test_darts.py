import math

import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.architecture import Mixture
from netwright.core.building import EdgeSum
from netwright.core.errors import ConfigurationError, InvalidArchitecture, UserError
from netwright.core.task import TaskShape
from netwright.networks.drop_path import DropPath
from netwright.networks.operations import FactorizedReduce
from netwright.spaces import Darts, NasNet

SMALL = Darts(cells=3, channels=2, nodes=2)


def test_size():
    assert Darts().size == 1_076_746_950_455_072_400
    assert Darts(nodes=1).size == 7**4  # two edges in either cell
    assert Darts(nodes=(1, 2)).size == 7**2 * (7**2 * math.comb(3, 2) * 7**2)


def test_the_twin_that_is_traced_asks_the_same_decisions():
    for space in (Darts(), Darts(nodes=(1, 3), operations=("skip_connect", "sep_conv_3x3"))):
        asked = [each.describe() for each in space.decisions]
        traced_itself = OwnTwin(*space.arguments.values()).decisions
        assert asked == [each.describe() for each in traced_itself]


class OwnTwin(Darts):
    def tracing_twin(self):
        return self


def test_the_identity_of_a_space_is_its_decisions():
    assert Darts().id == Darts(cells=20, channels=36, auxiliary=True).id
    assert Darts().id != Darts(nodes=3).id
    assert Darts(operations=["skip_connect", "sep_conv_3x3"]) == Darts(operations=("skip_connect", "sep_conv_3x3"))
    assert Darts(operations="darts") == Darts()


@pytest.mark.parametrize(
    "shape",
    [TaskShape((1, 8, 8), 10), TaskShape((3, 7, 5), 2), TaskShape((1, 1, 1), 3), TaskShape((2, 128, 130), 4)],
    ids=str,
)
@pytest.mark.parametrize("auxiliary", [False, True])
def test_samples_run_forward_and_backward(shape, auxiliary):
    rng, space = np.random.default_rng(0), SMALL.replace(auxiliary=auxiliary)
    for _ in range(8):
        network = space.build(space.sample(rng), shape)
        outputs = network(torch.randn(2, *shape.input))
        outputs = outputs if auxiliary else (outputs,)
        assert [each.shape for each in outputs] == [(2, shape.classes)] * (1 + auxiliary)
        sum(each.square().sum() for each in outputs).backward()
        assert all(each.grad is None or torch.isfinite(each.grad).all() for each in network.parameters())
        assert network.eval()(torch.randn(1, *shape.input)).shape == (1, shape.classes)


@pytest.mark.parametrize("cells", [2, 3, 4, 5, 6, 8, 20])
def test_the_second_and_third_thirds_begin_with_a_reduction(cells):
    space = Darts(cells=cells, channels=2, nodes=1)
    network = space.build(space.sample(np.random.default_rng(0)), TaskShape((3, 32, 32), 10)).eval()
    extents: list[int] = []
    for cell in network.cells:
        cell.register_forward_hook(lambda module, inputs, output: extents.append(output.shape[2]))
    network(torch.randn(1, 3, 32, 32))
    second, third = {2: (1, 2)}.get(cells, (cells // 3, 2 * cells // 3))
    assert extents == [32 if i < second else 16 if i < third else 8 for i in range(cells)]


def test_a_cell_after_a_reduction_reduces_its_older_input():
    network = Darts(cells=6).build(Darts().sample(np.random.default_rng(0)), TaskShape((3, 32, 32), 10))
    assert [isinstance(each.preprocess0, FactorizedReduce) for each in network.cells] == [0, 0, 0, 1, 0, 1]


def test_photographs_start_at_an_eighth_of_their_resolution():
    space = Darts(cells=2, channels=4, nodes=1, operations=("skip_connect",))
    assert space.size == 1
    network = space.build(space.at(0), TaskShape((3, 160, 128), 10)).eval()
    shapes: list[tuple[int, ...]] = []
    network.cells[0].register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape)))
    network(torch.randn(1, 3, 160, 128))
    assert shapes == [(1, 4, 20, 16)]


def test_the_network_is_plain_and_every_path_can_be_dropped():
    network = Darts(cells=3).build(Darts().sample(np.random.default_rng(0)), TaskShape((3, 32, 32), 10))
    assert not [each for each in network.modules() if type(each).__module__.startswith("netwright.spaces")]
    for each in network.modules():
        if isinstance(each, DropPath):
            each.drop_path_probability = 0.5
    network(torch.randn(2, 3, 32, 32)).sum().backward()
    for each in network.modules():
        if isinstance(each, EdgeSum):
            for operation in each.operations:
                identity = isinstance(operation, nn.Identity)
                assert identity == (not any(isinstance(part, DropPath) for part in operation.modules()))


def test_repeated_mutation_reaches_every_neighbour_and_nothing_else():
    space, rng = Darts(nodes=2, operations=("max_pool_3x3", "skip_connect", "sep_conv_3x3")), np.random.default_rng(0)
    architecture = space.sample(rng)
    neighbours = set(space.neighbors(architecture))
    # 4 edges a cell, 2 other operations each; 2 other pairs of sources, each with one new edge of 3 operations
    assert len(neighbours) == 2 * (4 * 2 + 2 * 3)
    assert {space.mutate(architecture, rng) for _ in range(1500)} == neighbours


def test_text_and_json_round_trips():
    rng = np.random.default_rng(0)
    for space in (Darts(), Darts(nodes=2, operations=("sep_conv_3x3",)), Darts(nodes=(3, 1))):
        for _ in range(20):
            architecture = space.sample(rng)
            assert space.parse(str(architecture)) == architecture
            assert space.parse(architecture.to_json()) == architecture
            assert space.from_genotype(space.genotype(architecture)) == architecture


def test_a_mixture_stands_for_its_strongest_edges_without_none():
    space = Darts(nodes=2, operations=("skip_connect", "sep_conv_3x3"))
    weights = {}
    for decision in space.decisions:
        if decision.kind == "one":
            assert decision.soft == ("none",)
            weights[decision.name] = torch.tensor([0.1, 0.2, 0.7])
    weights["normal/node1/2"] = torch.tensor([0.4, 0.3, 0.3])
    weights["normal/node1/1"] = torch.tensor([0.05, 0.3, 0.65])
    rounded = space.discretize(Mixture(weights))
    assert space.genotype(rounded)["normal"] == [
        ["sep_conv_3x3", 0],
        ["sep_conv_3x3", 1],
        ["sep_conv_3x3", 1],
        ["skip_connect", 2],
    ]


def test_graph():
    space = Darts(nodes=2)
    genotype = {
        "normal": [["sep_conv_3x3", 0], ["skip_connect", 1], ["max_pool_3x3", 2], ["dil_conv_5x5", 0]],
        "normal_concat": [2, 3],
        "reduce": [["sep_conv_3x3", 0], ["skip_connect", 1], ["max_pool_3x3", 1], ["dil_conv_5x5", 0]],
        "reduce_concat": [2, 3],
    }
    edges = [(each.source, each.target, each.operation) for each in space.graph(space.from_genotype(genotype)).edges]
    assert edges[:4] == [
        ("normal/input0", "normal/node0", "sep_conv_3x3"),
        ("normal/input1", "normal/node0", "skip_connect"),
        ("normal/input0", "normal/node1", "dil_conv_5x5"),
        ("normal/node0", "normal/node1", "max_pool_3x3"),
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"cells": 1}, "cells of at least 2, found 1"),
        ({"channels": 1}, "channels of at least 2"),
        ({"stem_multiplier": 0}, "stem_multiplier of at least 1"),
        ({"nodes": 0}, "nodes from 1 to 24"),
        ({"nodes": (1, 2, 3)}, "one number or two"),
        ({"operations": ("sep_conv_3x4",)}, "did you mean 'sep_conv_3x3'"),
        ({"operations": ()}, "at least one operation"),
        ({"operations": ("skip_connect", "skip_connect")}, "each named once"),
        ({"operations": "dart"}, "did you mean 'darts'"),
        ({"operations": ("none", "skip_connect")}, "leave it out"),
        ({"chanels": 3}, "did you mean 'channels'"),
    ],
)
def test_refused_settings(arguments, expected):
    with pytest.raises(ConfigurationError, match=expected):
        Darts(**arguments)


def test_vectors_are_refused():
    with pytest.raises(UserError, match="space for vectors"):
        SMALL.build(SMALL.at(0), TaskShape((20,), 2))


def test_a_node_cannot_read_one_state_twice():
    twice = str(Darts(nodes=1).at(0)).replace("('max_pool_3x3', 1)", "('max_pool_3x3', 0)")
    with pytest.raises(InvalidArchitecture, match="node 0 of 'normal' reads state 0 twice"):
        Darts(nodes=1).parse(twice)
    assert NasNet(nodes=1).parse(twice)
