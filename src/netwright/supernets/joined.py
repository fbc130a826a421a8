"""What joins states that differ from architecture to architecture: those of a cell that no node reads, or any that a
layer with skip connections takes of the earlier ones.

A network of all architectures computes every state. A layer that reads them side by side has weights for all of them,
and an architecture takes those of the states that it joins, as in ENAS (Pham et al. 2018), whose program gathers the
weights of one 1x1 convolution behind each cell. Here it is the layer that the stand-alone network has there, too: such
a convolution in spaces whose cells are projected, the next cell's preprocessing in others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from netwright.core.errors import UserError
from netwright.core.states import States
from netwright.networks.cells import Cell
from netwright.networks.skips import SkipLayer
from netwright.supernets.elastic import Elastic
from netwright.supernets.selection import Selection


@dataclass(frozen=True, slots=True)
class Reader:
    """A node's sum over edges: the decision on which of its sources it reads (all of them where that is not asked)."""

    decision: str
    sources: tuple[int, ...]

    def read(self, chosen: Mapping[str, Any]) -> tuple[int, ...]:
        return chosen.get(self.decision, self.sources)


class OpenStates(States):
    """States of which an architecture takes some: goes through those for an architecture, through all for a mixture."""

    selection: Selection

    def __iter__(self) -> Any:
        chosen = self.selection.chosen
        return super().__iter__() if chosen is None else iter(self.of(chosen))

    @property
    def number(self) -> int:
        return Blocks(self, 1)

    def of(self, chosen: Mapping[str, Any]) -> tuple[int, ...]:
        """The states that an architecture joins."""
        raise NotImplementedError

    def shares(self) -> list[Tensor | None]:
        """For a mixture, how far each of all states is joined; None for altogether."""
        return [self._share(state) for state in super().__iter__()]

    def _share(self, state: int) -> Tensor | None:
        raise NotImplementedError

    def weighted(self, states: Sequence[Tensor]) -> list[Tensor]:
        """For a mixture, all of these states as far as each is joined."""
        places = super().__iter__()
        return [
            states[i] if share is None else states[i] * share for i, share in zip(places, self.shares(), strict=True)
        ]


class UnreadStates(OpenStates):
    """Of these states those that no reader reads."""

    readers: tuple[Reader, ...]

    def __new__(cls, states: Iterable[int], readers: Sequence[Reader], selection: Selection) -> UnreadStates:
        made = super().__new__(cls, states)
        made.readers, made.selection = tuple(readers), selection
        return made

    def __reduce__(self) -> Any:
        return UnreadStates, (tuple(tuple.__iter__(self)), self.readers, self.selection)

    def of(self, chosen: Mapping[str, Any]) -> tuple[int, ...]:
        read = {source for reader in self.readers for source in reader.read(chosen)}
        return tuple(state for state in tuple.__iter__(self) if state not in read)

    def _share(self, state: int) -> Tensor | None:
        """The product of 1 - p over the readers that may read it.

        None where no weight says how far it is read: a mixture without weights for sources reads every state, and
        joins them all.
        """
        share: Tensor | None = None
        for reader in self.readers:
            weights = self.selection.weights.get(reader.decision)
            if weights is not None and state in reader.sources:
                left = 1 - weights[reader.sources.index(state)]
                share = left if share is None else share * left
        return share


class LinkedStates(OpenStates):
    """Of these states those that a decision each takes, and some that are always taken."""

    links: Mapping[int, str]

    def __new__(cls, states: Iterable[int], links: Mapping[int, str], selection: Selection) -> LinkedStates:
        made = super().__new__(cls, states)
        made.links, made.selection = dict(links), selection
        return made

    def __reduce__(self) -> Any:
        return LinkedStates, (tuple(tuple.__iter__(self)), self.links, self.selection)

    def of(self, chosen: Mapping[str, Any]) -> tuple[int, ...]:
        links = self.links
        return tuple(state for state in tuple.__iter__(self) if state not in links or chosen[links[state]])

    def _share(self, state: int) -> Tensor | None:
        """The weight of the option to take it; None for what is always taken."""
        return None if state not in self.links else self.selection.weights[self.links[state]][1]


class Blocks(Elastic, int):
    """The width of what is joined: the channels of all states, in blocks of which an architecture takes some."""

    states: OpenStates
    each: int

    def __new__(cls, states: OpenStates, each: int) -> Blocks:
        made = int.__new__(cls, len(states) * each)
        made.states, made.each = states, each
        return made

    def __reduce__(self) -> Any:
        return Blocks, (self.states, self.each)

    def value(self, chosen: Mapping[str, Any]) -> int:
        return len(self.states.of(chosen)) * self.each

    def values(self) -> Any:
        raise UserError("the width of what is joined can be the input of a layer only, not its output")

    def taken(self, weight: Tensor, chosen: Mapping[str, Any]) -> Tensor:
        """Of a layer's weight (outputs, inputs, ...) the inputs that an architecture has."""
        kept = set(self.states.of(chosen))
        if len(kept) == len(self.states):
            return weight
        blocks = [state in kept for state in tuple.__iter__(self.states)]
        chunks = weight.split(self.each, dim=1)
        return torch.cat([chunk for chunk, there in zip(chunks, blocks, strict=True) if there], 1)

    def _with(self, name: str, *parts: Any) -> Any:
        numbers = [part for part in parts if not isinstance(part, Elastic)]
        if name == "mul" and len(numbers) == 1 and type(numbers[0]) is int:
            return Blocks(self.states, self.each * numbers[0])
        if name == "floordiv" and numbers == [1] and parts[0] is self:  # a convolution of one group
            return self
        raise UserError("the width of what is joined can be multiplied by a whole number only")


class OpenCell(Cell):
    """A cell that joins what the architecture leaves unread; for a mixture all states, each as far as it is unread."""

    def forward(self, older: Tensor, newer: Tensor) -> Tensor:
        output = cast("OpenStates", self.output)
        if output.selection.chosen is not None:
            return super().forward(older, newer)
        return self.joined(output.weighted(self.states(older, newer)))


class OpenSkipLayer(SkipLayer):
    """A layer that joins the states that the architecture takes; for a mixture all, each as far as it is taken."""

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        taken = cast("OpenStates", self.taken)
        if taken.selection.chosen is not None:
            return super().forward(states)
        return self.joined(taken.weighted(self.with_own(states)))


def open_cells(network: nn.Module) -> None:
    """Give each cell and layer that joins open states its form in a network of all architectures."""
    for module in network.modules():
        if type(module) is Cell and isinstance(module.output, OpenStates):
            module.__class__ = OpenCell
        elif type(module) is SkipLayer and isinstance(module.taken, OpenStates):
            module.__class__ = OpenSkipLayer
