"""The space of Genetic CNN: stages of convolutions whose connections are bits (Xie and Yuille 2017)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.core.space import text_of
from netwright.core.task import TaskShape
from netwright.networks.blocks import ClassifierHead, conv_bn, halved
from netwright.networks.layer_graph import LayerGraph
from netwright.spaces.isomorphism import canonical_order

PROVIDES = ("space.free_dag",)

Bits = Mapping[tuple[int, int], int]  # of a stage: by pair of nodes, the earlier first, whether they are connected


class GeneticCnn(DecisionSpace):
    """Stages in a row, each a graph of convolutions in which one bit says of each pair whether they are connected.

    A stage begins with a convolution that brings its input to the stage's width. Nodes that read no other node read
    that; what no other node reads is added up to the stage's output, which a 2x2 pooling halves. A node that is
    connected to none is left out, and a stage without connections is its first convolution alone.

    nodes: of each stage; 3, 4 and 5 in the paper for CIFAR-10, which is 19 bits.
    widths: channels of each stage; 8, 16 and 32 in the paper's search.
    kernel: of all convolutions; 5 in the paper.

    As text a stage is its bits, as "1-01-110": of node 2 the bit of node 1, of node 3 those of nodes 1 and 2, and so
    on. Different bits that give the same graph have one key. The paper's two fully connected layers are here an
    average over places and one linear layer, so that images of any size are taken.

    Raises ConfigurationError for stages without nodes, as many widths as there are not stages, and even kernels.
    """

    called = "genetic-cnn"

    nodes: Sequence[int] = (3, 4, 5)
    widths: Sequence[int] = (8, 16, 32)
    kernel: int = 5

    traced_shape: ClassVar[TaskShape] = TaskShape((3, 32, 32), 10)

    def __post_init__(self) -> None:
        check_stages("GeneticCnn", "stage", self.nodes, self.widths)
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ConfigurationError(f"GeneticCnn: kernel is {self.kernel}; expected an odd number, as 3 or 5")

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        before, extent = shape.channels, (shape.height, shape.width)
        for stage, (count, width) in enumerate(zip(self.nodes, self.widths, strict=True), 1):
            with choose.scope(f"stage{stage}"):
                bits = {pair: choose.value("bit{}_{}".format(*pair), (0, 1)) for pair in pairs_of(count)}
            layers[f"entry{stage}"] = conv_bn(before, width, self.kernel)
            layers |= self._stage(stage, bits, width)
            if max(extent) > 1:
                layers[f"pool{stage}"] = nn.MaxPool2d(2, 2, ceil_mode=True)
                extent = halved(extent[0]), halved(extent[1])
            before = width
        layers["head"] = ClassifierHead(before, shape.classes)
        return nn.Sequential(layers)

    def _stage(self, stage: int, bits: Bits, width: int) -> dict[str, nn.Module]:
        """The graph of a stage behind its first convolution; nothing where no nodes are connected."""
        reads = reads_of(bits, self.nodes[stage - 1])
        convolutions = [conv_bn(width, width, self.kernel) for _ in reads[:-1]]
        graph = LayerGraph([*convolutions, nn.Identity()], reads, [False] * len(reads), {})
        return {f"stage{stage}": graph} if reads else {}

    # Text, and what is the same network.

    def format(self, architecture: Architecture) -> str:
        """The bits of each stage, as in the paper: "1-01|0-01-100"."""
        return "|".join(map(text_of_bits, self._bits(architecture), self.nodes))

    def parse(self, text: str) -> Architecture:
        """Read the bits of the stages, or an architecture's JSON.

        Raises InvalidArchitecture, or UserError for broken JSON.
        """
        if text_of(text).lstrip().startswith("{"):
            return super().parse(text)
        return self._of_bits([*map(bits_of, read_bits(self.name, text, [[*range(1, count)] for count in self.nodes]))])

    def canonical(self, architecture: Architecture) -> Architecture:
        """The same graphs with their nodes in one order, and those that are connected to none at the end."""
        stages = zip(self._bits(architecture), self.nodes, strict=True)
        return self._of_bits([in_one_order(bits, count) for bits, count in stages])

    def _bits(self, architecture: Architecture) -> list[Bits]:
        self.require_own(architecture)
        answers = architecture.decisions
        return [
            {pair: int(str(answers["stage{}/bit{}_{}".format(stage, *pair)])) for pair in pairs_of(count)}
            for stage, count in enumerate(self.nodes, 1)
        ]

    def _of_bits(self, stages: Sequence[Bits]) -> Architecture:
        return self.architecture(
            {
                "stage{}/bit{}_{}".format(stage, *pair): bit
                for stage, bits in enumerate(stages, 1)
                for pair, bit in bits.items()
            }
        )


def check_stages(space: str, stage: str, nodes: Sequence[int], widths: Sequence[int]) -> None:
    """ConfigurationError unless there are nodes and a width for each stage. stage: what the space calls one."""
    if not nodes or len(nodes) != len(widths):
        raise ConfigurationError(
            f"{space}: nodes is {list(nodes)} and widths {list(widths)}; expected one of each a {stage}"
        )
    if min(nodes) < 2 or max(nodes) > 12 or min(widths) < 1:
        raise ConfigurationError(
            f"{space}: nodes is {list(nodes)}, widths {list(widths)}; expected 2 to 12 nodes a {stage}, and widths of "
            "at least 1"
        )


def text_of_bits(bits: Bits, count: int) -> str:
    """The bits of a stage as in the paper: of node 2 the bit of node 1, of node 3 those of nodes 1 and 2, ..."""
    return "-".join("".join(str(bits[early, late]) for early in range(1, late)) for late in range(2, count + 1))


def read_bits(space: str, text: str, wanted: Sequence[Sequence[int]]) -> list[list[str]]:
    """Of each stage its parts, texts of bits, each as long as wanted; InvalidArchitecture for another text."""
    stages = [stage.strip().split("-") for stage in text.strip().split("|")]
    if [list(map(len, stage)) for stage in stages] != list(map(list, wanted)) or not set(text) <= set("01-| "):
        form = "|".join("-".join("0" * length for length in stage) for stage in wanted)
        raise InvalidArchitecture(f"{text!r} is no architecture of {space!r}; expected bits, as {form!r}")
    return stages


def bits_of(parts: Sequence[str]) -> Bits:
    """What `text_of_bits` made a text of, split at its dashes."""
    return {(early, late): int(bit) for late, part in enumerate(parts, 2) for early, bit in enumerate(part, 1)}


def pairs_of(count: int) -> list[tuple[int, int]]:
    """Of nodes 1 to `count`, in the order of the paper's bits: by the later one, then by the earlier one."""
    return sorted(combinations(range(1, count + 1), 2), key=lambda pair: pair[::-1])


def reads_of(bits: Bits, count: int) -> list[list[int]]:
    """What each node that is connected reads, and last what is added up to the output; 0 is the stage's input.

    bits: of a stage.
    count: its nodes.
    """
    pairs = [pair for pair in pairs_of(count) if bits[pair]]
    there = sorted({node for pair in pairs for node in pair})
    place = {node: number for number, node in enumerate(there, 1)}
    reads = [[place[early] for early, late in pairs if late == node] or [0] for node in there]
    ends = [place[node] for node in there if not any(early == node for early, _ in pairs)]
    return [*reads, ends] if there else []


def in_one_order(bits: Bits, count: int) -> Bits:
    """The bits of the one numbering that all isomorphic graphs share."""
    sources = [[early - 1 for early in range(1, late) if bits[early, late]] for late in range(1, count + 1)]
    depths: list[int] = []
    for each in sources:
        depths.append(1 + max((depths[source] for source in each), default=0))
    alone = [not each and not any(number in other for other in sources) for number, each in enumerate(sources)]
    labels = [count + 1 if lonely else depth for lonely, depth in zip(alone, depths, strict=True)]
    rank = {number: place for place, number in enumerate(canonical_order(labels, sources), 1)}
    edges = {(rank[source], rank[number]) for number, each in enumerate(sources) for source in each}
    return {pair: int(pair in edges) for pair in pairs_of(count)}
