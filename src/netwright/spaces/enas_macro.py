"""The macro space of ENAS: layers in a row, each with an operation and any earlier layers joined (Pham et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Label
from netwright.core.errors import ConfigurationError, InvalidArchitecture, nearest, shown
from netwright.core.graph import Edge, Graph, Node
from netwright.core.space import text_of
from netwright.core.states import States
from netwright.core.task import TaskShape
from netwright.networks.blocks import SMALLEST_SIDE, conv_bn, entry, entry_strides, halved
from netwright.networks.heads import image_stem, pooled_classifier
from netwright.networks.operations import FactorizedReduce, average_pool, max_pool, relu_conv_norm
from netwright.networks.skips import SkipLayer, SkipNetwork

PROVIDES = ("space.chain",)

OPERATIONS: Mapping[str, Callable[[int], nn.Module]] = {
    "conv_3x3": lambda channels: nn.Sequential(*conv_bn(channels, channels, 1), *conv_bn(channels, channels, 3)),
    "sep_conv_3x3": lambda channels: _separable(channels, 3),
    "conv_5x5": lambda channels: nn.Sequential(*conv_bn(channels, channels, 1), *conv_bn(channels, channels, 5)),
    "sep_conv_5x5": lambda channels: _separable(channels, 5),
    "avg_pool_3x3": lambda channels: nn.Sequential(*conv_bn(channels, channels, 1), average_pool(3)),
    "max_pool_3x3": lambda channels: nn.Sequential(*conv_bn(channels, channels, 1), max_pool(3)),
}
"""By name, in the order of the authors' program, whose numbers architectures are written in."""
JOINS = ("sum", "concatenation")
MOST_LAYERS = 48


class EnasMacro(DecisionSpace):
    """Layers in a row: each takes an operation on the layer before, and any of the earlier layers to join with it.

    With 12 layers and 6 operations there are 6^12 * 2^66 architectures. The resolution is halved behind a third and two
    thirds of the layers, as long as 2 pixels are left; what is read behind that is brought to it.

    layers: how many; 12 in the authors' search, 24 in their final network.
    channels: of each layer, at least 2; 36 in the authors' search, 96 at the beginning of their final network.
    operations: any of "conv_3x3", "sep_conv_3x3", "conv_5x5", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3", each
        behind a 1x1 convolution.
    joins: how: by "sum", as in the authors' search, or by "concatenation" and a 1x1 convolution, as in their final
        network. In a network of all architectures that convolution has weights for all earlier layers, and an
        architecture takes those of the layers that it joins.
    doubling: whether there are twice as many channels where the resolution is halved, as in the authors' final network.

    `str(architecture)` is the authors' form, a layer between two bars: its operation by number, then for the stem and
    each layer before the last one whether it is joined: "0 | 3 0 | 0 1 0 | ...".

    Raises ConfigurationError for values outside of these.
    """

    called = "enas-macro"

    layers: int = 12
    channels: int = 36
    operations: Sequence[str] = tuple(OPERATIONS)
    joins: str = "sum"
    doubling: bool = False

    width_parameter: ClassVar[str] = "channels"

    def __post_init__(self) -> None:
        if not 1 <= self.layers <= MOST_LAYERS or self.channels < 2:
            raise ConfigurationError(
                f"EnasMacro needs 1 to {MOST_LAYERS} layers and at least 2 channels, found {self.layers} and "
                f"{self.channels}"
            )
        if not self.operations or len(set(self.operations)) < len(self.operations):
            raise ConfigurationError(f"EnasMacro needs operations, each named once, found {list(self.operations)}")
        for each in self.operations:
            if each not in OPERATIONS:
                raise ConfigurationError(f"EnasMacro has no operation {each!r}{nearest(each, OPERATIONS)}")
        if self.joins not in JOINS:
            raise ConfigurationError(
                f"EnasMacro: joins is one of {', '.join(JOINS)}, found {self.joins!r}{nearest(self.joins, JOINS)}"
            )

    def tracing_twin(self) -> DecisionSpace:
        return self.replace(channels=2)

    # The network.

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        strides = entry_strides(shape.height, shape.width, 1)[0]
        stem = image_stem(shape.channels, self.channels) if strides == (1,) else None
        stem = entry(shape.channels, self.channels, strides) if stem is None else stem
        halvings = self._halvings(shape, len([each for each in strides if each == 2]))
        layers: list[nn.Module] = []
        joined: list[Sequence[int]] = []
        width = self.channels
        for number in range(self.layers):
            layer, taken = self._layer(choose, number, width)
            layers.append(layer)
            joined.append(taken)
            width *= 2 if self.doubling and number in halvings else 1
        return SkipNetwork(stem, layers, self._reductions(halvings, joined), pooled_classifier(width, shape.classes))

    def _layer(self, choose: Choose, number: int, width: int) -> tuple[nn.Module, Sequence[int]]:
        """The layer of this number, from 0, and the states that it joins; state 0 is the stem."""
        with choose.scope(f"layer{number}"):
            options = {label: lambda label=label: OPERATIONS[label](width) for label in self.operations}
            operation = choose.one("operation", options)
            own = number + 1
            taken = choose.subset("skip", range(number), always=(own,)) if number else States((own,))
        if not number:
            return SkipLayer(operation, taken, nn.Identity()), taken
        if self.joins == "sum":
            return SkipLayer(operation, taken, nn.BatchNorm2d(width)), taken
        behind = relu_conv_norm(width * taken.number, width, 1)
        return SkipLayer(operation, taken, behind, side_by_side=True), taken

    def _reductions(self, halvings: Sequence[int], joined: Sequence[Sequence[int]]) -> dict[int, list[nn.Module]]:
        """Behind which layer which states are brought to the next resolution; those that nobody reads stay."""
        found: dict[int, list[nn.Module]] = {}
        width = self.channels
        for last in halvings:
            wider = 2 * width if self.doubling else width
            read = {last + 1}.union(*(set(taken) for taken in joined[last + 1 :]))
            found[last] = [
                FactorizedReduce(width, wider) if state in read else nn.Identity() for state in range(last + 2)
            ]
            width = wider
        return found

    def _halvings(self, shape: TaskShape, before: int) -> list[int]:
        """Numbers of the layers behind which the resolution is halved. before: how often the stem did."""
        side = min(shape.height, shape.width)
        for _ in range(before):
            side = halved(side)
        found: list[int] = []
        for layers in (self.layers // 3, 2 * (self.layers // 3)):
            if layers and halved(side) >= SMALLEST_SIDE:
                side = halved(side)
                found.append(layers - 1)
        return found

    # Architectures as text and as graphs.

    def format(self, architecture: Architecture) -> str:
        labels = architecture.decisions
        return " | ".join(
            " ".join(map(str, (self._operation(labels, number), *self._skips(labels, number))))
            for number in range(self.layers)
        )

    def _operation(self, labels: Mapping[str, Label], number: int) -> int:
        """The operation of a layer, as the authors' program numbers it."""
        return list(OPERATIONS).index(str(labels.get(f"layer{number}/operation", self.operations[0])))

    def _skips(self, labels: Mapping[str, Label], number: int) -> list[Label]:
        return [labels[f"layer{number}/skip/{state}"] for state in range(number)]

    def parse(self, text: str) -> Architecture:
        """Read the authors' numbers, with or without bars, or JSON.

        Raises InvalidArchitecture, or UserError for broken JSON.
        """
        text = text_of(text).strip()
        numbers = text.replace("|", " ").split()
        if not numbers or not all(each.isdecimal() for each in numbers):
            return super().parse(text)
        expected = sum(range(1, self.layers + 1))
        if len(numbers) != expected:
            raise InvalidArchitecture(
                f"expected {expected} numbers for {self.layers} layers, an operation and the layers joined for each, "
                f"found {len(numbers)}"
            )
        labels: dict[str, Label] = {}
        for number in range(self.layers):
            first = sum(range(1, number + 1))
            labels.update(self._labels(number, numbers[first : first + number + 1]))
        return self.architecture(labels)

    def _labels(self, number: int, read: Sequence[str]) -> dict[str, Label]:
        """The decisions of one layer from its numbers."""
        operation, *skips = map(int, read)
        names = list(OPERATIONS)
        if operation >= len(names) or names[operation] not in self.operations:
            known = [f"{names.index(each)} {each}" for each in self.operations]
            raise InvalidArchitecture(
                f"layer {number}: found operation {operation}, expected one of {', '.join(known)}"
            )
        if not set(skips) <= {0, 1}:
            raise InvalidArchitecture(f"layer {number}: joined layers are told by 0 and 1, found {shown(skips)}")
        labels: dict[str, Label] = {f"layer{number}/skip/{state}": bit for state, bit in enumerate(skips)}
        return {f"layer{number}/operation": names[operation], **labels} if len(self.operations) > 1 else labels

    def graph(self, architecture: Architecture) -> Graph:
        """The layers in a row, and an edge from each earlier one that a layer joins."""
        self.require_own(architecture)
        labels, names = architecture.decisions, list(OPERATIONS)
        states = ["stem", *(f"layer{number}" for number in range(self.layers))]
        nodes, edges = [Node("stem")], list[Edge]()
        for number in range(self.layers):
            nodes.append(Node(states[number + 1], names[self._operation(labels, number)]))
            edges.append(Edge(states[number], states[number + 1]))
            joined = [state for state, bit in enumerate(self._skips(labels, number)) if bit]
            edges.extend(Edge(states[state], states[number + 1], "skip") for state in joined)
        return Graph(tuple(nodes), tuple(edges))


def _separable(channels: int, kernel: int) -> nn.Module:
    """A 1x1 convolution, then a depthwise and a pointwise one with one normalisation behind both."""
    depthwise = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False)
    return nn.Sequential(*conv_bn(channels, channels, 1), depthwise, *conv_bn(channels, channels, 1))
