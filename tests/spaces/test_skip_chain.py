"""Facts of the chain of NAS-RL (Zoph and Le 2017)."""

from __future__ import annotations

import pytest
import torch

from netwright.core.errors import ConfigurationError
from netwright.core.task import TaskShape
from netwright.spaces import SkipChain

COLOUR = TaskShape((3, 32, 32), 10)
SMALL = SkipChain(least=1, most=3, filters=(2, 4), heights=(1, 3), widths=(3,), strides=(1, 2))


def chain(*layers: tuple[int, int, int, int, tuple[int, ...]], space: SkipChain = SMALL):
    """filters, height, stride along height, stride along width, and the layers that each reads."""
    labels: dict[str, int] = {"layers": len(layers)}
    for number, (filters, height, rows, columns, reads) in enumerate(layers):
        name = f"layers/{number}"
        labels |= {f"{name}/filters": filters, f"{name}/height": height}
        labels |= {f"{name}/stride_height": rows, f"{name}/stride_width": columns}
        labels |= {f"{name}/reads/{source}": int(source in reads) for source in range(1, number + 1)}
    return space.architecture(labels)


def test_chains_are_counted_layer_by_layer() -> None:
    one = 2 * 2 * 1 * 2 * 2
    assert SMALL.size == one + one * one * 2 + one * (one * 2) * (one * 4)
    assert 1e58 < SkipChain().size < 1e59


def test_a_layer_reads_what_it_is_told_and_the_image_where_that_is_nothing() -> None:
    torch.manual_seed(0)
    network = SMALL.build(chain((2, 1, 1, 1, ()), (4, 3, 1, 1, ()), (2, 3, 1, 1, (1, 2))), COLOUR).eval()
    body, x = network[0], torch.randn(2, 3, 32, 32)
    first, second = body.layers[0](x), body.layers[1](x)
    assert torch.equal(body(x), body.layers[2](torch.cat([first, second], 1)))


def test_what_nobody_reads_goes_to_the_classifier() -> None:
    network = SMALL.build(chain((2, 1, 1, 1, ()), (4, 3, 1, 1, ()), (2, 3, 1, 1, (1,))), COLOUR)
    assert network[-1].linear.in_features == 4 + 2


def test_smaller_maps_are_padded_with_zeros() -> None:
    torch.manual_seed(0)
    network = SMALL.build(chain((2, 3, 2, 1, ()), (4, 1, 1, 2, ()), (2, 3, 1, 1, (1, 2))), COLOUR).eval()
    body, x = network[0], torch.randn(2, 3, 32, 32)
    first, second = body.layers[0](x), body.layers[1](x)
    assert (first.shape[2:], second.shape[2:]) == ((16, 32), (32, 16))
    padded = torch.zeros(2, 6, 32, 32)
    padded[:, :2, :16], padded[:, 2:, :, :16] = first, second
    assert torch.equal(body(x), body.layers[2](padded))


def test_maps_are_pooled_behind_the_layers_that_are_named_while_two_pixels_are_left() -> None:
    space = SMALL.replace(pooled=(1, 2), strides=(1,))
    labels = {"layers": 2, "layers/0/filters": 2, "layers/0/height": 1, "layers/1/filters": 4, "layers/1/height": 1}
    architecture = space.architecture({**labels, "layers/1/reads/1": 1})
    for side, expected in ((32, 8), (4, 2), (2, 2)):
        network = space.build(architecture, TaskShape((1, side, side), 10))
        assert network[0](torch.randn(2, 1, side, side)).shape == (2, 4, expected, expected)


def test_large_images_are_brought_to_at_most_56_pixels() -> None:
    network = SMALL.build(chain((2, 3, 1, 1, ())), TaskShape((3, 200, 120), 10))
    assert network[:-1](torch.randn(1, 3, 200, 120)).shape == (1, 2, 50, 30)


def test_the_graph_names_filters_and_what_is_read() -> None:
    graph = SMALL.graph(chain((2, 1, 2, 1, ()), (4, 3, 1, 1, (1,))))
    assert [each.operation for each in graph.nodes] == ["", "conv_1x3/2x1 x2", "conv_3x3 x4", ""]
    assert [(each.source, each.target) for each in graph.edges] == [
        ("input", "layer1"),
        ("layer1", "layer2"),
        ("layer2", "output"),
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"least": 4, "most": 3}, "1 <= least <= most"),
        ({"filters": ()}, "filters must list different numbers"),
        ({"heights": (2,)}, "filters must be odd"),
    ],
)
def test_settings_outside_of_what_can_be_are_refused(options, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        SkipChain(**options)
