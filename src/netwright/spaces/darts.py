"""The space of DARTS: cells whose nodes each read two different earlier states (Liu et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import nn

from netwright.core.choose import Choose
from netwright.core.decisions import Label
from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.core.states import States
from netwright.spaces.cells import OPERATION_SETS, CellSpace
from netwright.spaces.genotypes import Block, PublishedCell

PROVIDES = ("space.darts_cell",)


class Darts(CellSpace):
    """Cells whose nodes sum an operation on each of two different earlier states; the output joins all nodes.

    With 4 nodes and 7 operations there are 1,076,746,950,455,072,400 architectures. In a mixture, each edge has the
    further option `none`. The published CIFAR-10 networks have 20 cells, 36 channels and an auxiliary
    classifier, the ImageNet networks 14 cells and 48 channels.

    cells: how many, at least 2; those at one and two thirds of the depth are reduction cells.
    channels: of one state in the first cells, at least 2.
    nodes: of each cell, or of the normal and the reduction cell; 4 in the paper.
    operations: the names of those on the edges, or of a set, see `CellSpace`; by default "darts", the paper's.
    auxiliary: whether there is a second classifier after the second reduction.
    stem_multiplier: channels of the stem, in units of `channels`; 3 in the paper.
    """

    called = "darts"

    nodes: int | tuple[int, int] = 4
    operations: tuple[str, ...] | str = OPERATION_SETS["darts"]

    width_parameter: ClassVar[str] = "channels"
    additive_cost: ClassVar[bool] = True  # each operation costs the same whatever the others are

    def __post_init__(self) -> None:
        super().__post_init__()
        if "none" in self.operations:
            raise ConfigurationError(
                "Darts offers 'none' in mixtures by itself; leave it out of operations (NasNet can take it)"
            )

    def nodes_and_output(
        self, choose: Choose, count: int, options: Mapping[str, Any], kind: str
    ) -> tuple[Sequence[nn.Module], States]:
        nodes = [choose.edges(f"node{i}", range(i + 2), 2, options, soft=("none",)) for i in range(count)]
        return nodes, States(range(2, count + 2))

    def block(self, labels: Mapping[str, Label], kind: str, node: int) -> Block:
        name = f"{kind}/node{node}"
        sources = labels[f"{name}/sources"] if node else (0, 1)
        assert isinstance(sources, tuple)
        first, second = [(str(labels.get(f"{name}/{each}", self.operations[0])), each) for each in sources]
        return first, second

    def block_labels(self, block: Block, kind: str, node: int) -> dict[str, Label]:
        name = f"{kind}/node{node}"
        (_, first), (_, second) = block
        if first == second:
            raise InvalidArchitecture(
                f"node {node} of {kind!r} reads state {first} twice; the nodes of Darts read two different states, "
                "those of NasNet any two"
            )
        labels: dict[str, Label] = {f"{name}/sources": (min(first, second), max(first, second))} if node else {}
        if len(self.operations) > 1:
            labels.update({f"{name}/{source}": label for label, source in block})
        return labels

    def output_states(self, cell: PublishedCell, kind: str) -> tuple[int, ...]:
        return cell.every_node
