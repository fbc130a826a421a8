"""How wide and how deep a cell is, and the same operations on other connections (Shu et al. 2020)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from netwright.spaces.genotypes import KINDS, Block, Genotype, PublishedCell, read_genotype

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.spaces.cells import CellSpace

INPUTS = (0, 1)  # states that come from other cells
Sources = Callable[[int], tuple[int, int]]
"""The two states that a node reads, by its number from 0."""


def depth_of(cell: PublishedCell) -> int:
    """Connections on the longest way from an input to the output of a cell."""

    @lru_cache
    def longest(state: int) -> int:
        return 0 if state in INPUTS else 1 + max(longest(source) for _, source in cell.nodes[state - 2])

    return 1 + max(longest(state) for state in cell.output)


def width_of(cell: PublishedCell) -> float:
    """The widths of the nodes that read inputs, in channels of a state: a node counts as far as it reads inputs."""
    return sum(source in INPUTS for block in cell.nodes for _, source in block) / 2


def cells_of(space: CellSpace, architecture: Architecture) -> tuple[PublishedCell, PublishedCell]:
    """The normal and the reduction cell."""
    return read_genotype(space.genotype(architecture)).cells


def rewired(space: CellSpace, architecture: Architecture, sources: Sources) -> Architecture:
    """The architecture with its operations on other connections."""
    cells: list[PublishedCell] = []
    for kind, cell in zip(KINDS, cells_of(space, architecture), strict=True):
        nodes = tuple(_block(block, sources(node)) for node, block in enumerate(cell.nodes))
        cells.append(PublishedCell(nodes, space.output_states(PublishedCell(nodes, ()), kind)))
    return space.from_genotype(Genotype(*cells).to_dict())


def _block(block: Block, sources: tuple[int, int]) -> Block:
    (first, _), (second, _) = block
    return (first, sources[0]), (second, sources[1])


def widest(node: int) -> tuple[int, int]:
    """Every node reads both inputs, so that no cell is wider or shallower."""
    return INPUTS


def narrowest(node: int) -> tuple[int, int]:
    """Every node reads the two states before it, so that no cell of different sources is deeper."""
    return node, node + 1


def random_sources(rng: np.random.Generator) -> Sources:
    """Two different earlier states, each pair as likely."""

    def drawn(node: int) -> tuple[int, int]:
        first, second = sorted(rng.choice(node + 2, 2, replace=False).tolist())
        return first, second

    return drawn
