"""The last layers of a network, which give the numbers that a task asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from netwright.core.task import TaskShape

_CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_POOLS = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}
_BETWEEN = {1: "linear", 2: "bilinear", 3: "trilinear"}


def head(shape: TaskShape, channels: int) -> nn.Module:
    """See `TaskShape.head`."""
    axes = len(shape.places)
    if not axes:
        return nn.Linear(channels, shape.outputs)
    if not shape.dense:
        return nn.Sequential(_POOLS[axes](1), nn.Flatten(), nn.Linear(channels, shape.outputs))
    return DenseHead(channels, shape.outputs, shape.places)


class DenseHead(nn.Module):
    """A linear layer at each place, and as many places as the input had.

    channels: of what it takes, (n, channels, *places).
    outputs: of what it gives, (n, outputs, *places).
    places: of the answer; fewer are brought to them by linear interpolation.
    """

    def __init__(self, channels: int, outputs: int, places: tuple[int, ...]) -> None:
        super().__init__()
        self.places = tuple(places)
        self.between = _BETWEEN[len(places)]
        self.classifier = _CONVOLUTIONS[len(places)](channels, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        answers = self.classifier(features)
        if answers.shape[2:] == self.places:
            return answers
        return F.interpolate(answers, self.places, mode=self.between, align_corners=False)
