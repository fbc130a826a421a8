"""The space of BlockQNN: a block of layers that read any earlier ones, written as a code (Zhong et al. 2018)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Label
from netwright.core.errors import ConfigurationError, InvalidArchitecture, shown
from netwright.core.graph import Edge, Graph, Node
from netwright.core.space import text_of
from netwright.core.task import TaskShape
from netwright.networks.blocks import SMALLEST_SIDE, entry, entry_strides, halved
from netwright.networks.heads import pooled_classifier
from netwright.networks.layer_graph import LayerGraph, State, adapter
from netwright.networks.operations import average_pool, max_pool, relu_conv_norm

PROVIDES = ("space.free_dag",)

CODES: Mapping[str, tuple[int, int]] = {
    "conv_1": (1, 1),
    "conv_3": (1, 3),
    "conv_5": (1, 5),
    "max_pool_1": (2, 1),
    "max_pool_3": (2, 3),
    "avg_pool_1": (3, 1),
    "avg_pool_3": (3, 3),
    "identity": (4, 0),
    "add": (5, 0),
    "concat": (6, 0),
    "end": (7, 0),
}
"""Type and kernel of each layer in the paper's code (table 1)."""
JOINING = ("add", "concat")
END = "end"
MOST_LAYERS = 32
WIDEST = 4  # times the channels of a convolution, beyond which what is side by side is brought to that many
ONE_PIXEL = (1, 1)


class Coded(NamedTuple):
    """One layer of the code. kind: as in CODES. reads: earlier layers from 1 on, 0 for what the block is given."""

    kind: str
    reads: tuple[int, ...]


class BlockQnn(DecisionSpace):
    """A block of layers, until one ends it, which is stacked: each layer has a type, a kernel, and one or two to read.

    A convolution is ReLU, convolution and normalisation; sums and concatenations read two. What nobody reads goes out
    of the block, side by side. Where channels differ that are added, 1x1 convolutions bring them to the more of both;
    more channels side by side than 4 convolutions give are brought to that many (both ours, the paper does not say).

    most: layers of a block, beside the one that ends it; 23 in the paper.
    channels: of a convolution in the first stage; twice as many in each one behind; 32 in the paper.
    stages: with a 2x2 maximum pooling between them, while 2 pixels are left.
    repeats: blocks in a stage.

    `str(architecture)` is the paper's code, for each layer its index, type, kernel and the two that it reads:
    "(1,1,3,0,0) (2,5,0,0,1) (3,7,0,0,0)".

    Raises ConfigurationError for numbers outside of what can be.
    """

    called = "blockqnn"

    most: int = 23
    channels: int = 32
    stages: int = 3
    repeats: int = 2

    width_parameter = "channels"

    def __post_init__(self) -> None:
        if not 1 <= self.most <= MOST_LAYERS or min(self.channels, self.stages, self.repeats) < 1:
            raise ConfigurationError(
                f"BlockQnn needs 1 to {MOST_LAYERS} layers and channels, stages and repeats of at least 1, found "
                f"most={self.most}, channels={self.channels}, stages={self.stages}, repeats={self.repeats}"
            )

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        code: list[Coded] = []
        self._ask(choose, 1, code)
        return self._built(code, shape)

    def _ask(self, choose: Choose, number: int, code: list[Coded]) -> None:
        """Ask for the layer of this number, from 1 on, and for those behind it as long as none ends the block."""
        if number > self.most:
            return
        kinds = [each for each in CODES if number > 1 or each != END]
        with choose.scope(f"layer{number}"):
            kind = choose.value("type", kinds)
            reads: list[int] = []
            choose.where("type", [*CODES][:-1], lambda: reads.append(choose.value("first", range(number))))
            choose.where("type", JOINING, lambda: reads.append(choose.value("second", range(number))))

        def on() -> None:
            code.append(Coded(kind, tuple(reads)))
            self._ask(choose, number + 1, code)

        choose.where(f"layer{number}/type", [*CODES][:-1], on)

    # The network.

    def _built(self, code: Sequence[Coded], shape: TaskShape) -> nn.Module:
        strides = entry_strides(shape.height, shape.width, 1)[0]
        layers: list[nn.Module] = [entry(shape.channels, self.channels, strides)]
        inputs, width = self.channels, self.channels
        side = min(shape.height, shape.width)
        for stride in strides:
            side = halved(side) if stride == 2 else side
        for stage in range(self.stages):
            if stage and halved(side) >= SMALLEST_SIDE:
                layers.append(nn.MaxPool2d(2, 2, ceil_mode=True))
                side = halved(side)
            width = self.channels * 2**stage
            for _ in range(self.repeats):
                block, inputs = _block(code, inputs, width)
                layers.append(block)
        return nn.Sequential(*layers, pooled_classifier(inputs, shape.classes, normalise=True))

    def tracing_twin(self) -> DecisionSpace:
        return _CodeQuestions(**self._arguments)

    # Architectures as text and as graphs.

    def canonical(self, architecture: Architecture) -> Architecture:
        """The same network with the two layers that a sum or a concatenation reads in ascending order."""
        self.require_own(architecture)
        code = [each._replace(reads=tuple(sorted(each.reads))) for each in self.code(architecture)]
        return self._of(code)

    def code(self, architecture: Architecture) -> list[Coded]:
        """The layers of the block, without the one that ends it."""
        labels, found = architecture.decisions, list[Coded]()
        for number in range(1, self.most + 1):
            kind = labels.get(f"layer{number}/type", END)
            if kind == END:
                break
            names = ("first", "second")[: 1 + (kind in JOINING)]
            found.append(Coded(str(kind), tuple(int(str(labels.get(f"layer{number}/{name}", 0))) for name in names)))
        return found

    def _of(self, code: Sequence[Coded]) -> Architecture:
        """The architecture with this code."""
        labels: dict[str, Label] = {}
        for number, each in enumerate(code, 1):
            labels[f"layer{number}/type"] = each.kind
            if number > 1:
                labels.update(
                    {f"layer{number}/{name}": read for name, read in zip(("first", "second"), each.reads, strict=False)}
                )
        if len(code) < self.most:
            labels[f"layer{len(code) + 1}/type"] = END
        return self.architecture(labels)

    def format(self, architecture: Architecture) -> str:
        code = self.code(architecture)
        layers = [(*CODES[each.kind], *(*each.reads, 0)[:2]) for each in code] + [(*CODES[END], 0, 0)]
        return " ".join(f"({','.join(map(str, (number, *each)))})" for number, each in enumerate(layers, 1))

    def parse(self, text: str) -> Architecture:
        """Read the paper's code, or JSON. Raises InvalidArchitecture, or UserError for broken JSON."""
        text = text_of(text).strip()
        if not text.startswith(("(", "[")):
            return super().parse(text)
        found = [tuple(map(int, each)) for each in re.findall(r"\(" + ",".join([r"\s*(\d+)\s*"] * 5) + r"\)", text)]
        if not found:
            raise InvalidArchitecture(f"expected layers as (index,type,kernel,first,second), found {shown(text[:100])}")
        code = [self._coded(number, each) for number, each in enumerate(found, 1)]
        inner = code[:-1] if code[-1].kind == END else code
        if not inner or len(inner) > self.most or any(each.kind == END for each in inner):
            raise InvalidArchitecture(
                f"expected 1 to {self.most} layers before the one that ends the block, found {len(inner)}"
            )
        return self._of(inner)

    def _coded(self, number: int, entry: Sequence[int]) -> Coded:
        """One layer of a written code."""
        index, kind, kernel, *reads = entry
        names = [name for name, code in CODES.items() if code == (kind, kernel)]
        if index != number or not names:
            raise InvalidArchitecture(
                f"layer {number} is {entry}; expected index {number}, and type and kernel one of {[*CODES.values()]}"
            )
        count = 2 if names[0] in JOINING else 0 if names[0] == END else 1
        if any(not 0 <= each < number for each in reads[:count]) or any(reads[count:]):
            raise InvalidArchitecture(
                f"layer {number} is {entry}; a layer of this type reads {count} of the layers 0 to {number - 1}"
            )
        return Coded(names[0], tuple(reads[:count]))

    def graph(self, architecture: Architecture) -> Graph:
        """The block, from what it is given to what goes out of it."""
        self.require_own(architecture)
        code = self.code(architecture)
        names = ["input", *(f"layer{number}" for number in range(1, len(code) + 1))]
        nodes = [Node("input"), *(Node(name, each.kind) for name, each in zip(names[1:], code, strict=True))]
        edges = [Edge(names[read], names[number]) for number, each in enumerate(code, 1) for read in each.reads]
        edges += [Edge(names[each], "output") for each in _unread(code)]
        return Graph((*nodes, Node("output")), tuple(edges))


class _CodeQuestions(BlockQnn):
    """The same questions, and no network."""

    called: Any = None

    def _built(self, code: Sequence[Coded], shape: TaskShape) -> nn.Module:
        return nn.Identity()


def _unread(code: Sequence[Coded]) -> tuple[int, ...]:
    """Layers, from 1 on, that no layer reads."""
    read = {source for each in code for source in each.reads}
    return tuple(number for number in range(1, len(code) + 1) if number not in read)


def _block(code: Sequence[Coded], inputs: int, width: int) -> tuple[nn.Module, int]:
    """The block for so many channels of a convolution, and the channels that it gives."""
    channels, layers = [inputs], list[nn.Module]()
    adapters: dict[str, nn.Module] = {}
    for place, each in enumerate(code):
        read = [channels[source] for source in each.reads]
        if each.kind == "add":
            for source in each.reads:
                found = adapter(State(channels[source], ONE_PIXEL), max(read), ONE_PIXEL, images=True)
                adapters.update({f"{source}_{place}": found} if found is not None else {})
        layer, after = _layer(each.kind, read, width)
        layers.append(layer)
        channels.append(after)
    ends = _unread(code)
    last, after = _narrowed(sum(channels[each] for each in ends), width)
    side_by_side = [each.kind == "concat" for each in code]
    body = LayerGraph([*layers, last], [*(each.reads for each in code), ends], [*side_by_side, True], adapters)
    return body, after


def _layer(kind: str, read: Sequence[int], width: int) -> tuple[nn.Module, int]:
    """What makes a layer of what it reads, and the channels that it gives. read: channels of each."""
    name, _, kernel = kind.rpartition("_")
    if name == "conv":
        return relu_conv_norm(read[0], width, int(kernel)), width
    if name == "max_pool":
        return max_pool(int(kernel)), read[0]
    if name == "avg_pool":
        return average_pool(int(kernel)), read[0]
    return _narrowed(sum(read), width) if kind == "concat" else (nn.Identity(), max(read))


def _narrowed(channels: int, width: int) -> tuple[nn.Module, int]:
    """Nothing, or a convolution to the most channels that may be side by side."""
    if channels <= WIDEST * width:
        return nn.Identity(), channels
    return relu_conv_norm(channels, WIDEST * width, 1), WIDEST * width
