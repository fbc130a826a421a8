"""Stages of nodes that are wired at random: weighted sums, then ReLU, a separable convolution and a normalisation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class WiredStage(nn.Module):
    """Nodes that read earlier ones, those that read none the input; what none reads is averaged (Xie et al. 2019).

    What a node reads is added up, each times the sigmoid of a weight that is learnt.
    inputs: channels that come in.
    width: of every node.
    wiring: of each node the earlier ones that it reads.
    stride: of the nodes that read the input.
    """

    def __init__(self, inputs: int, width: int, wiring: Sequence[Sequence[int]], stride: int) -> None:
        super().__init__()
        self.wiring = tuple(map(tuple, wiring))
        read = {source for each in self.wiring for source in each}
        self.ends = tuple(node for node in range(len(self.wiring)) if node not in read)
        self.nodes = nn.ModuleList(
            node(width, width, 1) if sources else node(inputs, width, stride) for sources in self.wiring
        )
        self.weights = nn.ParameterList(torch.zeros(max(1, len(sources))) for sources in self.wiring)

    def forward(self, inputs: Tensor) -> Tensor:
        states: list[Tensor] = []
        for place, each in enumerate(self.nodes):
            sources = self.wiring[place]
            merged = inputs
            if len(sources) == 1:
                merged = states[sources[0]]
            elif sources:
                weights = torch.sigmoid(self.weights[place])
                merged = states[sources[0]] * weights[0]
                for number, source in enumerate(sources[1:], 1):
                    merged = merged + states[source] * weights[number]
            states.append(each(merged))
        result = states[self.ends[0]]
        for end in self.ends[1:]:
            result = result + states[end]
        return result / len(self.ends)


def node(inputs: int, outputs: int, stride: int) -> nn.Module:
    """ReLU, a 3x3 depthwise and a pointwise convolution, batch normalisation."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
    )
