"""Facts of the macro space of ENAS (Pham et al. 2018)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.core.task import TaskShape
from netwright.networks.operations import FactorizedReduce
from netwright.spaces import EnasMacro

COLOUR = TaskShape((3, 32, 32), 10)
SPACE = EnasMacro()
CHAIN = " | ".join(" ".join("0" * (number + 1)) for number in range(12))


def parameters(network):
    return sum(each.numel() for each in network.parameters())


def test_the_paper_s_number_of_networks():
    assert SPACE.size == 6**12 * 2**66
    assert [each.role for each in asked(EnasMacro(layers=3))] == ["operation", "operation", "link", "operation"] + [
        "link"
    ] * 2


def asked(space):
    found, state = [], space.sequence().start
    while state.next is not None:
        found.append(state.next)
        state = state.answer(0)
    return found


def test_text_is_the_numbers_of_the_authors_program():
    architecture = SPACE.parse("0 3 0 0 1 0 " + " ".join("2 " + "0 " * number for number in range(3, 12)))
    labels = architecture.decisions
    assert [labels[f"layer{number}/operation"] for number in (0, 1, 2, 3)] == [
        "conv_3x3",
        "sep_conv_5x5",
        "conv_3x3",
        "conv_5x5",
    ]
    assert (labels["layer2/skip/0"], labels["layer2/skip/1"]) == (1, 0)
    assert str(architecture).startswith("0 | 3 0 | 0 1 0 | 2 0 0 0 | ")
    assert SPACE.parse(str(architecture)) == SPACE.parse(architecture.to_json()) == architecture


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 3 0", "expected 78 numbers for 12 layers.*found 3"),
        (CHAIN.replace("0", "6", 1), "layer 0: found operation 6, expected one of 0 conv_3x3"),
        (CHAIN.replace("0 | 0 0", "0 | 0 2", 1), r"layer 1: joined layers are told by 0 and 1, found \[2\]"),
    ],
)
def test_what_is_no_architecture_is_refused(text, said):
    with pytest.raises(InvalidArchitecture, match=said):
        SPACE.parse(text)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layers": 0}, "1 to 48 layers"),
        ({"operations": ()}, "needs operations"),
        ({"operations": ("conv_3x3", "conv_7x7")}, "no operation 'conv_7x7'"),
        ({"joins": "concat"}, "joins is one of sum, concatenation, found 'concat'"),
    ],
)
def test_settings_outside_of_what_is_allowed_are_refused(options, said):
    with pytest.raises(ConfigurationError, match=said):
        EnasMacro(**options)


@pytest.mark.parametrize("joins", ["sum", "concatenation"])
def test_a_layer_joins_what_it_gives_with_the_layers_that_are_told(joins):
    torch.manual_seed(0)
    space = EnasMacro(layers=2, channels=4, joins=joins)
    network = space.build(space.parse("0 | 5 1"), COLOUR).eval()
    x = torch.randn(2, 3, 32, 32)
    stem = network.stem(x)
    own = network.layers[1].operation(network.layers[0].operation(stem))
    together = stem + own if joins == "sum" else torch.cat([stem, own], 1)
    expected = network.classifier(network.layers[1].after(together))
    assert torch.equal(network(x), expected)
    width = network.layers[1].after[1].in_channels if joins == "concatenation" else 4
    assert width == (8 if joins == "concatenation" else 4)


def given_by(network, number, side):
    """Pixels of one side of what a layer gives."""
    seen = []
    hook = network.layers[number].register_forward_hook(lambda *given: seen.append(given[2].shape[-1]))
    network(torch.randn(2, 1, side, side))
    hook.remove()
    return seen[0]


def test_the_resolution_is_halved_behind_each_third_while_two_pixels_are_left():
    for side, sides in ((32, [32, 16, 16, 8]), (8, [8, 4, 4, 2]), (3, [3, 2, 2, 2])):
        space = EnasMacro(layers=6, channels=2)
        network = space.build(space.sample(np.random.default_rng(0)), TaskShape((1, side, side), 10))
        assert [given_by(network, number, side) for number in (0, 2, 3, 4)] == sides


def test_photographs_are_brought_to_56_pixels_first():
    space = EnasMacro(layers=3, channels=2)
    network = space.build(space.sample(np.random.default_rng(0)), TaskShape((3, 224, 224), 10))
    assert network.stem(torch.randn(1, 3, 224, 224)).shape == (1, 2, 56, 56)


def test_only_states_that_are_read_are_brought_to_the_next_resolution():
    space = EnasMacro(layers=3, channels=4)
    kinds = {
        text: [
            [type(each) for each in reductions]
            for reductions in space.build(space.parse(text), COLOUR).reductions.values()
        ]
        for text in ("0 | 0 0 | 0 0 0", "0 | 0 0 | 0 1 0")
    }
    assert kinds["0 | 0 0 | 0 0 0"] == [[nn.Identity, FactorizedReduce], [nn.Identity, nn.Identity, FactorizedReduce]]
    assert kinds["0 | 0 0 | 0 1 0"] == [[FactorizedReduce] * 2, [FactorizedReduce, nn.Identity, FactorizedReduce]]


def test_parameters_by_hand():
    """Convolutions without bias, two numbers a channel of normalisation."""

    def normalised(inputs, outputs, kernel, groups=1):
        return inputs * outputs * kernel**2 // groups + 2 * outputs

    def layer(width, kernel):
        return normalised(width, width, 1) + normalised(width, width, kernel)

    stem = normalised(3, 8, 3)
    summed = stem + layer(8, 3) + layer(8, 5) + 2 * 8 + 8 * 10 + 10
    small = EnasMacro(layers=2, channels=8)
    assert parameters(small.build(small.parse("0 | 2 1"), COLOUR)) == summed
    wide = EnasMacro(layers=3, channels=8, joins="concatenation", doubling=True)
    expected = stem + layer(8, 3) + layer(16, 3) + layer(32, 3)
    expected += normalised(8, 16, 1) * 2 + normalised(16, 32, 1) * 2  # the stem and layer 0, then layer 0 and layer 1
    expected += normalised(16 * 2, 16, 1) + normalised(32 * 2, 32, 1) + 32 * 10 + 10
    assert parameters(wide.build(wide.parse("0 | 0 1 | 0 0 1"), COLOUR)) == expected


def test_the_graph_has_an_edge_for_each_layer_that_is_joined():
    space = EnasMacro(layers=3)
    graph = space.graph(space.parse("0 | 1 0 | 4 1 0"))
    assert [node.operation for node in graph.nodes] == ["", "conv_3x3", "sep_conv_3x3", "avg_pool_3x3"]
    assert [(edge.source, edge.target) for edge in graph.edges if edge.operation == "skip"] == [("stem", "layer2")]
