"""Residual networks for images: at which resolution, how wide, how deep, and of which blocks (He et al. 2016)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.closest import named
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Label, Point
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.task import TaskShape
from netwright.networks.blocks import LARGEST_SIDE, SMALLEST_SIDE, ClassifierHead, entry, halved
from netwright.networks.residual_blocks import BLOCKS, LAYERS

PROVIDES = ("space.chain",)

LEAST_AFTER_STEM = 4  # pixels that a stem of stride 2 leaves at least
CHANNELS = 8  # of which the channels of later stages are multiples, where they are as many


class Residual(DecisionSpace):
    """Image networks of a stem and two to a few stages of residual blocks, each stage at half the resolution.

    One width for the network, of which each stage may have a little more or less than twice that of the one before; for
    each stage the kind of its blocks, how many, and whether their channels are weighed (Hu et al. 2018). Blocks are
    "basic" (two dense 3x3 convolutions), "bottleneck" (one, on half of the channels), "inverted_3" or "inverted_5" (a
    depthwise convolution of that size on four times the channels).

    Images from 8x8 digits to photographs: larger ones are halved to at most 56 pixels before the first stage, and once
    more where the stem has stride 2, which makes a network about four times as fast. Stages halve no further than to 2
    pixels. The decisions are the same for all of them.

    widths: channels of the first stage.
    strides: of the stem, 1 or 2.
    least_stages, most_stages: stages.
    multipliers: of a stage's channels, on top of `width * 2**stage`.
    least, most: blocks in one stage.
    blocks: any of "basic", "bottleneck", "inverted_3" and "inverted_5".
    squeezes: whether channels are weighed; any of False and True.

    Raises ConfigurationError for values outside of these.
    """

    called = "residual"

    widths: Sequence[int] = (8, 16, 24, 32, 48, 64, 96)
    strides: Sequence[int] = (1, 2)
    least_stages: int = 2
    most_stages: int = 4
    multipliers: Sequence[float] = (0.75, 1.0, 1.5)
    least: int = 1
    most: int = 4
    blocks: Sequence[str] = tuple(BLOCKS)
    squeezes: Sequence[bool] = (False, True)

    def __post_init__(self) -> None:
        for name in ("widths", "strides", "multipliers", "blocks", "squeezes"):
            if not getattr(self, name):
                raise ConfigurationError(f"Residual: {name} is empty; list at least one to choose from")
        for name in ("widths", "multipliers"):
            if min(getattr(self, name)) <= 0:
                raise ConfigurationError(f"Residual: {name} must list numbers above 0, found {getattr(self, name)!r}")
        for least, most in (("least_stages", "most_stages"), ("least", "most")):
            if not 1 <= getattr(self, least) <= getattr(self, most):
                found = f"{getattr(self, least)} and {getattr(self, most)}"
                raise ConfigurationError(f"Residual: expected 1 <= {least} <= {most}, found {found}")
        for each in self.blocks:
            if each not in BLOCKS:
                raise ConfigurationError(f"Residual has no block {each!r}{nearest(each, BLOCKS)}")
        if not set(self.strides) <= {1, 2}:
            raise ConfigurationError(f"Residual: the strides of a stem are 1 and 2, found {list(self.strides)}")

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        stride, width = choose.value("stride", self.strides), choose.value("width", self.widths)
        stem, first = halvings(shape, stride, self.most_stages)
        channels = [width]

        def stage(number: int) -> nn.Module:
            inputs = channels[-1]
            outputs = self._channels(width, number, choose.value("multiplier", self.multipliers))
            channels.append(outputs)
            kind, squeeze = choose.value("block", self.blocks), choose.value("squeeze", self.squeezes)

            def block(place: int) -> nn.Module:
                stride = 1 if place else first[number]
                return self._block(kind, outputs if place else inputs, outputs, stride, squeeze)

            return choose.repeat("depth", self.least, self.most, block)

        layers: OrderedDict[str, nn.Module] = OrderedDict(stem=entry(shape.channels, width, stem))
        layers["stages"] = choose.repeat("stages", self.least_stages, self.most_stages, stage)
        layers["head"] = ClassifierHead(channels[-1], shape.classes)
        return nn.Sequential(layers)

    def _block(self, kind: str, inputs: int, outputs: int, stride: int, squeeze: bool) -> nn.Module:
        return BLOCKS[kind](inputs, outputs, stride, squeeze)

    def tracing_twin(self) -> DecisionSpace:
        """The same questions without blocks, which ask nothing."""
        return _ResidualQuestions(*self.call()[0], **self.call()[1])

    def inherit(
        self, parent_network: nn.Module, child_network: nn.Module, parent: Architecture, child: Architecture
    ) -> int:
        """Blocks take over those in the same place; of other widths and kernels the common part."""
        from netwright.core.inheriting import take_over

        return take_over(self, parent_network, child_network, parent, child, overlap=True)

    def _channels(self, width: int, stage: int, multiplier: float) -> int:
        """Of a stage: about twice those of the one before."""
        wanted = width * 2**stage * multiplier
        return round(wanted / CHANNELS) * CHANNELS if wanted >= CHANNELS else max(1, round(wanted))

    # Networks that are known to be good.

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """Residual networks from small and quick to deep, and one of depthwise convolutions.

        Small images are read at their full resolution first.
        """
        plain = {"multiplier": 1.0, "block": "basic", "squeeze": False}
        found: Sequence[Mapping[str, Any]] = KNOWN
        if min(shape.height, shape.width) < SMALL_IMAGE:
            found = sorted((*KNOWN_FOR_SMALL, *KNOWN), key=lambda each: each["stride"])
        return named(self, ({**plain, **each} for each in found), self._called)

    def _called(self, architecture: Architecture) -> str:
        """What an architecture of the same blocks everywhere is called; a depthwise one by its blocks alone."""
        answers = architecture.decisions
        parts = self._parts(answers)
        blocks = [each for each in parts if isinstance(each, _BlockPart)]
        stem = next(each for each in parts if isinstance(each, _StemPart))
        family = {"basic": "ResNet", "bottleneck": "bottleneck ResNet"}.get(blocks[0].kind, "depthwise ResNet")
        layers = 2 + sum(LAYERS[each.kind] for each in blocks)
        weighed = " with weighed channels" if blocks[0].squeeze else ""
        start = " at half the resolution" if stem.stride == 2 else ""
        return f"{family}-{layers} of width {stem.width}{weighed}{start}"

    # What the cost of a network is the sum of: one term for the stem, each block and the head.

    def cost_terms(self, point: Point) -> list[Hashable]:
        """Names of the parts that the architecture at this point is made of; equal parts have equal names."""
        return [*self._parts(self.decisions.labels(point))]

    def cost_part(self, term: Any, shape: TaskShape) -> tuple[nn.Module, tuple[int, ...]]:
        """The part of that name, and the shape of its input, for examples of this shape."""
        return term.made(shape)

    def _parts(self, answers: Mapping[str, Label]) -> list[_Part]:
        """The parts of the network of these answers; a decision that has one option only is not among them."""

        def taken(name: str, options: Sequence[Any]) -> Any:
            return answers.get(name, options[0])

        stride, width = taken("stride", self.strides), taken("width", self.widths)
        parts: list[_Part] = [_StemPart(stride, width)]
        channels = width
        for stage in range(taken("stages", (self.least_stages,))):
            within = f"stages/{stage}/"
            outputs = self._channels(width, stage, taken(within + "multiplier", self.multipliers))
            kind, squeeze = taken(within + "block", self.blocks), taken(within + "squeeze", self.squeezes)
            for place in range(taken(within + "depth", (self.least,))):
                parts.append(_BlockPart(stride, stage, place == 0, channels, outputs, kind, squeeze))
                channels = outputs
        return [*parts, _HeadPart(stride, stage, channels)]


class _ResidualQuestions(Residual):
    """The same questions, and nothing in the place of blocks."""

    def _block(self, kind: str, inputs: int, outputs: int, stride: int, squeeze: bool) -> nn.Module:
        return nn.Identity()


class _StemPart(NamedTuple):
    """What takes the image: its stride, and the channels that it gives."""

    stride: int
    width: int

    def made(self, shape: TaskShape) -> tuple[nn.Module, tuple[int, ...]]:
        return entry(shape.channels, self.width, halvings(shape, self.stride, 0)[0]), shape.input


class _BlockPart(NamedTuple):
    """A block: the stem's stride, its stage, whether it is the first there, and its options."""

    stem: int
    stage: int
    first: bool
    inputs: int
    outputs: int
    kind: str
    squeeze: bool

    def made(self, shape: TaskShape) -> tuple[nn.Module, tuple[int, ...]]:
        stem, first = halvings(shape, self.stem, self.stage + 1)
        stride = first.pop() if self.first else 1
        block = BLOCKS[self.kind](self.inputs, self.outputs, stride, self.squeeze)
        return block, (self.inputs, *_sides(shape, (*stem, *first)))


class _HeadPart(NamedTuple):
    """The classifier behind the last stage."""

    stem: int
    stage: int
    channels: int

    def made(self, shape: TaskShape) -> tuple[nn.Module, tuple[int, ...]]:
        stem, first = halvings(shape, self.stem, self.stage + 1)
        return ClassifierHead(self.channels, shape.classes), (self.channels, *_sides(shape, (*stem, *first)))


_Part = _StemPart | _BlockPart | _HeadPart


def halvings(shape: TaskShape, stride: int, stages: int) -> tuple[tuple[int, ...], list[int]]:
    """Strides of the stem's convolutions, and of the first block of each stage.

    shape: of the images.
    stride: of the stem, on top of what brings large images to at most LARGEST_SIDE pixels.
    stages: how many there are.
    """
    side = min(shape.height, shape.width)
    stem: list[int] = []
    while side > LARGEST_SIDE or (stride == 2 and side >= 2 * LEAST_AFTER_STEM):
        stride = stride if side > LARGEST_SIDE else 1
        side = halved(side)
        stem.append(2)
    first = [1] * stages
    for stage in range(1, stages):
        if halved(side) >= SMALLEST_SIDE:
            side, first[stage] = halved(side), 2
    return tuple(stem) or (1,), first


def _sides(shape: TaskShape, strides: Sequence[int]) -> tuple[int, int]:
    """Height and width after convolutions of these strides."""
    height, width = shape.height, shape.width
    for stride in strides:
        height, width = (halved(height), halved(width)) if stride == 2 else (height, width)
    return height, width


KNOWN: Sequence[Mapping[str, Label]] = (
    {"stride": 2, "width": 32, "stages": 3, "depth": 1},
    {"stride": 2, "width": 64, "stages": 3, "depth": 1},
    {"stride": 1, "width": 16, "stages": 3, "depth": 1},
    {"stride": 2, "width": 32, "stages": 3, "depth": 2},
    {"stride": 2, "width": 16, "stages": 2, "depth": 1},
    {"stride": 1, "width": 16, "stages": 3, "depth": 3},
    {"stride": 2, "width": 32, "stages": 3, "depth": 2, "block": "inverted_3"},
)
"""In the order in which they are worth trying."""
SMALL_IMAGE = 16  # pixels of the shorter side, below which two stages will do
KNOWN_FOR_SMALL: Sequence[Mapping[str, Label]] = ({"stride": 1, "width": 16, "stages": 2, "depth": 1},)
"""For images of so few pixels, beside the others."""
