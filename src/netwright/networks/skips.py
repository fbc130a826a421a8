"""Networks of layers that join what they give with the states of any layers before them (Pham et al. 2018)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn


class SkipLayer(nn.Module):
    """An operation on the newest state, and what it gives joined with some of the earlier states.

    Takes the list of all states so far and gives the next one.

    operation: of the newest state.
    taken: numbers of the states that are joined, ascending; that of the layer's own is the number of states so far.
    after: what takes the joined states.
    side_by_side: whether they are joined along the channels; otherwise they are added.
    """

    def __init__(
        self, operation: nn.Module, taken: Sequence[int], after: nn.Module, *, side_by_side: bool = False
    ) -> None:
        super().__init__()
        self.operation = operation
        self.taken = taken if isinstance(taken, tuple) else tuple(taken)
        self.after = after
        self.side_by_side = side_by_side

    def with_own(self, states: Sequence[Tensor]) -> list[Tensor]:
        """The states, and behind them what the operation gives."""
        return [*states, self.operation(states[-1])]

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        there = self.with_own(states)
        return self.joined([there[i] for i in self.taken])

    def joined(self, states: Sequence[Tensor]) -> Tensor:
        """The next state, of those that are taken."""
        if self.side_by_side:
            return self.after(torch.cat(tuple(states), 1))
        total = states[0]
        for each in states[1:]:
            total = total + each
        return self.after(total)

    def extra_repr(self) -> str:
        return f"taken={self.taken}"


class SkipNetwork(nn.Module):
    """A stem, layers that each read all states before them, and a classifier of the last state.

    stem: takes the images and gives state 0.
    layers: each takes the list of states and gives the next one.
    reductions: by number of a layer, what brings each state so far to the next resolution behind it.
    classifier: of what the last layer gives.
    """

    def __init__(
        self,
        stem: nn.Module,
        layers: Iterable[nn.Module],
        reductions: Mapping[int, Sequence[nn.Module]],
        classifier: nn.Module,
    ) -> None:
        super().__init__()
        self.stem = stem
        self.layers = nn.ModuleList(layers)
        self.reductions = nn.ModuleDict({str(number): nn.ModuleList(each) for number, each in reductions.items()})
        self.classifier = classifier

    def forward(self, x: Tensor) -> Tensor:
        states = [self.stem(x)]
        for number, layer in enumerate(self.layers):
            states.append(layer(states))
            if str(number) in self.reductions:
                reductions = cast("Iterable[nn.Module]", self.reductions[str(number)])
                states = [reduce(state) for reduce, state in zip(reductions, states, strict=True)]
        return self.classifier(states[-1])
