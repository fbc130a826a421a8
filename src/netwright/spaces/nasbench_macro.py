"""The space of NAS-Bench-Macro: eight layers in a row, each of three blocks (Su et al. 2021)."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Point
from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.core.space import text_of
from netwright.core.task import TaskShape
from netwright.networks.blocks import Residual, conv_bn
from netwright.networks.heads import pooled_classifier

PROVIDES = ("space.chain",)

BLOCKS = ("identity", "mb3_k3", "mb6_k5")
STAGES = (2, 3, 3)
HEAD = 1280


class NasBenchMacro(DecisionSpace):
    """6,561 networks: a stem, stages of 2, 3 and 3 layers that each begin by halving the resolution, and a classifier.

    channels: of the stem; each stage has twice as many as what is before it. A layer is "identity" (a 1x1 convolution
        of stride 2 where a stage begins), "mb3_k3" or "mb6_k5": an inverted bottleneck of expansion 3 and kernel 3, or
        of 6 and 5. With 32 channels these are the benchmark's networks.

    `str(architecture)` is the benchmark's own form, a digit a layer: "01201221".
    """

    called = "nasbenchmacro"

    channels: int = 32

    width_parameter: ClassVar[str] = "channels"
    additive_cost: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.channels < 1:
            raise ConfigurationError(f"NasBenchMacro needs channels of at least 1, found {self.channels}")

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        blocks: list[nn.Module] = [conv_bn(shape.channels, self.channels, 3)]
        width = self.channels
        layer = 0
        for layers in STAGES:
            for place in range(layers):
                inputs, width = width, width if place else 2 * width
                blocks.append(_layer(choose, layer, inputs, width))
                layer += 1
        return nn.Sequential(*blocks, conv_bn(width, HEAD, 1), pooled_classifier(HEAD, shape.classes))

    def tracing_twin(self) -> DecisionSpace:
        return self.replace(channels=1)

    def canonical(self, architecture: Architecture) -> Architecture:
        """The same network with the identities of a stage at its end; 3,969 differ."""
        self.require_own(architecture)
        return architecture.space.from_content(_moved(architecture.content), check=False)

    def format(self, architecture: Architecture) -> str:
        return "".join(map(str, architecture.content))

    def parse(self, text: str) -> Architecture:
        """Read eight digits 0, 1 and 2, or JSON. Raises InvalidArchitecture, or UserError for broken JSON."""
        text = text_of(text).strip()
        if text.startswith("{"):
            return super().parse(text)
        if len(text) != sum(STAGES) or set(text) - set("012"):
            raise InvalidArchitecture(
                f"expected {sum(STAGES)} digits, 0 for identity, 1 for mb3_k3 and 2 for mb6_k5; found {text[:100]!r}"
            )
        return Architecture(self, tuple(map(int, text)))


def _layer(choose: Choose, number: int, inputs: int, outputs: int) -> nn.Module:
    stride = 1 if inputs == outputs else 2
    return choose.one(
        f"layer{number}",
        {
            "identity": lambda: (
                nn.Identity() if stride == 1 else conv_bn(inputs, outputs, 1, stride=2, activation=False)
            ),
            "mb3_k3": lambda: _bottleneck(inputs, outputs, stride, 3, 3),
            "mb6_k5": lambda: _bottleneck(inputs, outputs, stride, 5, 6),
        },
    )


def _bottleneck(inputs: int, outputs: int, stride: int, kernel: int, expansion: int) -> nn.Module:
    """Widen, convolve within each channel, narrow without activation (Sandler et al. 2018)."""
    wide = inputs * expansion
    body = nn.Sequential(
        conv_bn(inputs, wide, 1),
        conv_bn(wide, wide, kernel, stride=stride, groups=wide),
        conv_bn(wide, outputs, 1, activation=False),
    )
    return Residual(body) if stride == 1 else body


def _moved(point: Point) -> Point:
    moved: list[int] = []
    for layers in STAGES:
        first, *others = point[len(moved) : len(moved) + layers]
        moved += [first, *(each for each in others if each), *(each for each in others if not each)]
    return tuple(moved)
