"""Cells: small graphs of states that a network repeats, and the networks made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from netwright.networks.operations import FactorizedReduce, relu_conv_norm


class DenseCell(nn.Module):
    """A cell of one input whose last node is its output (Dong and Yang 2020).

    Each node takes the list of all states so far, the cell's input first, and gives the next one.

    nodes: in the order in which they are computed.
    """

    def __init__(self, nodes: Iterable[nn.Module]) -> None:
        super().__init__()
        self.nodes = nn.ModuleList(nodes)

    def forward(self, x: Tensor) -> Tensor:
        states = [x]
        for node in self.nodes:
            states.append(node(states))
        return states[-1]


class Cell(nn.Module):
    """A cell that reads the outputs of the two cells before it (Zoph et al. 2018).

    States 0 and 1 are those outputs, older first, each after its preprocessing; each node takes the list of all states
    so far and gives the next one. The cell's output is the states in `output`, one after the other along the channels,
    and after that `projection`, if there is one.

    preprocess: of the output of the cell before the last one, and of that of the last one.
    nodes: in the order in which they are computed.
    output: numbers of states.
    projection: of the output; None for none.
    """

    def __init__(
        self,
        preprocess: tuple[nn.Module, nn.Module],
        nodes: Iterable[nn.Module],
        output: Sequence[int],
        projection: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.preprocess0, self.preprocess1 = preprocess
        self.nodes = nn.ModuleList(nodes)
        self.output = output if isinstance(output, tuple) else tuple(output)
        self.projection = projection

    def states(self, older: Tensor, newer: Tensor) -> list[Tensor]:
        states = [self.preprocess0(older), self.preprocess1(newer)]
        for node in self.nodes:
            states.append(node(states))
        return states

    def forward(self, older: Tensor, newer: Tensor) -> Tensor:
        states = self.states(older, newer)
        return self.joined([states[i] for i in self.output])

    def joined(self, states: Sequence[Tensor]) -> Tensor:
        """The output made of these states."""
        together = torch.cat(tuple(states), 1)
        return together if self.projection is None else self.projection(together)

    def extra_repr(self) -> str:
        return f"output={self.output}"


def preprocessing(older: int, newer: int, channels: int, after_reduction: bool) -> tuple[nn.Module, nn.Module]:
    """What brings both inputs of a cell to one number of channels and one resolution.

    older, newer: channels of the cell before the last and of the last; the last one halved the resolution where
        `after_reduction`.
    """
    first = FactorizedReduce(older, channels) if after_reduction else relu_conv_norm(older, channels, 1)
    return first, relu_conv_norm(newer, channels, 1)


class PairSum(nn.Module):
    """The sum of two modules that both take the list of states: a block of two inputs.

    first, second: each takes the list of states.
    """

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        return self.first(states) + self.second(states)


class CellNetwork(nn.Module):
    """A stem, cells that read the two outputs before them, and a classifier (Zoph et al. 2018, figure 2).

    Takes images (batch, channels, height, width) and gives logits (batch, classes). With an auxiliary classifier, on
    the output of cell number `auxiliary_after`, training mode gives (logits, auxiliary logits).

    stem: takes the images.
    second_stem: takes what `stem` gives.
    cells: in their order.
    classifier: of what the last cell gives.
    auxiliary: the classifier of an earlier cell's output; None for none.
    auxiliary_after: number of that cell.
    """

    def __init__(
        self,
        stem: nn.Module,
        second_stem: nn.Module,
        cells: Iterable[nn.Module],
        classifier: nn.Module,
        auxiliary: nn.Module | None = None,
        auxiliary_after: int = -1,
    ) -> None:
        super().__init__()
        self.stem = stem
        self.second_stem = second_stem
        self.cells = nn.ModuleList(cells)
        self.classifier = classifier
        self.auxiliary = auxiliary
        self.auxiliary_after = auxiliary_after

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        older = self.stem(x)
        newer = self.second_stem(older)
        auxiliary_logits: Tensor | None = None
        for i, cell in enumerate(self.cells):
            older, newer = newer, cell(older, newer)
            if self.training and self.auxiliary is not None and i == self.auxiliary_after:
                auxiliary_logits = self.auxiliary(newer)
        logits = self.classifier(newer)
        return logits if auxiliary_logits is None else (logits, auxiliary_logits)


class ReductionBlock(nn.Module):
    """A residual block that halves the resolution (He et al. 2016, with the average pooling of NAS-Bench-201).

    Odd extents are rounded up.

    inputs, outputs: channels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(*relu_conv_norm(inputs, outputs, 3, 2), *relu_conv_norm(outputs, outputs, 3))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, 2, ceil_mode=True), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.residual(x)
