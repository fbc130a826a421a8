"""A chain of residual blocks in stages: how deep, how wide, and what each block computes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property, partial
from operator import itemgetter
from typing import Any, ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.building import Builder
from netwright.core.choose import Choose
from netwright.core.closest import named
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Label, Point
from netwright.core.errors import ConfigurationError
from netwright.core.task import TaskShape
from netwright.networks.blocks import (
    ClassifierHead,
    conv_block,
    entry,
    entry_strides,
    halved,
    mbconv_block,
    separable_block,
)

PROVIDES = ("space.chain",)


class Chain(DecisionSpace):
    """Image networks of stages, each at half the resolution of the one before where the image is large enough.

    Each stage takes a width and between `least` and `most` residual blocks; each block is a dense convolution ("conv"),
    a depthwise-separable one ("separable") or an inverted bottleneck ("mbconv"), with its kernel and expansion. There
    is no block that does nothing: fewer blocks say the same in one way only.

    Images from 8x8 digits to photographs: larger ones are halved to at most 56 pixels before the first stage. The
    decisions are the same for all of them.

    width: channels of the first stage at multiplier 1; each later stage has twice as many as the one before.
    multipliers: what a stage's width may be multiplied by.
    least, most: blocks in one stage.
    stages: how many.
    kernels: of dense convolutions.
    depthwise_kernels: of the depthwise convolutions in the other two kinds of block.
    expansions: by how much an inverted bottleneck widens its input.

    Raises ConfigurationError for numbers below 1, least > most, even kernels and empty lists.
    """

    called = "chain"

    width: int = 16
    multipliers: Sequence[float] = (0.5, 1.0, 1.5, 2.0)
    stages: int = 3
    least: int = 1
    most: int = 3
    kernels: Sequence[int] = (3, 5)
    depthwise_kernels: Sequence[int] = (3, 5, 7)
    expansions: Sequence[int] = (3, 6)

    width_parameter: ClassVar[str] = "width"

    def __post_init__(self) -> None:
        for name in ("width", "stages", "least", "most"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"Chain: {name} must be at least 1, found {getattr(self, name)!r}")
        if self.least > self.most:
            raise ConfigurationError(f"Chain: least = {self.least} blocks is more than most = {self.most}")
        for name in ("multipliers", "kernels", "depthwise_kernels", "expansions"):
            if not getattr(self, name) or min(getattr(self, name)) <= 0:
                raise ConfigurationError(f"Chain: {name} must list numbers above 0, found {getattr(self, name)!r}")
        even = [kernel for kernel in (*self.kernels, *self.depthwise_kernels) if kernel % 2 == 0]
        if even:
            raise ConfigurationError(f"Chain: kernels must be odd to keep the size of an image, found {even[0]}")

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        before = shape.channels
        for stage, strides in enumerate(entry_strides(shape.height, shape.width, self.stages)):
            with choose.scope(f"stage{stage + 1}"):
                channels = self._channels(stage, choose.value("width", self.multipliers))
                make = partial(self._block, choose, channels)
                layers[f"entry{stage + 1}"] = entry(before, channels, strides)
                layers[f"stage{stage + 1}"] = choose.repeat("depth", self.least, self.most, lambda _, m=make: m())
            before = channels
        layers["head"] = ClassifierHead(before, shape.classes)
        return nn.Sequential(layers)

    def inherit(
        self, parent_network: nn.Module, child_network: nn.Module, parent: Architecture, child: Architecture
    ) -> int:
        """Blocks take over those of the same operation in the same place; of other widths and kernels the common part.

        Measured to find better networks than leaving out what does not fit (benchmarks/RESULTS.md).
        """
        from netwright.core.inheriting import take_over

        return take_over(self, parent_network, child_network, parent, child, overlap=True)

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """Residual networks of dense 3x3 convolutions of two depths, and one of inverted bottlenecks."""
        dense = {"operation": "conv", "kernel": 3, "width": 1.0}
        bottlenecks = {"operation": "mbconv", "kernel": 3, "expansion": 3, "width": 1.0, "depth": 2}
        return named(self, ({**dense, "depth": 2}, {**dense, "depth": 1}, bottlenecks), self._called)

    def _called(self, architecture: Architecture) -> str:
        """What an architecture of the same blocks everywhere is called."""
        answers = architecture.decisions
        kinds = {"conv": "convolutions", "separable": "separable convolutions", "mbconv": "inverted bottlenecks"}
        depth, kind = answers.get("stage1/depth", self.least), str(answers["stage1/depth/0/operation"])
        return f"chain of {depth} {kinds[kind]} a stage"

    def _channels(self, stage: int, multiplier: float) -> int:
        return max(1, round(self.width * 2**stage * multiplier))

    def _block(self, choose: Choose, channels: int) -> nn.Module:
        return choose.one(
            "operation",
            {
                "conv": lambda: conv_block(channels, choose.value("kernel", self.kernels)),
                "separable": lambda: separable_block(channels, choose.value("kernel", self.depthwise_kernels)),
                "mbconv": lambda: mbconv_block(
                    channels,
                    choose.value("kernel", self.depthwise_kernels),
                    choose.value("expansion", self.expansions),
                ),
            },
        )

    # What the cost of a network is the sum of: one term for each entry, block and head.

    def cost_terms(self, point: Point) -> list[Hashable]:
        """Names of the parts that the architecture at this point is made of; equal parts have equal names."""
        point = (*point, 0)  # a decision that has one option only is not among the decisions; its place is -1
        terms: list[Hashable] = []
        before: int | None = None
        for stage, (width, depth, blocks) in enumerate(self._places):
            multiplier = point[width]
            terms.append(("entry", stage, before, multiplier))
            terms.extend([(stage, multiplier, read(point)) for read in blocks[: point[depth] + self.least]])
            before = multiplier
        terms.append(("head", before))
        return terms

    def cost_part(self, term: Any, shape: TaskShape) -> tuple[nn.Module, tuple[int, ...]]:
        """The part of that name, and the shape of its input, for examples of this shape."""
        if term[0] == "head":
            return self._head_part(term[1], shape)
        if term[0] == "entry":
            _, stage, before, multiplier = term
            return self._entry_part(stage, before, multiplier, shape)
        stage, multiplier, options = term
        channels = self._channels(stage, self.multipliers[multiplier])
        block = self._block(Builder(self._block_labels(options), ()), channels)
        return block, (channels, *self._sizes(shape)[stage + 1])

    def _head_part(self, multiplier: int, shape: TaskShape) -> tuple[nn.Module, tuple[int, ...]]:
        channels = self._channels(self.stages - 1, self.multipliers[multiplier])
        return ClassifierHead(channels, shape.classes), (channels, *self._sizes(shape)[-1])

    def _entry_part(
        self, stage: int, before: int | None, multiplier: int, shape: TaskShape
    ) -> tuple[nn.Module, tuple[int, ...]]:
        inputs = shape.channels if before is None else self._channels(stage - 1, self.multipliers[before])
        outputs = self._channels(stage, self.multipliers[multiplier])
        strides = entry_strides(shape.height, shape.width, self.stages)[stage]
        return entry(inputs, outputs, strides), (inputs, *self._sizes(shape)[stage])

    def _block_labels(self, options: tuple[int, ...]) -> dict[str, Label]:
        """The labels of one block's decisions, by the names they have inside the block."""
        inside = [each for each in self.decisions if each.name.startswith(_BLOCK)]
        chosen = zip(inside, options[:-1], strict=True)
        return {each.name.removeprefix(_BLOCK): each.options[option] for each, option in chosen if option >= 0}

    def _sizes(self, shape: TaskShape) -> list[tuple[int, int]]:
        """Height and width that each entry reads, then those that the head reads."""
        sizes = [(shape.height, shape.width)]
        for strides in entry_strides(shape.height, shape.width, self.stages):
            height, width = sizes[-1]
            for stride in strides:
                height, width = (halved(height), halved(width)) if stride == 2 else (height, width)
            sizes.append((height, width))
        return sizes

    @cached_property
    def _places(self) -> list[tuple[int, int, list[Callable[[Sequence[int]], tuple[int, ...]]]]]:
        """For each stage the places of its width and depth in a point, and for each block what reads its options.

        What a block's reader gives ends with the place -1, for a single place would be read as a number.
        """
        places = self.decisions.places
        found: list[tuple[int, int, list[Callable[[Sequence[int]], tuple[int, ...]]]]] = []
        for stage in range(1, self.stages + 1):
            blocks: list[Callable[[Sequence[int]], tuple[int, ...]]] = []
            for block in range(self.most):
                prefix = f"stage{stage}/depth/{block}/"
                blocks.append(itemgetter(*[place for name, place in places.items() if name.startswith(prefix)], -1))
            found.append((places.get(f"stage{stage}/width", -1), places.get(f"stage{stage}/depth", -1), blocks))
        return found


_BLOCK = "stage1/depth/0/"
