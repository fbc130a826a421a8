"""The space of NASNet, AmoebaNet, PNAS and ENAS: cells of blocks with two free inputs (Zoph et al. 2018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.building import EdgeSum
from netwright.core.choose import Choose
from netwright.core.decisions import Label, Point
from netwright.core.errors import ConfigurationError
from netwright.core.graph import Edge, Graph, Node
from netwright.core.states import States
from netwright.networks.cells import PairSum
from netwright.spaces.cells import OPERATION_SETS, CellSpace, joined
from netwright.spaces.genotypes import KINDS, Block, PublishedCell, Reading

PROVIDES = ("space.nasnet_cell",)

INPUTS = ("first", "second")


class NasNet(CellSpace):
    """Cells whose nodes sum two operations, each on any earlier state; both may read the same one.

    cells: how many, at least 2; those at one and two thirds of the depth are reduction cells.
    channels: of one state in the first cells, at least 2.
    nodes: of each cell, or of the normal and the reduction cell; 5 in the paper.
    operations: the names of those that a node may take, or of a set, see `CellSpace`; by default "nasnet", the paper's.
    auxiliary: whether there is a second classifier after the second reduction.
    stem_multiplier: channels of the stem, in units of `channels`.
    output: the states that are joined to the cell's output, the "loose" ends that no node reads, "all" nodes, or two
        tuples of states, for the normal and for the reduction cell; the normal one may have inputs of the cell, states
        0 and 1, among them, as that of NASNet-A has.
    projected: whether ReLU, a 1x1 convolution and a normalisation bring what is joined to the width of one state, as in
        the programs of ENAS (Pham et al. 2018) and ASNG-NAS (Akimoto et al. 2019).

    In a network of all architectures (a supernet) with "loose" ends, the layers that read a cell's output have weights
    for every node, and an architecture takes those of its loose ends. A mixture, which reads every state, joins all;
    with weights for sources each state as far as none reads it. `none` is an ordinary option where `operations` names
    it. The dilated convolution is the depthwise-separable one, as in published cells.

    The space of ASNG-NAS is NasNet(operations="enas", projected=True). Where both inputs of a node apply one operation
    to one state, its program has one module for both, and here there are two; its distribution draws operations without
    regard to the state, here there is a decision on the operation for each state.
    """

    called = "nasnet"

    nodes: int | tuple[int, int] = 5
    operations: tuple[str, ...] | str = OPERATION_SETS["nasnet"]
    output: str | tuple[tuple[int, ...], tuple[int, ...]] = "loose"
    projected: bool = False

    width_parameter: ClassVar[str] = "channels"
    additive_cost: ClassVar[bool] = True  # each operation costs the same whatever the others are; see cost_frame

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("output", self._checked_output())

    @property
    def is_projected(self) -> bool:
        return self.projected

    def _checked_output(self) -> str | tuple[tuple[int, ...], ...]:
        if self.output in ("loose", "all"):
            return self.output
        form = "expected 'loose', 'all', or the states of the normal and of the reduction cell"
        if isinstance(self.output, str) or len(self.output) != 2:
            raise ConfigurationError(f"NasNet cannot put out {self.output!r}; {form}")
        chosen = tuple(tuple(sorted(each)) for each in self.output)
        for states, count, least in zip(chosen, self.node_counts, (0, 2), strict=True):
            if not states or len(set(states)) < len(states) or not set(states) <= set(range(least, count + 2)):
                raise ConfigurationError(
                    f"NasNet cannot put out the states {list(states)} of a cell whose {count} nodes are states 2 to "
                    f"{count + 1}; {form}"
                )
        return chosen

    @property
    def joins_inputs(self) -> bool:
        return not isinstance(self.output, str) and min(self.output[0]) < 2

    def cost_frame(self, point: Point) -> tuple[int, ...]:
        """How many states make up the output of each cell: on what all but the operations' own cost depends."""
        if self.output != "loose":
            return ()
        return tuple(
            count - len({point[place] for place in places} - {0, 1})
            for count, places in zip(self.node_counts, self._source_places, strict=True)
        )

    @cached_property
    def _source_places(self) -> list[list[int]]:
        """Where a point says which state is read, for the normal and the reduction cell; option k is state k."""
        places = self.decisions.places
        return [
            [places[f"{kind}/node{i}/{name}/sources"] for i in range(count) for name in INPUTS]
            for kind, count in zip(KINDS, self.node_counts, strict=True)
        ]

    def nodes_and_output(
        self, choose: Choose, count: int, options: Mapping[str, Any], kind: str
    ) -> tuple[Sequence[nn.Module], States]:
        options = {label: options[label] for label in self.operations}
        nodes: list[nn.Module] = []
        sums: list[EdgeSum] = []
        for i in range(count):
            with choose.scope(f"node{i}"):
                first, second = (choose.edges(name, range(i + 2), 1, options) for name in INPUTS)
            sums += (first, second)
            nodes.append(joined(first, second) or PairSum(first, second))
        if not isinstance(self.output, str):
            return nodes, States(self.output[KINDS.index(kind)])
        states = range(2, count + 2)
        return nodes, States(states) if self.output == "all" else choose.unread(sums, states)

    def block(self, labels: Mapping[str, Label], kind: str, node: int) -> Block:
        first, second = [self._reading(labels, f"{kind}/node{node}/{name}") for name in INPUTS]
        return first, second

    def _reading(self, labels: Mapping[str, Label], name: str) -> Reading:
        sources = labels[f"{name}/sources"]
        assert isinstance(sources, tuple)
        return str(labels.get(f"{name}/{sources[0]}", self.operations[0])), sources[0]

    def block_labels(self, block: Block, kind: str, node: int) -> dict[str, Label]:
        labels: dict[str, Label] = {}
        for name, (label, source) in zip(INPUTS, block, strict=True):
            labels[f"{kind}/node{node}/{name}/sources"] = (source,)
            if len(self.operations) > 1:
                labels[f"{kind}/node{node}/{name}/{source}"] = label
        return labels

    def output_states(self, cell: PublishedCell, kind: str) -> tuple[int, ...]:
        if isinstance(self.output, str):
            return cell.every_node if self.output == "all" else cell.loose_ends
        return self.output[KINDS.index(kind)]

    def canonical(self, architecture: Architecture) -> Architecture:
        """The same network with each node's two inputs in ascending order of state, then of operation."""
        self.require_own(architecture)
        chosen = architecture.decisions
        labels: dict[str, Label] = {}
        for kind, count in zip(KINDS, self.node_counts, strict=True):
            for i in range(count):
                first, second = sorted(self.block(chosen, kind, i), key=lambda reading: reading[::-1])
                labels.update(self.block_labels((first, second), kind, i))
        return self.architecture(labels)

    def graph(self, architecture: Architecture) -> Graph:
        """Both cells with their two inputs, the nodes, and the two operations on the way to each node."""
        nodes: list[Node] = []
        edges: list[Edge] = []
        labels = architecture.decisions
        for kind, count in zip(KINDS, self.node_counts, strict=True):
            states = [f"{kind}/{name}" for name in ("input0", "input1", *(f"node{i}" for i in range(count)))]
            nodes.extend(Node(state, "", kind) for state in states)
            for i in range(count):
                for label, source in self.block(labels, kind, i):
                    edges.append(Edge(states[source], states[i + 2], label))
        return Graph(tuple(nodes), tuple(edges))
