"""Networks of single units, each connected with any of the inputs and of the units before it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Unit(nn.Module):
    """(n, states) to (n, 1): the weighted sum of some states, and a bias where there is one.

    sources: the states that it reads.
    biased: whether it has a bias.
    """

    sources: Tensor

    def __init__(self, sources: Sequence[int], biased: bool) -> None:
        super().__init__()
        self.register_buffer("sources", torch.tensor(sources, dtype=torch.int64))
        self.linear = nn.Linear(max(1, len(sources)), 1, bias=biased)

    def forward(self, states: Tensor) -> Tensor:
        return self.linear(states[:, self.sources])


class Constant(nn.Module):
    """(n, states) to (n, 1): a bias that is learnt, or zero.

    biased: whether it has a bias.
    """

    def __init__(self, biased: bool) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1), requires_grad=biased)

    def forward(self, states: Tensor) -> Tensor:
        return states[:, :1] * 0 + self.bias


class ConnectedUnits(nn.Module):
    """Hidden units one after the other, each with a logistic function, then linear outputs.

    hidden, outputs: of each unit the states that it reads, inputs first and then hidden units, and whether it has a
        bias.
    """

    def __init__(
        self, hidden: Sequence[tuple[Sequence[int], bool]], outputs: Sequence[tuple[Sequence[int], bool]]
    ) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(unit(*each) for each in hidden)
        self.outputs = nn.ModuleList(unit(*each) for each in outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        states = inputs
        for each in self.hidden:
            states = torch.cat([states, torch.sigmoid(each(states))], 1)
        return torch.cat([each(states) for each in self.outputs], 1)


def unit(sources: Sequence[int], biased: bool) -> nn.Module:
    """A unit with these connections."""
    return Unit(sources, biased) if sources else Constant(biased)
