"""Facts of NAS-Bench-201 (Dong and Yang 2020), for its networks of 16 channels and 5 cells on 32x32 colour images."""

import hashlib
import random
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.building import EdgeSum
from netwright.core.errors import ConfigurationError, InvalidArchitecture, UserError
from netwright.core.task import TaskShape
from netwright.networks.counting import count
from netwright.networks.operations import Zero
from netwright.spaces import NasBench201
from netwright.spaces.nasbench201 import OPERATIONS

COLOUR = TaskShape((3, 32, 32), 10)
SPACE = NasBench201()

COSTS = [  # cell, parameters, multiply-adds
    (
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
        129306,
        15647360,
    ),
    (
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|",
        802426,
        113951360,
    ),
    ("|skip_connect~0|+|skip_connect~0|avg_pool_3x3~1|+|avg_pool_3x3~0|none~1|none~2|", 73306, 7783040),
    ("|none~0|+|none~0|none~1|+|avg_pool_3x3~0|skip_connect~1|nor_conv_3x3~2|", 316346, 43172480),
    ("|avg_pool_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|", 372346, 51036800),
]

# SHA-256 over one line an architecture, in the order of `enumerate`: itself, its parameters and its multiply-adds; and
# the first architecture of its isomorphism class (the benchmark's 6,466 classes).
COSTS_OF_ALL = "47091dfae7fed90154ed07820e47ad404240c80a1b6c4439ce8db8359cbca3f2"
CLASSES_OF_ALL = "1e48ab719b327b939da537ca9bfc20e6ac3bd0ef042e42b6825d3ee111c17541"


def cell(*labels: str) -> str:
    a, b, c, d, e, f = labels
    return f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"


def built(space: NasBench201, text: str, shape: TaskShape = COLOUR) -> torch.nn.Module:
    with torch.device("meta"):
        return space.build(space.parse(text), shape)


def test_there_are_15625():
    assert SPACE.size == 15_625
    assert len(SPACE.decisions) == 6
    assert SPACE.id == NasBench201(channels=4, cells=1).id


@pytest.mark.parametrize(("text", "parameters", "multiply_adds"), COSTS)
def test_costs_of_some(text, parameters, multiply_adds):
    counted = count(built(SPACE, text), COLOUR.input)
    assert (counted.params, counted.macs) == (parameters, multiply_adds)


def test_costs_of_all():
    """The cost of each operation on each edge, added up: additive_cost promises that they sum to the network's."""
    base = count(built(SPACE, cell(*["none"] * 6)), COLOUR.input)
    more: dict[tuple[int, str], tuple[int, int]] = {}
    for place, label in product(range(6), OPERATIONS):
        counted = count(built(SPACE, cell(*[label if i == place else "none" for i in range(6)])), COLOUR.input)
        more[place, label] = counted.params - base.params, counted.macs - base.macs
    digest = hashlib.sha256()
    for labels in product(OPERATIONS, repeat=6):
        costs = [more[each] for each in enumerate(labels)]
        parameters, multiply_adds = base.params + sum(p for p, _ in costs), base.macs + sum(m for _, m in costs)
        digest.update(f"{cell(*labels)} {parameters} {multiply_adds}\n".encode())
    assert SPACE.additive_cost
    assert digest.hexdigest() == COSTS_OF_ALL


def test_parameters_of_100_built_networks():
    convolutions = {"nor_conv_1x1": (1, 2), "nor_conv_3x3": (9, 2)}  # weights a pair of channels, numbers a channel
    for labels in random.Random(0).sample(list(product(OPERATIONS, repeat=6)), 100):
        expected = 73_306
        for label in labels:
            weights, numbers = convolutions.get(label, (0, 0))
            expected += sum(5 * (weights * c * c + numbers * c) for c in (16, 32, 64))
        assert sum(each.numel() for each in built(SPACE, cell(*labels)).parameters()) == expected


def test_isomorphism_classes_of_all():
    digest, classes = hashlib.sha256(), set()
    for architecture in SPACE.enumerate():
        representative = SPACE.canonical(architecture)
        classes.add(representative)
        digest.update(f"{representative}\n".encode())
    assert len(classes) == 6_466
    assert all(SPACE.canonical(each) == each for each in classes)
    assert digest.hexdigest() == CLASSES_OF_ALL


def test_isomorphic_cells_compute_the_same():
    """A pair that only differs in which node a skip connection passes on."""
    torch.manual_seed(0)
    space, x = NasBench201(channels=4, cells=1), torch.randn(2, 3, 8, 8)
    first = space.parse(cell("skip_connect", "none", "none", "none", "nor_conv_3x3", "none"))
    second = space.parse(cell("none", "none", "none", "nor_conv_3x3", "none", "none"))
    assert first != second
    assert space.canonical(first) == space.canonical(second) == second
    networks = [space.build(each, TaskShape((3, 8, 8), 10)).eval() for each in (first, second)]
    networks[1].load_state_dict(dict(zip(networks[1].state_dict(), networks[0].state_dict().values(), strict=True)))
    torch.testing.assert_close(networks[0](x), networks[1](x))


def test_a_cell_computes_what_its_text_says():
    torch.manual_seed(0)
    network = NasBench201(channels=4, cells=1).build(SPACE.parse(COSTS[1][0]), COLOUR).eval()
    dense = network[1]
    first, second, third = [each.operations for each in dense.nodes]
    x = torch.randn(2, 4, 8, 8)
    one = first[0](x)
    two = second[0](x) + torch.nn.functional.avg_pool2d(one, 3, 1, 1, count_include_pad=False)
    torch.testing.assert_close(dense(x), x + third[1](one) + two)
    assert [[type(layer).__name__ for layer in each] for each in (first[0], second[0], third[1])] == [
        ["ReLU", "Conv2d", "BatchNorm2d"]
    ] * 3


def test_text_and_json_round_trips():
    rng = np.random.default_rng(0)
    for _ in range(200):
        architecture = SPACE.sample(rng)
        assert SPACE.parse(str(architecture)) == architecture
        assert SPACE.parse(architecture.to_json()) == architecture
    for text, _, _ in COSTS:
        assert str(SPACE.parse(f"  {text}\n")) == text


GOOD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD.replace("|none~0|+", "|nor_conv_3x4~0|+", 1), "'nor_conv_3x4'.*did you mean 'nor_conv_3x3'"),
        (GOOD.replace("none~2", "none~1"), "'none~1' should end in '~2'"),
        (GOOD.replace("none~2", "none"), "'none' should end in '~2'"),
        (GOOD[:-1], "node.*should hold 3 parts"),
        (GOOD.replace("|none~0|+", "", 1), "has 2 nodes"),
        ("", "has 1 nodes"),
        ("nonsense", "expected .op~0.*"),
        ('{"cell/node1/0": "nor_conv_3x3"}', "is missing"),
        ("|" * 1000, "has 1 nodes"),
    ],
)
def test_malformed_cells_are_refused_by_name(text, expected):
    with pytest.raises(InvalidArchitecture, match=expected) as raised:
        SPACE.parse(text)
    assert len(str(raised.value)) < 1000


def test_broken_json_is_refused():
    with pytest.raises(UserError, match="not valid JSON, line 1"):
        SPACE.parse('{"decisions": ')


def test_refused_settings():
    with pytest.raises(ConfigurationError, match="cells of at least 1, found 0"):
        NasBench201(cells=0)


@pytest.mark.parametrize("shape", [TaskShape((1, 8, 8), 10), TaskShape((3, 7, 9), 3), TaskShape((1, 1, 1), 2)])
def test_every_kind_of_cell_runs_forward_and_backward(shape):
    space, rng = NasBench201(channels=3, cells=1), np.random.default_rng(1)
    cells = [space.sample(rng) for _ in range(30)]
    cells += [space.parse(cell(*[label] * 6)) for label in OPERATIONS]
    for architecture in cells:
        network = space.build(architecture, shape)
        logits = network(torch.randn(2, *shape.input))
        assert logits.shape == (2, shape.classes)
        logits.sum().backward()
        assert all(each.grad is None or torch.isfinite(each.grad).all() for each in network.parameters())
        assert torch.isfinite(network.eval()(torch.randn(1, *shape.input))).all()


def test_zeros_are_left_out_of_sums():
    network = NasBench201(cells=1).build(SPACE.parse(COSTS[3][0]), COLOUR)
    sums = [each for each in network.modules() if isinstance(each, EdgeSum)]
    assert [each.sources for each in sums[:3]] == [(0,), (0,), (0, 1, 2)]
    assert sum(isinstance(each, Zero) for each in network.modules()) == 6  # two empty nodes a cell, three cells


def test_repeated_mutation_reaches_every_neighbour_and_nothing_else():
    rng = np.random.default_rng(0)
    architecture = SPACE.sample(rng)
    neighbours = set(SPACE.neighbors(architecture))
    assert len(neighbours) == 24
    assert {SPACE.mutate(architecture, rng) for _ in range(600)} == neighbours


def test_graph():
    graph = SPACE.graph(SPACE.parse(COSTS[1][0]))
    assert [(each.source, each.target, each.operation) for each in graph.edges] == [
        ("cell/input0", "cell/node1", "nor_conv_3x3"),
        ("cell/input0", "cell/node2", "nor_conv_3x3"),
        ("cell/node1", "cell/node2", "avg_pool_3x3"),
        ("cell/input0", "cell/node3", "skip_connect"),
        ("cell/node1", "cell/node3", "nor_conv_3x3"),
        ("cell/node2", "cell/node3", "skip_connect"),
    ]


class WithMoreToDecide(NasBench201):
    def network(self, choose, shape):
        return nn.Sequential(super().network(choose, shape), choose.one("last", {"a": nn.Identity, "b": nn.ReLU}))


class WithItsOwnConstructor(NasBench201):
    def __init__(self, wide: bool = False) -> None:
        object.__setattr__(self, "channels", 32 if wide else 16)
        object.__setattr__(self, "cells", 1)


def test_a_subclass_may_ask_for_more() -> None:
    space = WithMoreToDecide(cells=2)
    assert space.size == 2 * 15_625 and len(space.decisions) == 7
    for rank in (0, 12_345, space.size - 1):
        architecture = space.at(rank)
        assert space.canonical(architecture) == architecture
        assert space.parse(str(architecture)) == architecture == space.parse(architecture.to_json())
    with pytest.raises(InvalidArchitecture, match="belongs to space 'withmoretodecide"):
        NasBench201().canonical(space.at(0))
    assert WithItsOwnConstructor(wide=True).size == 15_625
    own, plain = WithItsOwnConstructor(), NasBench201()
    assert all(own.canonical(own.at(k)).point == plain.canonical(plain.at(k)).point for k in range(0, 15_625, 500))


def test_text_that_is_refused_is_refused_again() -> None:
    for _ in range(2):
        with pytest.raises(InvalidArchitecture, match="there is no operation 'nor_conv_5x5'"):
            SPACE.parse("|nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|")


def test_only_text_is_parsed() -> None:
    with pytest.raises(InvalidArchitecture, match="found NoneType None"):
        NasBench201().parse(None)  # pyright: ignore
