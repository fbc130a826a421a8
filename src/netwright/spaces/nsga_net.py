"""The macro space of NSGA-Net: phases of convolutions whose connections are bits, each with a skip (Lu et al. 2019)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.space import text_of
from netwright.core.task import TaskShape
from netwright.networks.blocks import ClassifierHead, conv_bn, halved
from netwright.networks.layer_graph import LayerGraph
from netwright.spaces.genetic_cnn import (
    Bits,
    bits_of,
    check_stages,
    in_one_order,
    pairs_of,
    read_bits,
    reads_of,
    text_of_bits,
)

PROVIDES = ("space.free_dag",)

GROWTH, BOTTLENECK = 64, 4  # channels of a dense node, and by how much its first convolution is wider

Phase = tuple[Bits, int]  # its connections, and whether its input is joined to its output


class NsgaNet(DecisionSpace):
    """Phases in a row, each a graph of convolutions: a bit for each pair of nodes, and one for a skip over the phase.

    Nodes are those of Genetic CNN, but what one reads is put side by side, and a 1x1 convolution brings it to the
    width; so is what no node reads, with the phase's input where the skip's bit is set. A 2x2 pooling stands between
    two phases. A node that is connected to none is left out, and so is a phase without connections, whose width the
    next one takes then. As in the authors' program, but that its first convolution keeps the image's size here.

    nodes: of each phase; three phases of 6 in the paper, of 4 by default in its program.
    widths: channels of each phase; 32, 64 and 128 in the program's search, 128 everywhere in its final network.
    form: "plain" nodes of a 3x3 convolution, batch normalisation and ReLU, as in the program's search; or "dense" ones
        as DenseNet's, of 64 channels behind a bottleneck of 256, as in its final network.

    As text a phase is its bits, "1-00-010-0111-10011-0": of node 2 the bit of node 1, and so on, last that of the skip.
    Different bits that give the same network have one key.

    Raises ConfigurationError for no phase, other than 2 to 12 nodes, and as many widths as there are not phases.
    """

    called = "nsga-net"

    nodes: Sequence[int] = (6, 6, 6)
    widths: Sequence[int] = (32, 64, 128)
    form: Literal["plain", "dense"] = "plain"

    traced_shape: ClassVar[TaskShape] = TaskShape((3, 32, 32), 10)

    def __post_init__(self) -> None:
        check_stages("NsgaNet", "phase", self.nodes, self.widths)
        if self.form not in ("plain", "dense"):
            raise ConfigurationError(f"NsgaNet: form is {self.form!r}; expected 'plain' or 'dense'")

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        phases = [self._asked(choose, place, count) for place, count in enumerate(self.nodes, 1)]
        active = [(bits, skip, count) for (bits, skip), count in zip(phases, self.nodes, strict=True) if any_of(bits)]
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        before, extent = shape.channels, (shape.height, shape.width)
        for place, ((bits, skip, count), width) in enumerate(zip(active, self.widths, strict=False), 1):
            if place > 1 and max(extent) > 1:
                layers[f"pool{place - 1}"] = nn.MaxPool2d(2, 2, ceil_mode=True)
                extent = halved(extent[0]), halved(extent[1])
            if before != width:
                kernel = 3 if place == 1 else 1
                layers[f"entry{place}"] = nn.Conv2d(before, width, kernel, padding=kernel // 2, bias=False)
            layers[f"phase{place}"] = _graph(reads_of(bits, count), skip, width, dense=self.form == "dense")
            before = width
        layers["head"] = ClassifierHead(before, shape.classes)
        return nn.Sequential(layers)

    def _asked(self, choose: Choose, place: int, count: int) -> Phase:
        with choose.scope(f"phase{place}"):
            bits = {pair: choose.value("bit{}_{}".format(*pair), (0, 1)) for pair in pairs_of(count)}
            return bits, choose.value("skip", (0, 1))

    # Text, and what is the same network.

    def format(self, architecture: Architecture) -> str:
        """The bits of each phase, the last of each that of the skip: "1-01-1|0-01-0"."""
        return "|".join(
            f"{text_of_bits(bits, count)}-{skip}"
            for (bits, skip), count in zip(self._phases(architecture), self.nodes, strict=True)
        )

    def parse(self, text: str) -> Architecture:
        """Read the bits of the phases, or an architecture's JSON.

        Raises InvalidArchitecture, or UserError for broken JSON.
        """
        if text_of(text).lstrip().startswith("{"):
            return super().parse(text)
        phases = read_bits(self.name, text, [[*range(1, count), 1] for count in self.nodes])
        return self._of_phases((bits_of(parts), int(skip)) for *parts, skip in phases)

    def canonical(self, architecture: Architecture) -> Architecture:
        """The same graphs with their nodes in one order; phases without connections last, where all are of one size."""
        phases = [
            (in_one_order(bits, count), skip if any_of(bits) else 0)
            for (bits, skip), count in zip(self._phases(architecture), self.nodes, strict=True)
        ]
        if len(set(self.nodes)) == 1:
            phases.sort(key=lambda phase: not any_of(phase[0]))  # stable
        return self._of_phases(phases)

    def _phases(self, architecture: Architecture) -> list[Phase]:
        self.require_own(architecture)
        answers = architecture.decisions
        return [
            (
                {pair: int(str(answers["phase{}/bit{}_{}".format(place, *pair)])) for pair in pairs_of(count)},
                int(str(answers[f"phase{place}/skip"])),
            )
            for place, count in enumerate(self.nodes, 1)
        ]

    def _of_phases(self, phases: Iterable[Phase]) -> Architecture:
        found: dict[str, int] = {}
        for place, (bits, skip) in enumerate(phases, 1):
            found |= {"phase{}/bit{}_{}".format(place, *pair): bit for pair, bit in bits.items()}
            found[f"phase{place}/skip"] = skip
        return self.architecture(found)


def any_of(bits: Bits) -> bool:
    """Whether a phase has a connection at all."""
    return any(bits.values())


def _graph(reads: list[list[int]], skip: int, width: int, *, dense: bool) -> LayerGraph:
    """A phase: its nodes, and last what joins those that no node reads, and the input where it is skipped to."""
    *inner, ends = reads
    ends = [*([0] if skip else []), *ends]
    node = _dense_node if dense else _plain_node
    joined = [nn.Conv2d(_channels(ends, width), width, 1, bias=False)] if dense else _joined(ends, width)
    last = nn.Sequential(*joined, nn.BatchNorm2d(width), nn.ReLU())
    layers = [*(node(each, width) for each in inner), last]
    return LayerGraph(layers, [*inner, ends], [True] * len(layers), {})


def _joined(reads: Sequence[int], width: int) -> list[nn.Module]:
    """What brings several states of one width, side by side, to that width."""
    return [nn.Conv2d(len(reads) * width, width, 1, bias=False)] if len(reads) > 1 else []


def _plain_node(reads: Sequence[int], width: int) -> nn.Module:
    return nn.Sequential(*_joined(reads, width), *conv_bn(width, width, 3))


def _dense_node(reads: Sequence[int], width: int) -> nn.Module:
    inputs, wide = _channels(reads, width), BOTTLENECK * GROWTH
    narrow = nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, wide, 1, bias=False)
    return nn.Sequential(*narrow, nn.BatchNorm2d(wide), nn.ReLU(), nn.Conv2d(wide, GROWTH, 3, padding=1, bias=False))


def _channels(reads: Sequence[int], width: int) -> int:
    """Of what a dense layer reads: the phase's input has its width, each node the growth."""
    return sum(GROWTH if source else width for source in reads)
