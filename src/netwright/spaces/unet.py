"""The plain U-Net: how wide, how deep, of which blocks, and at which resolution (Ronneberger et al. 2015)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.closest import named
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Label
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.task import TaskShape
from netwright.networks.blocks import conv_bn
from netwright.networks.residual_blocks import basic
from netwright.networks.u_shape import Across, convolutions
from netwright.networks.unet import Levels

PROVIDES = ("space.chain",)

LOWEST = 4
"""Pixels that the lowest level has at least on an image's shorter side, where it can be."""


def _separable(inputs: int, outputs: int) -> nn.Module:
    """Twice a depthwise and a pointwise convolution."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [conv_bn(channels, channels, 3, groups=channels, activation=False), conv_bn(channels, outputs, 1)]
    return nn.Sequential(*layers)


BLOCKS: Mapping[str, Callable[[int, int], nn.Module]] = {
    "plain": convolutions,
    "single": partial(convolutions, count=1),
    "residual": lambda inputs, outputs: basic(inputs, outputs, 1, False),
    "separable": _separable,
}


class UNet(DecisionSpace):
    """A class for every pixel: a way down to low resolutions and up again, with twice the channels at each lower level.

    Each level computes one block on either way: "plain" (two 3x3 convolutions, as in the paper), "single" (one),
    "residual" (two beside what goes by), or "separable" (two depthwise ones). Images of any size: their sides are
    padded and cut again. Levels halve no further than to 4 pixels of the shorter side.

    widths: channels of the first level.
    least, most: how many times the resolution is halved on the way down.
    blocks: any of "plain", "single", "residual" and "separable".
    strides: by how much the resolution is lowered before, and raised again behind; 1 or 2. With 2 a network is about
        four times as fast.

    Raises ConfigurationError for values outside of these.
    """

    called = "unet"

    widths: Sequence[int] = (8, 16, 24, 32, 48, 64)
    least: int = 1
    most: int = 4
    blocks: Sequence[str] = tuple(BLOCKS)
    strides: Sequence[int] = (1, 2)

    traced_shape: ClassVar[TaskShape] = TaskShape((1, 32, 32), 2, dense=True)

    def __post_init__(self) -> None:
        if not self.widths or min(self.widths) < 1 or not 1 <= self.least <= self.most:
            raise ConfigurationError(
                f"UNet needs widths of at least 1 and 1 <= least <= most, found {list(self.widths)}, {self.least} and "
                f"{self.most}"
            )
        if not self.strides or not set(self.strides) <= {1, 2}:
            raise ConfigurationError(f"UNet: strides are 1 and 2, found {list(self.strides)}")
        if not self.blocks:
            raise ConfigurationError("UNet: blocks is empty; list at least one to choose from")
        for each in self.blocks:
            if each not in BLOCKS:
                raise ConfigurationError(f"UNet has no block {each!r}{nearest(each, BLOCKS)}")

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images", dense=True)
        width, stride = choose.value("width", self.widths), choose.value("stride", self.strides)
        wanted, block = choose.value("depth", range(self.least, self.most + 1)), choose.value("block", self.blocks)
        depth = _levels(min(shape.height, shape.width) // stride, wanted)
        if stride == 1:
            body: nn.Module = Levels(shape.channels, width, depth, BLOCKS[block])
        else:
            raised = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
            stem = conv_bn(shape.channels, width, 3, stride=2)
            body = nn.Sequential(stem, Levels(width, width, depth, BLOCKS[block]), raised)
        return nn.Sequential(Across(body, stride * 2**depth), shape.head(width))

    def inherit(
        self, parent_network: nn.Module, child_network: nn.Module, parent: Architecture, child: Architecture
    ) -> int:
        """Levels take over those in the same place; of other widths the common part."""
        from netwright.core.inheriting import take_over

        return take_over(self, parent_network, child_network, parent, child, overlap=True)

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """U-Nets of several widths, at full and at half resolution."""
        return named(self, KNOWN, self._called)

    def _called(self, architecture: Architecture) -> str:
        """What an architecture is called, after its width, depth, blocks and resolution."""
        answers = architecture.decisions
        width, depth = answers.get("width", self.widths[0]), answers.get("depth", self.least)
        block = str(answers.get("block", self.blocks[0]))
        kind = "U-Net" if block == "plain" else f"U-Net of {block} blocks"
        half = ", at half the resolution" if answers.get("stride", self.strides[0]) == 2 else ""
        return f"{kind} of width {width}, {depth} levels down{half}"


def _levels(side: int, wanted: int) -> int:
    """As many halvings as are wanted, fewer where LOWEST pixels would not remain; at least one."""
    while wanted > 1 and side >> wanted < LOWEST:
        wanted -= 1
    return wanted


KNOWN: Sequence[Mapping[str, Label]] = (
    {"width": 16, "depth": 3, "block": "plain", "stride": 1},
    {"width": 32, "depth": 3, "block": "plain", "stride": 2},
    {"width": 8, "depth": 3, "block": "plain", "stride": 1},
    {"width": 32, "depth": 4, "block": "plain", "stride": 1},
    {"width": 16, "depth": 3, "block": "residual", "stride": 1},
)
"""In the order in which they are worth trying."""
