"""A way through blocks in a network of all architectures: all ways, or the one that an architecture takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from netwright.core.routes import block_number
from netwright.supernets.mixed import MixedOperation
from netwright.supernets.selection import Selection

PROVIDES = ("space.trellis",)


class OpenRoute(nn.Module):
    """Blocks, and from each the ways to those that may follow it.

    A mixture is computed block by block (Fang et al. 2020, the authors' program): a block reads the sum of what leads
    to it, each times the weight with which the block before leads there. Blocks to which nothing leads with a weight
    above 0 lead nowhere themselves, so that a mixture which is decided is its architecture.

    blocks: their layers.
    ways: of each block, an option a block that may follow; the decision is None where there is one alone.
    """

    def __init__(self, blocks: Sequence[nn.Module], ways: Sequence[MixedOperation], selection: Selection) -> None:
        super().__init__()
        self.blocks, self.ways = nn.ModuleList(blocks), nn.ModuleList(ways)
        self.selection = selection

    def kept(self) -> list[nn.Module]:
        """The layers of the selected architecture: a block, what leads on, the next block, ..."""
        row: list[nn.Module] = []
        number = 0
        while number < len(self.blocks):
            way = self._way(number)
            row += [self.blocks[number], way.chosen()]
            number = self._after(way, self._taken(way))
        return row

    def _way(self, number: int) -> MixedOperation:
        return cast("MixedOperation", self.ways[number])

    def _taken(self, way: MixedOperation) -> int:
        """The place of the option that the selected architecture takes."""
        chosen = self.selection.chosen
        assert chosen is not None
        return 0 if way.decision is None else way.labels.index(cast("str", chosen[way.decision]))

    @staticmethod
    def _after(way: MixedOperation, place: int) -> int:
        return block_number(way.labels[place])

    def forward(self, x: Tensor) -> Tensor:
        if self.selection.chosen is None:
            return self._mixed(x)
        for module in self.kept():
            x = module(x)
        return x

    def _mixed(self, x: Tensor) -> Tensor:
        sums: dict[int, Tensor] = {0: x}
        reached: dict[int, Tensor] = {0: x.new_ones(())}
        for number, block in enumerate(self.blocks):
            if number not in sums:  # nothing that is computed leads here
                continue
            way = self._way(number)
            states = block(sums.pop(number))
            for place in way.computed():
                after, weight = self._after(way, place), self._weight(way, place, states)
                term = way.options[place](states) * (weight * reached[number])
                sums[after] = term if after not in sums else sums[after] + term
                on = ((weight > 0) & (reached[number] > 0)).to(states.dtype)
                reached[after] = on if after not in reached else torch.maximum(on, reached[after])
        return sums[len(self.blocks)]

    def _weight(self, way: MixedOperation, place: int, like: Tensor) -> Tensor:
        return like.new_ones(()) if way.decision is None else self.selection.weights[way.decision][place]
