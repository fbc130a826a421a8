"""The space of NAS-Bench-201: one cell of four nodes, repeated (Dong and Yang 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from itertools import product
from typing import ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Point
from netwright.core.errors import ConfigurationError, InvalidArchitecture, nearest
from netwright.core.graph import Graph
from netwright.core.space import text_of
from netwright.core.task import TaskShape
from netwright.networks.cells import DenseCell, ReductionBlock
from netwright.networks.heads import image_stem, pooled_classifier
from netwright.networks.operations import operation
from netwright.spaces.cells import joined

PROVIDES = ("space.darts_cell", "est.tabular")

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NODES = ((0,), (0, 1), (0, 1, 2))  # the states that each node reads
_FORM = "expected |op~0|+|op~0|op~1|+|op~0|op~1|op~2|"


class NasBench201(DecisionSpace):
    """15,625 networks: three stages of `cells` equal cells, with residual blocks that halve the resolution between.

    channels: of the first stage; each later one has twice as many. Any image size and number of channels will do. The
    benchmark's networks have 16 channels and 5 cells; for 32x32 colour images and 10 classes they have from 73,306
    to 1,531,546 parameters and up to 220.12 million multiply-adds. The latter count the weights of convolutions and
    the linear layer times the positions each is applied to, and nothing for biases, normalisation, pooling and sums.
    cells: in each of the three stages.

    `str(architecture)` is the benchmark's own form, `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`.
    """

    called = "nasbench201"

    channels: int = 16
    cells: int = 5

    width_parameter: ClassVar[str] = "channels"
    additive_cost: ClassVar[bool] = True  # each operation costs the same whatever the others are

    def __post_init__(self) -> None:
        for name in ("channels", "cells"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"NasBench201 needs {name} of at least 1, found {getattr(self, name)}")

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        blocks: list[nn.Module] = [image_stem(shape.channels, self.channels)]
        for stage in range(3):
            width = self.channels << stage
            if stage:
                blocks.append(ReductionBlock(width // 2, width))
            blocks.extend(_cell(choose, width) for _ in range(self.cells))
        return nn.Sequential(*blocks, pooled_classifier(4 * self.channels, shape.classes, normalise=True))

    def tracing_twin(self) -> DecisionSpace:
        smallest = {name: 1 for name in ("channels", "cells") if name in self.arguments}
        return self.replace(**smallest)

    @cached_property
    def _is_the_benchmarks(self) -> bool:
        """Whether the decisions are the six operations of the benchmark's cell; a subclass may ask others."""
        return type(self).network is NasBench201.network

    def canonical(self, architecture: Architecture) -> Architecture:
        """The first architecture, in the order of `enumerate`, of those that the benchmark calls isomorphic.

        There are 6,466 classes: cells are the same where one expression describes their output, with zeros passed on
        along a chain, skip connections left out and the terms of each sum in alphabetical order. A subclass with
        a network of its own has no such classes: each architecture stands for itself.
        """
        self.require_own(architecture)
        if not self._is_the_benchmarks:
            return architecture
        return architecture.space.from_content(_representatives()[architecture.content], check=False)

    def drawn(self, architecture: Architecture) -> Graph:
        graph = self.graph(architecture)
        return graph.with_output("cell", [graph.nodes[-1].name])

    def format(self, architecture: Architecture) -> str:
        if not self._is_the_benchmarks:
            return super().format(architecture)
        labels = iter([OPERATIONS[option] for option in architecture.content])
        return "+".join("|" + "".join(f"{next(labels)}~{source}|" for source in sources) for sources in NODES)

    def parse(self, text: str) -> Architecture:
        """Read the benchmark's form or JSON. Raises InvalidArchitecture, or UserError for broken JSON."""
        text = text_of(text).strip()
        if text.startswith(("{", "[")) or not self._is_the_benchmarks:
            return super().parse(text)
        return Architecture(self, _point(text))


def _cell(choose: Choose, channels: int) -> DenseCell:
    def make(label: str) -> nn.Module:
        return operation(label, channels)

    options = {label: lambda _, label=label: make(label) for label in OPERATIONS}
    with choose.scope("cell"):
        nodes = [choose.edges(f"node{i}", sources, None, options) for i, sources in enumerate(NODES, start=1)]
    return DenseCell(joined(node) or node for node in nodes)


def _point(text: str) -> Point:
    """The six operations of a cell in the benchmark's form, in its order."""
    nodes = text.split("+")
    if len(nodes) != len(NODES):
        raise InvalidArchitecture(f"the cell {text[:200]!r} has {len(nodes)} nodes separated by '+', not 3; {_FORM}")
    first, second, third = nodes
    return _node(first, 0) + _node(second, 1) + _node(third, 2)


@cache
def _node(text: str, number: int) -> Point:
    """The operations of one of the three nodes. There are 155; text that is none of them is not remembered."""
    sources, parts = NODES[number], text.split("|")
    if len(parts) != len(sources) + 2 or parts[0] or parts[-1]:
        raise InvalidArchitecture(f"node {text[:200]!r} should hold {len(sources)} parts between '|'; {_FORM}")
    return tuple([OPERATIONS.index(_label(part, source)) for part, source in zip(parts[1:-1], sources, strict=True)])


def _label(part: str, source: int) -> str:
    label, separator, number = part.rpartition("~")
    if not separator or number != str(source):
        raise InvalidArchitecture(f"{part[:100]!r} should end in '~{source}', the state that it reads")
    if label not in OPERATIONS:
        raise InvalidArchitecture(
            f"there is no operation {label[:100]!r} in {part[:100]!r}{nearest(label, OPERATIONS)}"
        )
    return label


@cache
def _representatives() -> dict[Point, Point]:
    """For each point the first one with the same expression."""
    first: dict[str, Point] = {}
    points = product(range(len(OPERATIONS)), repeat=sum(map(len, NODES)))
    return {point: first.setdefault(_expression(point), point) for point in points}


def _expression(point: Sequence[int]) -> str:
    """The cell's output as text: the input is 0, zero is #, f(x) is written (x)@f, and sums join their sorted terms.

    The terms are sorted as text, and a node that a skip connection passes on stays one term of the sum it enters. So
    two sums that differ only in how they are nested may count as different, as they do in the benchmark.
    """
    options = iter(point)
    states = ["0"]
    for sources in NODES:
        states.append("+".join(sorted(_term(OPERATIONS[next(options)], states[source]) for source in sources)))
    return states[-1]


def _term(label: str, state: str) -> str:
    if label == "none" or state == "#":
        return "#"
    return state if label == "skip_connect" else f"({state})@{label}"
