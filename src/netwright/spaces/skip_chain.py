"""The chain of NAS-RL: convolutions in a row, as many as are chosen, that read any earlier ones (Zoph and Le 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.graph import Edge, Graph, Node
from netwright.core.task import TaskShape
from netwright.networks.blocks import LARGEST_SIDE, SMALLEST_SIDE, ClassifierHead, halved
from netwright.networks.layer_graph import Extent, LayerGraph

PROVIDES = ("space.chain",)

MOST_LAYERS = 64


class Convolution(NamedTuple):
    """What is chosen of one layer. kernel, stride: along height and width. reads: earlier layers from 1 on."""

    filters: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    reads: tuple[int, ...]


class SkipChain(DecisionSpace):
    """Convolutions, each with a filter of its own height and width, that read any of the earlier ones.

    What a layer reads is put side by side; maps that are smaller than the largest among them are padded with zeros. A
    layer that reads none reads the image, and what nobody reads goes to the classifier. Behind each convolution come
    batch normalisation and ReLU. With what the paper has and 15 layers there are about 10^59 architectures.

    least, most: layers; the paper begins with 6 and adds 2 after every 1,600 networks.
    filters: of a layer; 24, 36, 48 and 64 in the paper.
    heights, widths: of its filters in pixels, odd; 1, 3, 5 and 7 in the paper.
    strides: along height and along width; 1 in the paper, or 1, 2 and 3 to choose from.
    pooled: numbers of the layers, from 1 on, behind which 2x2 maximum pooling halves the map while 2 pixels are left;
        none in the paper, or 13 and 24.

    Images of more than 56 pixels on their shorter side are halved by averages until they have no more.

    Raises ConfigurationError for numbers below 1, least > most, even filters, and empty lists.
    """

    called = "skip-chain"

    least: int = 6
    most: int = 15
    filters: Sequence[int] = (24, 36, 48, 64)
    heights: Sequence[int] = (1, 3, 5, 7)
    widths: Sequence[int] = (1, 3, 5, 7)
    strides: Sequence[int] = (1,)
    pooled: Sequence[int] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most <= MOST_LAYERS:
            raise ConfigurationError(
                f"SkipChain: least={self.least}, most={self.most}; expected 1 <= least <= most <= {MOST_LAYERS}"
            )
        for name in ("filters", "heights", "widths", "strides"):
            given = getattr(self, name)
            if not given or min(given) < 1 or len(set(given)) < len(given):
                raise ConfigurationError(f"SkipChain: {name} must list different numbers above 0, found {given!r}")
        even = [each for each in (*self.heights, *self.widths) if each % 2 == 0]
        if even:
            raise ConfigurationError(f"SkipChain: filters must be odd to keep the size of a map, found {even[0]}")

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        chosen: list[Convolution] = []

        def asked(number: int) -> nn.Module:
            chosen.append(self._asked(choose, number))
            return nn.Identity()

        choose.repeat("layers", self.least, self.most, asked)
        return _network(chosen, frozenset(self.pooled), shape)

    def _asked(self, choose: Choose, number: int) -> Convolution:
        """What is chosen of the layer of this number, from 0."""
        filters = choose.value("filters", self.filters)
        kernel = choose.value("height", self.heights), choose.value("width", self.widths)
        stride = choose.value("stride_height", self.strides), choose.value("stride_width", self.strides)
        return Convolution(filters, kernel, stride, tuple(choose.subset("reads", range(1, number + 1))))

    def graph(self, architecture: Architecture) -> Graph:
        """A node a layer, with the size and the number of its filters; the output reads what nobody else does."""
        self.require_own(architecture)
        layers = self._layers(architecture)
        names = ["input", *(f"layer{number}" for number in range(1, len(layers) + 1))]
        nodes = [Node("input"), *(Node(name, _said(each)) for name, each in zip(names[1:], layers, strict=True))]
        reads = [(number, source) for number, each in enumerate(layers, 1) for source in each.reads or (0,)]
        edges = [Edge(names[source], names[number]) for number, source in reads]
        edges += [Edge(names[source], "output") for source in _unread(layers)]
        return Graph((*nodes, Node("output")), tuple(edges))

    def _layers(self, architecture: Architecture) -> list[Convolution]:
        """What an architecture has chosen of each layer."""
        from netwright.core.building import Builder

        choose, found = Builder(architecture.decisions, self.decisions.places), list[Convolution]()
        for number in range(int(str(architecture.decisions.get("layers", self.least)))):
            with choose.scope("layers"), choose.scope(str(number)):
                found.append(self._asked(choose, number))
        return found


def _said(layer: Convolution) -> str:
    height, width = layer.kernel
    stride = "" if layer.stride == (1, 1) else f"/{layer.stride[0]}x{layer.stride[1]}"
    return f"conv_{height}x{width}{stride} x{layer.filters}"


def _unread(layers: Sequence[Convolution]) -> tuple[int, ...]:
    """Layers, from 1 on, that no layer reads."""
    read = {source for each in layers for source in each.reads}
    return tuple(number for number in range(1, len(layers) + 1) if number not in read)


def _network(chosen: Sequence[Convolution], pooled: frozenset[int], shape: TaskShape) -> nn.Module:
    """The layers with what they read side by side, the unread ones in the end, and a classifier."""
    halvings, extent = _entry(shape)
    states: list[tuple[int, Extent]] = [(shape.channels, extent)]
    layers: list[nn.Module] = []
    padding: dict[str, nn.Module] = {}
    reads = [each.reads or (0,) for each in chosen]
    for place, each in enumerate(chosen):
        inputs, largest = _together(states, reads[place], place, padding)
        layer, after = _layer(each, inputs, largest, pool=place + 1 in pooled)
        layers.append(layer)
        states.append((each.filters, after))
    ends = _unread(chosen)
    channels, _ = _together(states, ends, len(layers), padding)
    body = LayerGraph([*layers, nn.Identity()], [*reads, ends], [True] * (len(layers) + 1), padding)
    return nn.Sequential(*halvings, body, ClassifierHead(channels, shape.classes))


def _entry(shape: TaskShape) -> tuple[list[nn.Module], Extent]:
    """What brings large images to at most 56 pixels, and what is left of their height and width."""
    halvings: list[nn.Module] = []
    height, width = shape.height, shape.width
    while min(height, width) > LARGEST_SIDE:
        height, width = halved(height), halved(width)
        halvings.append(nn.AvgPool2d(2, 2, ceil_mode=True))
    return halvings, (height, width)


def _together(
    states: Sequence[tuple[int, Extent]], read: Sequence[int], place: int, padding: dict[str, nn.Module]
) -> tuple[int, Extent]:
    """Channels and size of what a layer reads, with the padding for maps that are smaller than the largest."""
    height, width = (max(states[source][1][axis] for source in read) for axis in (0, 1))
    for source in read:
        rows, columns = states[source][1]
        if (rows, columns) != (height, width):
            padding[f"{source}_{place}"] = nn.ZeroPad2d((0, width - columns, 0, height - rows))
    return sum(states[source][0] for source in read), (height, width)


def _layer(each: Convolution, inputs: int, extent: Extent, *, pool: bool) -> tuple[nn.Module, Extent]:
    """A convolution with normalisation and ReLU, pooled where that is asked for, and the size of what it gives."""
    padding = each.kernel[0] // 2, each.kernel[1] // 2
    after = -(-extent[0] // each.stride[0]), -(-extent[1] // each.stride[1])
    steps: list[nn.Module] = [
        nn.Conv2d(inputs, each.filters, each.kernel, each.stride, padding, bias=False),
        nn.BatchNorm2d(each.filters),
        nn.ReLU(inplace=True),
    ]
    if pool and min(halved(side) for side in after) >= SMALLEST_SIDE:
        steps.append(nn.MaxPool2d(2, 2, ceil_mode=True))
        after = halved(after[0]), halved(after[1])
    return nn.Sequential(*steps), after
