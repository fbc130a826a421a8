"""Convolutional networks for series: numbers over time in one or several channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.closest import named
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.task import TaskShape
from netwright.networks.series_blocks import Beside, series_conv

PROVIDES = ("space.chain",)

OPERATIONS: Mapping[str, Callable[[int], nn.Module]] = {
    "conv_3": lambda c: series_conv(c, c, 3),
    "conv_7": lambda c: series_conv(c, c, 7),
    "conv_15": lambda c: series_conv(c, c, 15),
    "dilated_3": lambda c: series_conv(c, c, 3, 4),
    "dilated_7": lambda c: series_conv(c, c, 7, 4),
    "max_pool": lambda c: nn.MaxPool1d(3, 1, 1),
    "avg_pool": lambda c: nn.AvgPool1d(3, 1, 1),
}


class Series(DecisionSpace):
    """Residual networks for series: stages of one to a few blocks, each stage at half the times of the one before.

    widths: channels that all layers may have.
    stages: how many; the last stage has 1/2**(stages - 1) of the times.
    least, most: blocks of a stage.
    operations: any of "conv_3", "conv_7", "conv_15", "dilated_3", "dilated_7", "max_pool" and "avg_pool".

    Where an answer is asked for at each time, the answers are brought back to the times of the input. Raises
    ConfigurationError for values outside of these.
    """

    called = "series"

    widths: Sequence[int] = (16, 32, 64)
    stages: int = 3
    least: int = 1
    most: int = 3
    operations: Sequence[str] = tuple(OPERATIONS)

    traced_shape: ClassVar[TaskShape] = TaskShape((2, 16), 3)

    def __post_init__(self) -> None:
        if not self.widths or min(self.widths) < 1 or self.stages < 1 or not 1 <= self.least <= self.most:
            raise ConfigurationError(
                f"Series needs widths and stages of at least 1, and 1 <= least <= most, found {list(self.widths)}, "
                f"{self.stages}, {self.least} and {self.most}"
            )
        if not self.operations:
            raise ConfigurationError("Series: operations is empty; list at least one to choose from")
        for each in self.operations:
            if each not in OPERATIONS:
                raise ConfigurationError(f"Series has no operation {each!r}{nearest(each, OPERATIONS)}")

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "series", dense=None)
        width = choose.value("width", self.widths)
        options = {name: lambda name=name: Beside(OPERATIONS[name](width)) for name in self.operations}
        layers: list[nn.Module] = [series_conv(shape.channels, width, 7)]
        for stage in range(self.stages):
            if stage:
                layers.append(nn.MaxPool1d(2, ceil_mode=True))
            with choose.scope(f"stage{stage}"):
                layers.append(choose.repeat("depth", self.least, self.most, lambda _: choose.one("operation", options)))
        return nn.Sequential(*layers, shape.head(width))

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """Residual networks of convolutions over 7 times, of two widths."""
        ends = (max(self.widths), min(self.widths))
        return named(self, ({"width": width, "depth": 1, "operation": "conv_7"} for width in ends), self._called)

    def _called(self, architecture: Architecture) -> str:
        """What an architecture of the same blocks everywhere is called."""
        answers = architecture.decisions
        width, operation = answers.get("width", self.widths[0]), answers.get(_FIRST, self.operations[0])
        return f"residual network of {operation}, width {width}"


_FIRST = "stage0/depth/0/operation"
