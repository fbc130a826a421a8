"""Facts of the space of BlockQNN (Zhong et al. 2018)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.core.task import TaskShape
from netwright.spaces import BlockQnn

COLOUR = TaskShape((3, 32, 32), 10)
SMALL = BlockQnn(most=4, channels=4, stages=2, repeats=1)


def test_blocks_are_counted_layer_by_layer() -> None:
    """Eight types read one of the layers before, two read two of them; a block ends behind each, or at the most."""
    layers = [8 * number + 2 * number**2 for number in (1, 2, 3)]
    expected = layers[0] * (1 + layers[1] * (1 + layers[2]))
    assert BlockQnn(most=3).size == expected


def test_text_is_the_paper_s_code() -> None:
    text = "(1,1,3,0,0) (2,2,3,1,0) (3,5,0,1,2) (4,6,0,3,0) (5,7,0,0,0)"
    architecture = SMALL.parse(text)
    labels = architecture.decisions
    assert (labels["layer1/type"], labels["layer2/type"], labels["layer4/type"]) == ("conv_3", "max_pool_3", "concat")
    assert (labels["layer2/first"], labels["layer3/first"], labels["layer3/second"]) == (1, 1, 2)
    assert str(architecture) == text
    assert SMALL.parse(text.replace(" (5,7,0,0,0)", "")) == SMALL.parse(architecture.to_json()) == architecture
    assert "layer3/second" not in SMALL.parse("(1,1,3,0,0) (2,4,0,1,0) (3,4,0,1,0) (4,7,0,0,0)").decisions


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(1,7,0,0,0)", "expected 1 to 4 layers before the one that ends the block, found 0"),
        ("(2,1,3,0,0)", "layer 1 is .*expected index 1"),
        ("(1,1,7,0,0)", "type and kernel one of"),
        ("(1,1,3,1,0)", "reads 1 of the layers 0 to 0"),
        ("(1,1,3,0,0) (2,1,3,1,1)", "reads 1 of the layers 0 to 1"),
        ("(1,1,3)", r"expected layers as \(index,type,kernel,first,second\)"),
    ],
)
def test_what_is_no_code_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidArchitecture, match=said):
        SMALL.parse(text)


def test_settings_outside_of_what_can_be_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="found most=0"):
        BlockQnn(most=0)


def test_a_block_is_what_its_code_says() -> None:
    """A residual convolution, and what nobody reads side by side."""
    torch.manual_seed(0)
    network = SMALL.build(SMALL.parse("(1,1,3,0,0) (2,5,0,0,1) (3,2,3,1,0)"), COLOUR).eval()
    entry, block, pool, second, _ = network
    x = entry(torch.randn(2, 3, 32, 32))
    convolved = block.layers[0](x)
    assert torch.equal(block(x), torch.cat([x + convolved, nn.functional.max_pool2d(convolved, 3, 1, 1)], 1))
    assert isinstance(pool, nn.MaxPool2d)
    assert second.layers[0][1].in_channels == 8 and second.layers[0][1].out_channels == 8  # twice the channels


def test_sums_of_other_channels_are_adapted_and_wide_maps_narrowed() -> None:
    space = BlockQnn(most=4, channels=4, stages=1, repeats=1)
    network = space.build(space.parse("(1,6,0,0,0) (2,5,0,0,1)"), COLOUR)
    assert network[1].adapters["0_1"][0].out_channels == 8
    network = space.build(space.parse("(1,6,0,0,0) (2,6,0,1,1) (3,6,0,2,2)"), COLOUR)
    assert [each.out_channels for each in network[1].layers.modules() if isinstance(each, nn.Conv2d)] == [16]
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_two_orders_of_what_is_joined_are_one_network() -> None:
    one, other = (SMALL.parse(f"(1,1,3,0,0) (2,5,0,{pair})") for pair in ("0,1", "1,0"))
    assert one != other and SMALL.key(one) == SMALL.key(other)


def test_the_graph_has_the_edges_of_the_code() -> None:
    graph = SMALL.graph(SMALL.parse("(1,1,3,0,0) (2,5,0,0,1) (3,2,3,1,0)"))
    assert [each.operation for each in graph.nodes] == ["", "conv_3", "add", "max_pool_3", ""]
    assert [(each.source, each.target) for each in graph.edges] == [
        ("input", "layer1"),
        ("input", "layer2"),
        ("layer1", "layer2"),
        ("layer1", "layer3"),
        ("layer2", "output"),
        ("layer3", "output"),
    ]
