"""A chain of convolutions whose group sizes are open, layer by layer (Howard-Jenkins et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from torch import nn

from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.task import TaskShape
from netwright.networks.blocks import ClassifierHead, Residual, conv_bn, entry, entry_strides

PROVIDES = ("space.chain", "space.elastic_dims")


class GroupedChain(DecisionSpace):
    """Image networks of stages of residual blocks, each a 3x3 convolution in groups of so many channels.

    sizes: channels of a group, of which one is taken for each block; each divides the next, and the last the width.
    1 is a depthwise convolution.
    width: channels of the first stage; each later one has twice as many.
    stages: how many, each at half the resolution of the one before where the image is large enough.
    blocks: in each stage.

    In a network of all architectures (a supernet) the sizes of a block share the first columns of one weight, or with
    `group_series` are one series of terms.
    Raises ConfigurationError for other sizes and for numbers below 1.
    """

    called = "grouped"

    sizes: Sequence[int] = (1, 4, 16)
    width: int = 32
    stages: int = 3
    blocks: int = 2

    width_parameter: ClassVar[str] = "width"

    def __post_init__(self) -> None:
        for name in ("width", "stages", "blocks"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"GroupedChain: {name} must be at least 1, found {getattr(self, name)!r}")
        chain = (*self.sizes, self.width)
        if not self.sizes or min(chain) < 1 or any(b % a for a, b in pairwise(chain)):
            raise ConfigurationError(
                f"GroupedChain: sizes {tuple(self.sizes)} of width {self.width}; expected each to divide the next, and "
                "the last the width"
            )

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        layers: list[nn.Module] = []
        before = shape.channels
        for stage, strides in enumerate(entry_strides(shape.height, shape.width, self.stages)):
            channels = self.width * 2**stage
            layers.append(entry(before, channels, strides))
            for block in range(self.blocks):
                size = choose.value(f"stage{stage + 1}/block{block + 1}/group_size", self.sizes)
                body = conv_bn(channels, channels, 3, groups=round(channels / size), activation=False)
                layers.append(Residual(body, nn.ReLU()))
            before = channels
        return nn.Sequential(*layers, ClassifierHead(before, shape.classes))
