"""Finds the space that a published cell belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netwright.core.architecture import Architecture
from netwright.networks.operations import OPERATIONS
from netwright.spaces.cells import OPERATION_SETS, CellSpace
from netwright.spaces.darts import Darts
from netwright.spaces.genotypes import Genotype, read_genotype
from netwright.spaces.nasnet import NasNet

PROVIDES = ("space.darts_cell", "space.nasnet_cell")


def from_genotype(
    genotype: str | Mapping[str, Any], cells: int = 20, channels: int = 36, auxiliary: bool = False
) -> tuple[CellSpace, Architecture]:
    """A space that holds this genotype, and its architecture there: Darts where it can be, otherwise NasNet.

    The number of nodes, the operations and the output follow from the cells; the operations are the smallest published
    set that has all of them.

    genotype: as `read_genotype` takes it.
    cells, channels, auxiliary: as in `Darts`.

    Raises InvalidArchitecture, which says what is wrong with it.
    """
    read = read_genotype(genotype)
    nodes = (len(read.normal.nodes), len(read.reduce.nodes))
    if _is_darts(read):
        operations = _operations(read, ("darts",))
        space: CellSpace = Darts(cells, channels, nodes, operations, auxiliary)
    else:
        operations = _operations(read, OPERATION_SETS)
        space = NasNet(cells, channels, nodes, operations, auxiliary, output=_output(read))
    return space, space.from_genotype(read.to_dict())


def _is_darts(genotype: Genotype) -> bool:
    return "none" not in genotype.operations and all(
        cell.output == cell.every_node and all(first[1] != second[1] for first, second in cell.nodes)
        for cell in genotype.cells
    )


def _operations(genotype: Genotype, sets: Mapping[str, tuple[str, ...]] | tuple[str, ...]) -> tuple[str, ...]:
    """The smallest of these sets that has the genotype's operations; else those it uses beside the smallest set's."""
    ordered = sorted((OPERATION_SETS[name] for name in sets), key=len)
    for known in ordered:
        if genotype.operations <= set(known):
            return known
    return tuple(name for name in OPERATIONS if name in genotype.operations | set(ordered[0]))


def _output(genotype: Genotype) -> str | tuple[tuple[int, ...], tuple[int, ...]]:
    if all(cell.output == cell.loose_ends for cell in genotype.cells):
        return "loose"
    if all(cell.output == cell.every_node for cell in genotype.cells):
        return "all"
    return genotype.normal.output, genotype.reduce.output
