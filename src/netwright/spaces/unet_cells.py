"""The space of NAS-Unet: cells that go down and cells that come up, each kind decided once (Weng et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from torch import nn

from netwright.core.architecture import Architecture, Mixture
from netwright.core.choose import Choose, Maker, Makers
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Label
from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.core.graph import Graph
from netwright.core.states import States
from netwright.core.task import TaskShape
from netwright.networks.cells import Cell
from netwright.networks.u_shape import NORMAL, Across, Make, UpAndDown, convolutions, doubling, halving

PROVIDES = ("space.darts_cell",)

MOST_NODES = 8
LOWEST = 4  # pixels that are left at least on an image's shorter side
Reading = tuple[str, int]  # an operation, and the state that it reads

Cells = tuple[Sequence[Reading], Sequence[Reading]]  # down and up, each two readings a node

PUBLISHED: Mapping[int, Cells] = MappingProxyType(
    {
        2: (
            (("down_dil_conv", 0), ("down_conv", 1), ("max_pool", 1), ("down_conv", 0)),
            (("conv", 0), ("up_dil_conv", 1), ("conv", 2), ("up_cweight", 1)),
        ),
        3: (
            (
                *(("down_conv", 1), ("down_dep_conv", 0), ("down_cweight", 1)),
                *(("down_dil_conv", 0), ("down_dil_conv", 1), ("down_conv", 0)),
            ),
            (("identity", 0), ("up_cweight", 1), ("identity", 2), ("up_cweight", 1), ("cweight", 3), ("up_conv", 1)),
        ),
        4: (
            (
                *(("down_dil_conv", 1), ("down_cweight", 0), ("down_cweight", 0), ("down_cweight", 1)),
                *(("down_cweight", 0), ("conv", 3), ("down_cweight", 0), ("conv", 4)),
            ),
            (
                *(("cweight", 0), ("up_cweight", 1), ("conv", 2), ("up_cweight", 1)),
                *(("up_cweight", 1), ("conv", 3), ("up_cweight", 1), ("conv", 4)),
            ),
        ),
    }
)
"""Cells in the authors' programs by their number of nodes: there NAS_UNET_NEW_V1, NAS_UNET_V2 and NAS_UNET_V3."""


def convolution_cells(nodes: int) -> Cells:
    """Cells, down and up, in which a 3x3 convolution reads every node but the last, as the levels of a U-Net do.

    In some published cells sums alone join what comes across with what comes from below, and no convolution of the same
    resolution reads them; on the highest level none comes after them.

    nodes: of each cell.
    """
    down: list[Reading] = [("down_conv", 0), ("down_conv", 1)]
    up: list[Reading] = [("conv", 0), ("up_conv", 1)]
    for i in range(1, nodes):
        down += [("conv", i + 1), ("down_conv" if i == 1 else "max_pool", 1)]
        up += [("conv", i + 1), ("up_conv", 1) if i == 1 else ("identity", i)]
    return down, up


class UNetCells(DecisionSpace):
    """A class for every pixel: cells whose nodes sum an operation on each of two earlier states, in the shape of a U.

    On the way down a cell reads the two levels above it and halves the resolution; on the way up it reads the level of
    its own resolution from the way down, and doubles that of the cell below. With 3 nodes there are
    109,781,568,000 architectures. In a mixture each edge that keeps the resolution has the further option `none`.
    Sides that cannot be halved as often are padded, and the answer is cut to the image again.

    depth: cells on the way down; there is one more on the way up. At least 1; 4 in the search of the authors' programs.
        Fewer where the lowest level of the images at hand would have less than 4 pixels a side.
    channels: of one state at the highest resolution, at least 2; 16 in the authors' search.
    nodes: of each cell, 1 to 8; 3 in the authors' search.
    doubles: whether each level has twice the channels of the one above; in the authors' programs none has. With few
        channels where pixels are many, and many where they are few, networks segment better in less time (see
        benchmarks/RESULTS.md).
    deep_stem: whether two 3x3 convolutions read the image at its full resolution, and what they give is halved, as in a
        U-Net; in the authors' programs one of 1x1 reads it, and one of 3x3 with stride 2 beside it.
    dilation: of the dilated convolutions that halve or double the resolution, at least 1; 2 in the authors' programs.
        An even one leaves out three of four pixels: of those that it reads, and on the way up of those that it
        writes, so that cells which double by it alone never learn what lies there.

    The authors' networks: `UNetCells(depth=4, channels=16, doubles=False, deep_stem=False, dilation=2)`.

    The authors' normalisation is by groups of 16 channels, here it is by batches; their shuffled convolution has one
    group, so that it is the plain one, and is left out.
    """

    called = "unet-cells"

    depth: int = 2
    channels: int = 8
    nodes: int = 3
    doubles: bool = True
    deep_stem: bool = True
    dilation: int = 3

    version: ClassVar[int] = 3
    width_parameter: ClassVar[str] = "channels"
    additive_cost: ClassVar[bool] = True  # each operation costs the same whatever the others are
    traced_shape: ClassVar[TaskShape] = TaskShape((1, 32, 32), 2, dense=True)

    def __post_init__(self) -> None:
        for name, least in {"depth": 1, "channels": 2, "dilation": 1}.items():
            if getattr(self, name) < least:
                raise ConfigurationError(f"UNetCells needs {name} of at least {least}, found {getattr(self, name)}")
        if not 1 <= self.nodes <= MOST_NODES:
            raise ConfigurationError(f"UNetCells needs nodes from 1 to {MOST_NODES}, found {self.nodes}")

    def tracing_twin(self) -> DecisionSpace:
        """One small cell of each kind more than the least, which ask the same decisions."""
        return self.replace(depth=1, channels=2, doubles=False)

    # The network.

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images", dense=True)
        depth = levels_of(shape, self.depth)
        wide = self.nodes * self.channels
        stems = self._stems(shape.channels, wide)
        widths = [self.channels << (i + 1 if self.doubles else 0) for i in range(depth)]
        given = [wide, wide, *(self.nodes * width for width in widths)]
        down = [self._cell(choose, "down", given[i], given[i + 1], widths[i]) for i in range(depth)]
        up: list[nn.Module] = []
        below = given.pop()
        for width in (*reversed(widths), self.channels):
            up.append(self._cell(choose, "up", given.pop(), below, width))
            below = self.nodes * width
        return nn.Sequential(Across(UpAndDown(*stems, down, up, self.deep_stem), 2 ** (depth + 1)), shape.head(below))

    def _stems(self, inputs: int, outputs: int) -> tuple[nn.Module, nn.Module]:
        if not self.deep_stem:
            return _stem(inputs, outputs, 1, 1), _stem(inputs, outputs, 3, 2)
        first = nn.Sequential(*convolutions(inputs, self.channels, 1), *_stem(self.channels, outputs, 3, 1))
        return first, nn.Sequential(nn.ReLU(), *_stem(outputs, outputs, 3, 2))

    def _cell(self, choose: Choose, kind: str, across: int, last: int, width: int) -> Cell:
        halves = 2 if kind == "down" else 1  # the state from across has twice the resolution of the last one
        inputs = _entry(across, width, halves), _entry(last, width)
        options = _offered(kind, width, self.dilation)
        with choose.scope(kind):
            nodes = [choose.edges(f"node{i}", range(i + 2), 2, options, soft=("none",)) for i in range(self.nodes)]
        return Cell(inputs, nodes, States(range(2, self.nodes + 2)))

    def drawn(self, architecture: Architecture) -> Graph:
        graph = self.graph(architecture)
        for kind in ("down", "up"):
            graph = graph.with_output(kind, [f"{kind}/node{i}" for i in range(self.nodes)])
        return graph

    def discretize(self, mixture: Mixture) -> Architecture:
        """As any space does, but an option counts by how much more it weighs than an even share of its edge.

        Edges offer different numbers of operations, of which each weighs the more the fewer there are; the authors'
        programs compare edges so, too.
        """
        even = {name: len(weights) for name, weights in mixture.weights.items() if not name.endswith("/sources")}
        weights = {name: each * even.get(name, 1) for name, each in mixture.weights.items()}
        return super().discretize(Mixture(weights, mixture.active))

    # Cells that are known.

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """Cells of 3x3 convolutions, and those that were published where there are as many nodes."""
        found = {"cells of 3x3 convolutions": self.from_cells(*convolution_cells(self.nodes))}
        if self.nodes in PUBLISHED:
            found["cells of NAS-Unet (2019)"] = self.from_cells(*PUBLISHED[self.nodes])
        return found

    def from_cells(self, down: Sequence[Reading], up: Sequence[Reading]) -> Architecture:
        """The architecture with these cells, each a list of two readings a node, such as PUBLISHED[3].

        Raises InvalidArchitecture where they are none of this space.
        """
        labels: dict[str, Label] = {}
        for kind, readings in zip(("down", "up"), (down, up), strict=True):
            if len(readings) != 2 * self.nodes:
                raise InvalidArchitecture(
                    f"the {kind} cell has {len(readings)} readings, expected two for each of {self.nodes} nodes"
                )
            for i in range(self.nodes):
                labels.update(_node_labels(f"{kind}/node{i}", readings[2 * i : 2 * i + 2], i > 0))
        return self.architecture(labels)


def levels_of(shape: TaskShape, most: int) -> int:
    """How many times images may be halved, after the first time, until a side has LOWEST pixels; at least once."""
    levels = 1
    while levels < most and min(shape.height, shape.width) >> (levels + 2) >= LOWEST:
        levels += 1
    return levels


def _offered(kind: str, width: int, dilation: int) -> Callable[[int], Makers]:
    """What a source of a cell offers: on the way down both inputs are halved, on the way up the last one is doubled."""
    halved = (0, 1) if kind == "down" else ()
    doubled = () if kind == "down" else (1,)
    down, up = halving(dilation), doubling(dilation)

    def made(make: Make) -> Maker:
        return lambda source: make(width)

    def options(source: int) -> Makers:
        chosen = down if source in halved else up if source in doubled else NORMAL
        return {label: made(make) for label, make in chosen.items()}

    return options


def _stem(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """A convolution and batch normalisation."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


def _entry(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """ReLU, a 1x1 convolution and batch normalisation: a state as its cell reads it."""
    layer = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
    return nn.Sequential(nn.ReLU(), layer, nn.BatchNorm2d(outputs))


def _node_labels(name: str, readings: Sequence[Reading], asks_sources: bool) -> dict[str, Label]:
    (_, first), (_, second) = readings
    if first == second:
        raise InvalidArchitecture(f"{name} reads state {first} twice; a node reads two different states")
    labels: dict[str, Label] = {f"{name}/{source}": label for label, source in readings}
    if asks_sources:
        labels[f"{name}/sources"] = (min(first, second), max(first, second))
    return labels
