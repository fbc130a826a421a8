"""Motifs of motifs: small graphs whose edges are the graphs of the level below (Liu et al. 2018).

"Hierarchical Representations for Efficient Architecture Search": level 1 holds operations, a motif of level 2 is a
graph of them, and the cell is a graph of those motifs.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, nearest, shown
from netwright.core.task import TaskShape
from netwright.networks.blocks import ClassifierHead, conv_bn, entry_strides
from netwright.networks.layer_graph import LayerGraph
from netwright.networks.operations import average_pool, max_pool

if TYPE_CHECKING:
    import numpy as np

PROVIDES = ("space.motif",)

NONE, IDENTITY = "none", "identity"
OPERATIONS = ("conv_1x1", "depth_conv_3x3", "sep_conv_3x3", "max_pool_3x3", "avg_pool_3x3", IDENTITY)
LARGEST = 8  # nodes of a motif

Edge = tuple[int, int]  # two nodes of a motif, the earlier first
Labels = Mapping[Edge, str]  # what is on each edge


class Made(NamedTuple):
    """A module with the channels that it gives."""

    module: nn.Module
    channels: int


Make = Callable[[int, int], Made]  # from the width of the cell and the channels that come in


class Hierarchical(DecisionSpace):
    """Three equal cells in a row, each a graph whose edges are motifs, which are graphs whose edges are operations.

    There is one decision for each pair of nodes of each motif: what is on the edge from the earlier to the later one,
    "none" for nothing. What meets in a node is put side by side, and a 1x1 convolution brings it back to the cell's
    width. Between cells a separable convolution halves the image and doubles the width. What leads from no input or to
    no output is left out, and a cell that leads nowhere passes its input on.

    A mutation draws a level, one of its motifs, two of its nodes, and another label for their edge.

    motifs: of level 2; 6 in the paper.
    nodes: of a motif of level 2 and of the cell; 4 and 5 in the paper.
    channels: of the first cell; 16 in the paper's search.
    operations: of level 1; by default the paper's six.
    projected: whether what meets is brought back to the cell's width; as the paper describes it it is not, so that
        identities and poolings that meet again and again make maps of hundreds of times as many channels.

    Raises ConfigurationError for numbers below 1, motifs of fewer than 2 or more than 8 nodes, and unknown operations.
    """

    called = "hierarchical"

    motifs: int = 6
    nodes: tuple[int, int] = (4, 5)
    channels: int = 16
    operations: Sequence[str] = OPERATIONS
    projected: bool = True

    traced_shape: ClassVar[TaskShape] = TaskShape((3, 32, 32), 10)
    width_parameter: ClassVar[str] = "channels"

    def __post_init__(self) -> None:
        if self.motifs < 1 or self.channels < 1:
            raise ConfigurationError(
                f"Hierarchical: motifs is {self.motifs}, channels {self.channels}; expected at least 1 of each"
            )
        if len(self.nodes) != 2 or not all(2 <= each <= LARGEST for each in self.nodes):
            raise ConfigurationError(
                f"Hierarchical: nodes is {shown(self.nodes)}; expected those of a motif and those of the cell, 2 to "
                f"{LARGEST} each"
            )
        for each in self.operations:
            if each not in OPERATIONS:
                raise ConfigurationError(f"Hierarchical: there is no operation {each!r}{nearest(each, OPERATIONS)}")
        if not self.operations or len(set(self.operations)) < len(self.operations):
            raise ConfigurationError(f"Hierarchical: operations is {list(self.operations)}; expected each once")

    @property
    def _names(self) -> tuple[str, ...]:
        """What the motifs are called."""
        return tuple(f"motif{number}" for number in range(1, self.motifs + 1))

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        makers: dict[str, Make | None] = {}
        for name in self._names:
            with choose.scope(name):
                labels = self._asked(choose, self.nodes[0], self.operations)
            makers[name] = self._graph(labels, self.nodes[0], {each: partial(_operation, each) for each in OPERATIONS})
        with choose.scope("cell"):
            labels = self._asked(choose, self.nodes[1], self._names)
        cell = self._graph(labels, self.nodes[1], makers)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        before = shape.channels
        for number, strides in enumerate(entry_strides(shape.height, shape.width, 3)):
            width = self.channels * 2**number
            layers[f"entry{number + 1}"] = _entry(before, width, strides, separable=number > 0)
            found = Made(nn.Identity(), width) if cell is None else cell(width, width)
            layers[f"cell{number + 1}"], before = found
        layers["head"] = ClassifierHead(before, shape.classes)
        return nn.Sequential(layers)

    def _asked(self, choose: Choose, count: int, known: Sequence[str]) -> Labels:
        return {edge: choose.value("edge{}_{}".format(*edge), (NONE, *known)) for edge in _edges(count)}

    def _graph(self, labels: Labels, count: int, makers: Mapping[str, Make | None]) -> Make | None:
        """What makes a motif; None where no way leads through it. makers: by label; of those that lead nowhere None."""
        kept = live({edge for edge, label in labels.items() if makers.get(label) is not None}, count)
        if not kept:
            return None
        made = [(edge, make) for edge in kept if (make := makers[labels[edge]]) is not None]
        return partial(_motif, made, count, self.projected)

    # Changing, and what is the same network.

    def simple(self, rng: np.random.Generator) -> Architecture:
        """A chain of identities in every motif, and of the first motif in the cell, as the paper begins."""
        inner = IDENTITY if IDENTITY in self.operations else self.operations[0]
        scopes = [*((name, self.nodes[0], inner) for name in self._names), ("cell", self.nodes[1], self._names[0])]
        return self.architecture(
            {
                f"{scope}/edge{a}_{b}": label if b == a + 1 else NONE
                for scope, count, label in scopes
                for a, b in _edges(count)
            }
        )

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Another label for one edge of one motif of one level, each drawn alike (Liu et al. 2018, section 3.1)."""
        self.require_own(architecture)
        scope = "cell" if rng.random() < 0.5 else self._names[int(rng.integers(self.motifs))]
        edges = _edges(self.nodes[scope == "cell"])
        name = "{}/edge{}_{}".format(scope, *edges[int(rng.integers(len(edges)))])
        labels = architecture.decisions
        known = self.decisions[self.decisions.places[name]].options
        others = [each for each in known if each != labels[name]]
        return self.architecture({**labels, name: others[int(rng.integers(len(others)))]})

    def canonical(self, architecture: Architecture) -> Architecture:
        """The same network with "none" on every edge on which nothing depends."""
        self.require_own(architecture)
        labels = architecture.decisions
        kept = {name: self._kept(labels, name, self.nodes[0], self.operations) for name in self._names}
        cell = self._kept(labels, "cell", self.nodes[1], [name for name in self._names if kept[name]])
        used = set(cell.values())
        found = {**cell, **{edge: label for name in self._names if name in used for edge, label in kept[name].items()}}
        return self.architecture({name: found.get(name, NONE) for name in labels})

    def _kept(self, labels: Mapping[str, object], scope: str, count: int, known: Sequence[str]) -> dict[str, str]:
        """The labels of the edges of a motif that lie on a way through it."""
        names = {edge: "{}/edge{}_{}".format(scope, *edge) for edge in _edges(count)}
        there = live({edge for edge, name in names.items() if labels[name] in known}, count)
        return {names[edge]: str(labels[names[edge]]) for edge in there}


def _edges(count: int) -> list[Edge]:
    return list(combinations(range(count), 2))


def live(edges: set[Edge], count: int) -> list[Edge]:
    """Those edges that lie on a way from the first node to the last, in ascending order.

    edges: of a motif with so many nodes.
    """
    reached, leading = {0}, {count - 1}
    for a, b in sorted(edges):
        if a in reached:
            reached.add(b)
    for a, b in sorted(edges, reverse=True):
        if b in leading:
            leading.add(a)
    return sorted((a, b) for a, b in edges if a in reached and b in leading)


def _motif(edges: Sequence[tuple[Edge, Make]], count: int, projected: bool, width: int, inputs: int) -> Made:
    """The graph of a motif: a layer for each edge, and one for each node in which several meet."""
    state, channels = {0: 0}, {0: inputs}  # of each node, which state of the graph it is, and how wide
    layers: list[nn.Module] = []
    reads: list[list[int]] = []
    for node in range(1, count):
        into = [(a, make) for (a, b), make in edges if b == node]
        made = [make(width, channels[a]) for a, make in into]
        layers += [each.module for each in made]
        reads += [[state[a]] for a, _ in into]
        wide = sum(each.channels for each in made)
        if len(made) > 1:
            layers.append(conv_bn(wide, width, 1) if projected else nn.Identity())
            reads.append(list(range(len(reads) - len(made) + 1, len(reads) + 1)))
            wide = width if projected else wide
        if made:
            state[node], channels[node] = len(layers), wide
    return Made(LayerGraph(layers, reads, [len(each) > 1 for each in reads], {}), channels[count - 1])


def _operation(label: str, width: int, inputs: int) -> Made:
    """An operation of level 1 in a cell of this width."""
    if label == "conv_1x1":
        return Made(conv_bn(inputs, width, 1), width)
    if label == "depth_conv_3x3":
        return Made(conv_bn(inputs, inputs, 3, groups=inputs), inputs)
    if label == "sep_conv_3x3":
        return Made(_separable(inputs, width), width)
    if label == IDENTITY:
        return Made(nn.Identity(), inputs)
    return Made(max_pool(3, 1) if label == "max_pool_3x3" else average_pool(3, 1), inputs)


def _separable(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(conv_bn(inputs, inputs, 3, stride=stride, groups=inputs), conv_bn(inputs, outputs, 1))


def _entry(inputs: int, outputs: int, strides: Sequence[int], *, separable: bool) -> nn.Module:
    """What leads into a cell: a convolution, or a separable one, for each stride."""
    before = (inputs, *[outputs] * (len(strides) - 1))
    pairs = zip(before, strides, strict=True)
    return nn.Sequential(
        *(_separable(a, outputs, s) if separable else conv_bn(a, outputs, 3, stride=s) for a, s in pairs)
    )
