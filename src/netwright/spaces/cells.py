"""What the spaces of normal and reduction cells share: the network around the cells, and genotypes as their text."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.building import EdgeSum
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Label
from netwright.core.errors import ConfigurationError, InvalidArchitecture, nearest
from netwright.core.graph import Graph
from netwright.core.serial import parse_json
from netwright.core.space import text_of
from netwright.core.states import States
from netwright.core.task import TaskShape
from netwright.networks.cells import Cell, CellNetwork, preprocessing
from netwright.networks.heads import (
    auxiliary_classifier,
    image_stem,
    photograph_second_stem,
    photograph_stem,
    pooled_classifier,
)
from netwright.networks.operations import OPERATIONS, Zero, operation, relu_conv_norm
from netwright.spaces.genotypes import KINDS, MOST_NODES, Block, Genotype, PublishedCell, is_genotype, read_genotype

OPERATION_SETS: Mapping[str, tuple[str, ...]] = {
    "enas": ("sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3", "skip_connect"),  # its micro space
    "darts": (
        "max_pool_3x3",
        "avg_pool_3x3",
        "skip_connect",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "dil_conv_3x3",
        "dil_conv_5x5",
    ),
    "amoebanet": (
        "skip_connect",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "sep_conv_7x7",
        "avg_pool_3x3",
        "max_pool_3x3",
        "dil_conv_3x3",
        "conv_7x1_1x7",
    ),
    "pnas": (
        "sep_conv_3x3",
        "sep_conv_5x5",
        "sep_conv_7x7",
        "conv_7x1_1x7",
        "skip_connect",
        "avg_pool_3x3",
        "max_pool_3x3",
        "dil_conv_3x3",
    ),
    "nsga-net": (
        "max_pool_3x3",
        "avg_pool_3x3",
        "skip_connect",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "dil_conv_3x3",
        "dil_conv_5x5",
        "sep_conv_7x7",
        "conv_7x1_1x7",
    ),
    "nasnet": (
        "skip_connect",
        "conv_3x1_1x3",
        "conv_7x1_1x7",
        "dil_conv_3x3",
        "avg_pool_3x3",
        "max_pool_3x3",
        "max_pool_5x5",
        "max_pool_7x7",
        "nor_conv_1x1",
        "nor_conv_3x3",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "sep_conv_7x7",
    ),
}
PHOTOGRAPH = 128  # pixels: from this height and width on, the stem divides the resolution by 8


class CellSpace(DecisionSpace):
    """Networks of `cells` cells of two kinds, normal and reduction, each kind decided once (Zoph et al. 2018).

    cells: how many, at least 2; those at one and two thirds of the depth are reduction cells, which halve the
        resolution and double the channels.
    channels: of one state in the first cells, at least 2.
    nodes: of each cell, or of the normal and the reduction cell.
    operations: the names of those on the edges, or the name of a set in OPERATION_SETS: "enas", "darts", "amoebanet",
        "pnas", "nsga-net", "nasnet".
    auxiliary: whether there is a second classifier after the second reduction, so that training mode gives (logits,
        auxiliary logits).
    stem_multiplier: channels of the stem, in units of `channels`.

    Images of 128 pixels and more on their shorter side get a stem that divides the resolution by 8, as the ImageNet
    networks of Liu et al. (2019); smaller ones a single convolution at full resolution, as their CIFAR-10 networks.
    """

    cells: int = 8
    channels: int = 16
    nodes: int | tuple[int, int] = 4
    operations: tuple[str, ...] | str = ()
    auxiliary: bool = False
    stem_multiplier: int = 3

    _bare: ClassVar[bool] = False

    def __post_init__(self) -> None:
        least = {"cells": 2, "channels": 2, "stem_multiplier": 1}
        for name, value in least.items():
            if getattr(self, name) < value:
                raise ConfigurationError(
                    f"{type(self).__name__} needs {name} of at least {value}, found {getattr(self, name)}"
                )
        counts = tuple(self.nodes) if isinstance(self.nodes, Sequence) else (self.nodes, self.nodes)
        if len(counts) != 2 or not all(type(each) is int and 1 <= each <= MOST_NODES for each in counts):
            raise ConfigurationError(
                f"{type(self).__name__} needs nodes from 1 to {MOST_NODES}, one number or two (normal, reduction), "
                f"found {self.nodes!r}"
            )
        self._set("nodes", counts[0] if counts[0] == counts[1] else counts)
        self._set("operations", checked_operations(type(self).__name__, self.operations))

    def _set(self, name: str, value: Any) -> None:
        """Give an argument its one normal form, so that equal settings compare equal."""
        object.__setattr__(self, name, value)
        self._arguments[name] = value

    @property
    def is_projected(self) -> bool:
        """Whether a cell's output is brought to the width of one state, by a 1x1 convolution of its own."""
        return False

    @property
    def joins_inputs(self) -> bool:
        """Whether a cell's output has inputs of the cell among its states."""
        return False

    @property
    def node_counts(self) -> tuple[int, int]:
        """Nodes of the normal and of the reduction cell."""
        return self.nodes if isinstance(self.nodes, tuple) else (self.nodes, self.nodes)

    def tracing_twin(self) -> DecisionSpace:
        """Two small cells with nothing on their edges, which ask the same decisions."""
        twin = self.replace(cells=2, channels=2, auxiliary=False, stem_multiplier=1)
        object.__setattr__(twin, "_bare", True)
        return twin

    # The network.

    @abstractmethod
    def nodes_and_output(
        self, choose: Choose, count: int, options: Mapping[str, Any], kind: str
    ) -> tuple[Sequence[nn.Module], States]:
        """A cell's nodes, asked of `choose`, and the states that make up its output."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        photograph = min(shape.height, shape.width) >= PHOTOGRAPH
        width = self.channels
        if photograph:
            stems: tuple[nn.Module, nn.Module] = photograph_stem(shape.channels, width), photograph_second_stem(width)
            older = newer = width
        else:
            older = newer = self.stem_multiplier * width
            stems = image_stem(shape.channels, newer), nn.Identity()
        resolution = _halved((shape.height, shape.width), 3 if photograph else 0)
        thirds = (self.cells // 3, 2 * self.cells // 3)
        cells: list[nn.Module] = []
        auxiliary: nn.Module | None = None
        after_reduction = photograph
        for i in range(self.cells):
            reduces = i > 0 and i in thirds
            if reduces:
                width *= 2
                resolution = _halved(resolution)
            nodes, output = self._nodes(choose, width, reduces)
            wide = output.number * width
            projection = relu_conv_norm(wide, width, 1) if self.is_projected else None
            cells.append(Cell(preprocessing(older, newer, width, after_reduction), nodes, output, projection))
            older, newer, after_reduction = newer, wide if projection is None else width, reduces
            if self.auxiliary and i == thirds[1]:
                auxiliary = auxiliary_classifier(newer, shape.classes, resolution, last_norm=not photograph)
        return CellNetwork(*stems, cells, pooled_classifier(newer, shape.classes), auxiliary, thirds[1])

    def _nodes(self, choose: Choose, width: int, reduces: bool) -> tuple[Sequence[nn.Module], States]:
        def make(label: str, source: int) -> nn.Module:
            if self._bare:
                return nn.Identity()
            return operation(label, width, 2 if reduces and source < 2 else 1, drop_path=True)

        options = {
            name: lambda source, name=name: make(name, source) for name in dict.fromkeys((*self.operations, "none"))
        }
        kind = KINDS[reduces]
        with choose.scope(kind):
            return self.nodes_and_output(choose, self.node_counts[reduces], options, kind)

    # Genotypes.

    @abstractmethod
    def block(self, labels: Mapping[str, Label], kind: str, node: int) -> Block:
        """The two readings of a node, from the labels of an architecture's decisions."""

    @abstractmethod
    def block_labels(self, block: Block, kind: str, node: int) -> dict[str, Label]:
        """The labels of the decisions of a node with these readings."""

    @abstractmethod
    def output_states(self, cell: PublishedCell, kind: str) -> tuple[int, ...]:
        """The states that make up the output of a cell with these nodes."""

    def drawn(self, architecture: Architecture) -> Graph:
        graph = self.graph(architecture)
        for kind, cell in zip(KINDS, self._genotype(architecture).cells, strict=True):
            states = [node.name for node in graph.nodes if node.group == kind]
            graph = graph.with_output(kind, [states[number] for number in cell.output])
        return graph

    def genotype(self, architecture: Architecture) -> dict[str, Any]:
        """The architecture in the DARTS genotype form: normal, normal_concat, reduce, reduce_concat."""
        return self._genotype(architecture).to_dict()

    def format(self, architecture: Architecture) -> str:
        return str(self._genotype(architecture))

    def parse(self, text: str) -> Architecture:
        """Read a genotype as text `Genotype(...)` or as JSON, or an architecture's JSON.

        Raises InvalidArchitecture, or UserError for broken JSON.
        """
        data = text if is_genotype(text_of(text)) else parse_json(text)
        return self.from_genotype(data) if is_genotype(data) else super().parse(text)

    def from_genotype(self, genotype: str | Mapping[str, Any]) -> Architecture:
        """The architecture of this space with these cells; InvalidArchitecture says why there is none."""
        read = read_genotype(genotype, inputs=self.joins_inputs)
        labels: dict[str, Label] = {}
        for kind, count, cell in zip(KINDS, self.node_counts, read.cells, strict=True):
            if len(cell.nodes) != count:
                raise InvalidArchitecture(
                    f"{kind!r} of the genotype has {len(cell.nodes)} nodes, but this space's cells have {count}; "
                    "netwright.spaces.from_genotype finds a space for a genotype"
                )
            for node, block in enumerate(cell.nodes):
                for label, _ in block:
                    if label not in self.operations:
                        raise InvalidArchitecture(
                            f"node {node} of {kind!r}: this space has no operation {label!r}"
                            f"{nearest(label, self.operations)}"
                        )
                labels.update(self.block_labels(block, kind, node))
            expected = self.output_states(cell, kind)
            if cell.output != expected:
                raise InvalidArchitecture(
                    f"'{kind}_concat' is {list(cell.output)}, but this space's cells put out {list(expected)}; "
                    "netwright.spaces.from_genotype finds a space for a genotype"
                )
        return self.architecture(labels)

    def _genotype(self, architecture: Architecture) -> Genotype:
        labels = architecture.decisions
        cells: list[PublishedCell] = []
        for kind, count in zip(KINDS, self.node_counts, strict=True):
            cell = PublishedCell(tuple(self.block(labels, kind, node) for node in range(count)), ())
            cells.append(PublishedCell(cell.nodes, self.output_states(cell, kind)))
        return Genotype(*cells)


def checked_operations(owner: str, names: Iterable[str] | str) -> tuple[str, ...]:
    """The names as a tuple; ConfigurationError for none, for one that does not exist and for one given twice."""
    if isinstance(names, str):
        if names not in OPERATION_SETS:
            raise ConfigurationError(f"there is no set of operations {names!r}{nearest(names, OPERATION_SETS)}")
        names = OPERATION_SETS[names]
    names = tuple(names)
    for name in names:
        if name not in OPERATIONS:
            raise ConfigurationError(f"{owner} has no operation {name!r}{nearest(name, OPERATIONS)}")
    if not names or len(set(names)) != len(names):
        raise ConfigurationError(f"{owner} needs at least one operation, each named once, found {list(names)}")
    return names


def joined(*sums: nn.Module) -> EdgeSum | None:
    """One sum of all that these sums add, without terms that are zero unless all are.

    None where one of them is more than a plain sum, as in a network of all architectures.
    """
    pairs: list[tuple[int, nn.Module]] = []
    for each in sums:
        if type(each) is not EdgeSum:
            return None
        pairs.extend(zip(each.sources, each.operations, strict=True))
    kept = [pair for pair in pairs if not isinstance(pair[1], Zero)] or pairs[:1]
    return EdgeSum([source for source, _ in kept], [module for _, module in kept])


def _halved(resolution: tuple[int, int], times: int = 1) -> tuple[int, int]:
    """Height and width after so many steps of stride 2, odd extents rounded up."""
    height, width = resolution
    for _ in range(times):
        height, width = -(-height // 2), -(-width // 2)
    return height, width
