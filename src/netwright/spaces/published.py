"""Published cells by name, and the space that any published cell belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.serial import parse_json
from netwright.networks.operations import OPERATIONS
from netwright.spaces.cells import OPERATION_SETS, CellSpace
from netwright.spaces.darts import Darts
from netwright.spaces.genotype_forms import is_written, parts_of_text
from netwright.spaces.genotypes import Genotype, read_genotype
from netwright.spaces.nasnet import NasNet
from netwright.spaces.recurrent import Recurrent

PROVIDES = ("space.darts_cell", "space.nasnet_cell")

IMAGES, PHOTOGRAPHS, TEXTS = (20, 36), (14, 48), (1, 850)
"""Cells and channels of the published networks on CIFAR-10, ImageNet and texts, where a name has none of its own."""


@dataclass(frozen=True, slots=True)
class Published:
    """A cell that was published, or one of somebody's own.

    name: by which it is known; empty for one of somebody's own.
    genotype: in any of the forms that are read.
    whose: authors and year; empty where nobody is known.
    paper: its key among the papers; empty where it is none of them.
    size: cells and channels of the network that its authors trained on CIFAR-10; None where they are the usual ones.
    """

    name: str
    genotype: str | Mapping[str, Any]
    whose: str = ""
    paper: str = ""
    size: tuple[int, int] | None = None

    @property
    def is_recurrent(self) -> bool:
        """Whether it is a cell for texts; others are for images."""
        return "recurrent" in self.genotype  # a key, or a part of the text

    def sized(self, *, photographs: bool = False) -> tuple[int, int]:
        """Cells and channels as published.

        photographs: whether for ImageNet, in place of CIFAR-10.
        """
        if self.is_recurrent:
            return TEXTS
        return PHOTOGRAPHS if photographs else self.size or IMAGES

    def made(
        self, cells: int | None = None, channels: int | None = None, *, auxiliary: bool = False
    ) -> tuple[DecisionSpace, Architecture]:
        """The space that it belongs to, and its architecture there.

        cells: how many; by default as published for CIFAR-10. A recurrent network has one.
        channels: of one state in the first cells; of a recurrent cell, of every state.
        auxiliary: whether there is a second classifier after the second reduction.

        Raises InvalidArchitecture for what is no cell, ConfigurationError for sizes that cannot be.
        """
        published = self.sized()
        cells, channels = published[0] if cells is None else cells, published[1] if channels is None else channels
        if not self.is_recurrent:
            return from_genotype(self.genotype, cells, channels, auxiliary)
        if cells != 1 or auxiliary:
            raise ConfigurationError(
                f"{self.name or 'a recurrent cell'} is a recurrent cell: its network has 1 cell and no second "
                f"classifier, found {cells} cells{' and auxiliary = True' * auxiliary}"
            )
        return _recurrent(self.genotype, channels)


@cache
def published_cells() -> Mapping[str, Published]:
    """All cells that are known by name, in the order of their publication."""
    text = (Path(__file__).parent / "published_cells.json").read_text(encoding="utf-8")
    return MappingProxyType({name: _read(name, **each) for name, each in json.loads(text).items()})


def _read(
    name: str, genotype: Mapping[str, Any], whose: str, paper: str, cells: int | None = None, channels: int = 0
) -> Published:
    return Published(name, genotype, whose, paper, None if cells is None else (cells, channels))


def published(name: str) -> Published:
    """The published cell of this name; ConfigurationError for one that is not known.

    name: as "darts_v2"; dashes and capitals do as well.
    """
    found = published_cells().get(name.strip().lower().replace("-", "_"))
    if found is None:
        raise ConfigurationError(f"there is no published network {name!r}{nearest(name, published_cells())}")
    return found


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


def _recurrent(genotype: str | Mapping[str, Any], channels: int) -> tuple[Recurrent, Architecture]:
    """The space of a recurrent cell: with as many nodes, and with all or the loose ends as its output."""
    text = genotype if isinstance(genotype, str) else json.dumps(dict(genotype))
    data: Any = parts_of_text(text) if is_written(text) else parse_json(text)
    listed = data.get("recurrent") if isinstance(data, Mapping) else None
    space = Recurrent(max(1, len(listed)) if isinstance(listed, Sequence) else 1, channels)
    if isinstance(data, Mapping) and list(data.get("concat", ())) not in ([], list(range(1, space.nodes + 1))):
        space = space.replace(output="loose")
    return space, space.from_genotype(data)


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
