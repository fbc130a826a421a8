"""The spaces of NAS-Bench-1Shot1: cells of NAS-Bench-101 whose vertices read so many others (Zela et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from netwright.core.architecture import Architecture
from netwright.core.errors import ConfigurationError
from netwright.core.restricted import Restriction
from netwright.spaces.nasbench101 import NasBench101
from netwright.spaces.vertex_cells import CellSize, FewEdges, masks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from netwright.core.decision_space import DecisionSpace

PROVIDES = ("space.free_dag",)

PARENTS: Mapping[int, tuple[int, ...]] = {1: (1, 2, 2, 2, 2), 2: (1, 1, 2, 2, 3), 3: (1, 1, 1, 2, 2, 2)}
"""How many vertices each one after the input reads, the output last (the authors' code)."""


class NasBench1Shot1(NasBench101):
    """Cells of six or seven vertices, each of which reads a fixed number of the vertices before it.

    number: which of the three; their vertices read (1, 2, 2, 2, 2), (1, 1, 2, 2, 3) and (1, 1, 1, 2, 2, 2) others, so
        that a cell has nine edges.
    channels: of every vertex in the first stack; 16 in the authors' searches.
    stacks, modules: how many stacks, and cells in each.
    vertices, edges, one_shot: follow from `number`; no others are taken.

    The networks are those of `NasBench101(one_shot=True)`, which see, and tables of NAS-Bench-101 hold all the cells.
    What nothing reads has no effect. One edge alone cannot be changed, so that mutations change operations; crossover
    exchanges edges, too. There are 14,580, 29,160 and 1,312,200 architectures, of which the paper counts 6,240, 29,160
    and 363,648.
    """

    called = "nasbench1shot1"

    number: int = 1
    channels: int = 16
    one_shot: bool = True

    def __post_init__(self) -> None:
        if self.number not in PARENTS:
            raise ConfigurationError(f"NasBench1Shot1 needs a number from 1 to 3, found {self.number!r}")
        vertices = len(PARENTS[self.number]) + 1
        if self.vertices not in (type(self).vertices, vertices) or not self.one_shot or self.edges != type(self).edges:
            raise ConfigurationError("NasBench1Shot1 takes vertices and edges from its number, and is one_shot always")
        object.__setattr__(self, "vertices", vertices)
        super().__post_init__()

    @cached_property
    def id(self) -> str:
        """That of the decisions, and the number."""
        return f"{super().id}-{self.number}"

    def tracing_twin(self) -> DecisionSpace:
        return self.replace(channels=max(1, self.vertices - 2), stacks=1, modules=1)

    def restriction(self) -> Restriction:
        return FixedParents(self.size_of_cells, PARENTS[self.number])

    def canonical(self, architecture: Architecture) -> Architecture:
        """The same network with the first options wherever they have no effect; isomorphic cells stay apart."""
        self.require_own(architecture)
        point, size, counts = list(architecture.point), self.size_of_cells, PARENTS[self.number]
        kept, _ = masks(point, size.pairs, size.output)
        for place, (source, target) in enumerate(size.pairs):
            if not kept >> target & 1:
                point[place] = int(source < counts[target - 1])
        for vertex in range(1, size.output):
            if not kept >> vertex & 1:
                point[len(size.pairs) + vertex - 1] = 0
        return Architecture(architecture.space, tuple(point))


class FixedParents(Restriction):
    """Each vertex after the input reads so many of those before it.

    counts: how many, the output last.
    """

    def __init__(self, size: CellSize, counts: Sequence[int]) -> None:
        self._few, self._pairs, self._counts = FewEdges(size), size.pairs, tuple(counts)
        self.leading = self._few.leading

    def reason(self, point: Sequence[int]) -> str:
        read = [0] * (len(self._counts) + 1)
        for option, (_, target) in zip(point, self._pairs, strict=False):
            read[target] += option
        for vertex, (found, wanted) in enumerate(zip(read[1:], self._counts, strict=True), start=1):
            if found != wanted:
                return f"vertex {vertex} reads {found} others, and must read {wanted}"
        return self._few.reason(point)

    def allowed(self) -> NDArray[np.bool_]:
        import numpy as np

        numbers, leading = np.arange(1 << self.leading, dtype=np.uint32), self.leading
        found = self._few.allowed().copy()
        for vertex, wanted in enumerate(self._counts, start=1):
            bits = [leading - 1 - i for i, (_, target) in enumerate(self._pairs) if target == vertex]
            read = np.zeros(len(numbers), dtype=np.uint8)
            for bit in bits:
                read += (numbers >> bit & 1).astype(np.uint8)
            found &= read == wanted
        return found
