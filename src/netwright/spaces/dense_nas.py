"""The densely connected space of DenseNAS: blocks of many widths, each of which may lead to one of the next few."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import ClassVar

import torch
from torch import nn

from netwright.core.architecture import Architecture, Mixture
from netwright.core.checks import positive, whole_number
from netwright.core.choose import Choose
from netwright.core.closest import closest
from netwright.core.decision_space import DecisionSpace
from netwright.core.routes import NEXT, block_name, block_number
from netwright.core.task import TaskShape
from netwright.networks.mobile_blocks import (
    convolution,
    divisible,
    fitting_strides,
    inverted_bottleneck,
    mobile_head,
)

PROVIDES = ("space.trellis", "space.mobile_blocks")

CHANNELS = (16, 24, 32, 40, 48, 56, 64, 72, 96, 112, 128, 160, 176, 192, 320, 352, 384)
LEVELS = (0, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4)  # how often the resolution was halved behind the stem
STAGES = (0, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7)  # of each block, and of the last convolution
LAYERS = (0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0)
"""Blocks of the authors' program, configs/imagenet_search_cfg_mbv2.yaml."""
OPERATIONS = tuple(f"k{kernel}_e{expansion}" for kernel in (3, 5, 7) for expansion in (3, 6))
HALVINGS = 4  # behind the stem, which halves, too


class DenseNas(DecisionSpace):
    """Routes through 17 blocks of rising width, which decide widths and the number of blocks (Fang et al. 2020).

    A block may lead to one of the next four, as long as they are of the same stage or the next. What leads to a block
    is an inverted bottleneck, whose kernel and expansion are decided for each pair of blocks; up to three more follow
    in it, each of which may be left out. At the end stands a wide pointwise convolution.

    Images of any size: of the five times that 224 pixels are halved, small images keep the last ones that leave 4
    pixels. The decisions are the same for all of them.

    width: by which the channels of all blocks are multiplied, rounded to multiples of 8 where it is not 1.
    layers: at most, of each block that has any.
    connections: how many of the next blocks a block may lead to.
    last: channels of the last convolution.

    Raises ConfigurationError for values that are not above 0.
    """

    called = "dense-nas"
    additive_cost: ClassVar[bool] = True
    exclusive_conditions: ClassVar[bool] = True
    made: ClassVar[Callable[[Callable[[], nn.Module]], nn.Module]] = staticmethod(lambda make: make())

    width: float = 1.0
    layers: int = 3
    connections: int = 4
    last: int = 1984

    def __post_init__(self) -> None:
        positive(self, "width", self.width)
        for name, least in (("layers", 0), ("connections", 2), ("last", 1)):
            whole_number(self, name, getattr(self, name), least)

    @cached_property
    def channels(self) -> tuple[int, ...]:
        """Of each block."""
        return tuple(each if self.width == 1 else divisible(each * self.width) for each in CHANNELS)

    @cached_property
    def following(self) -> tuple[tuple[int, ...], ...]:
        """For each block those that may follow it; the number of blocks stands for the last convolution."""
        found: list[tuple[int, ...]] = []
        for i in range(len(CHANNELS)):
            near = range(i + 1, min(i + self.connections, len(CHANNELS)) + 1)
            found.append(tuple(j for j in near if STAGES[j] - STAGES[i] <= 1))
        return tuple(found)

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        halved = fitting_strides(min(shape.height, shape.width), [2] * (1 + HALVINGS))
        parts = _Parts(self, choose, halved)
        stem = convolution(shape.channels, self.channels[0], 3, halved[0], activation="relu6")
        first = inverted_bottleneck(self.channels[0], self.channels[0], 3, activation="relu6", residual=True)
        head = mobile_head(self.last, shape.classes)
        return nn.Sequential(stem, first, choose.route(parts), head)

    def tracing_twin(self) -> DecisionSpace:
        """The same questions without layers, which ask nothing."""
        return _Questions(*self.call()[0], **self.call()[1])

    def discretize(self, mixture: Mixture) -> Architecture:
        """The likeliest route, by the Viterbi algorithm, with the likeliest operations on it."""
        weights = dict(mixture.weights)
        for number, place in self._likeliest(mixture).items():
            name = f"{block_name(number)}/{NEXT}"
            if name in weights:
                weights[name] = torch.eye(len(weights[name]))[place]
        return super().discretize(Mixture(weights))

    def _likeliest(self, mixture: Mixture) -> dict[int, int]:
        """For each block the place of the one to lead to, on the likeliest way from it to the end."""
        end = len(self.following)
        best, taken = {end: 0.0}, dict[int, int]()
        for i in reversed(range(end)):
            name = f"{block_name(i)}/{NEXT}"
            shares = mixture.weights[name].detach().double() if name in mixture.weights else torch.ones(1).double()
            logs = (shares.clamp(min=0) / shares.clamp(min=0).sum().clamp(min=1e-300)).clamp(min=1e-300).log().tolist()
            scores = [log + best[j] for log, j in zip(logs, self.following[i], strict=True)]
            taken[i] = max(range(len(scores)), key=scores.__getitem__)
            best[i] = scores[taken[i]]
        return taken

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """Nearly the widths and depths of MobileNetV2."""
        route = (0, 1, 2, 5, 8, 11, 14, 17)
        wanted = {f"{block_name(a)}/{NEXT}": block_name(b) for a, b in pairwise(route)}
        wanted |= {"operation": "k3_e6", "layer1": "k3_e6", "layer2": "k3_e6", "layer3": "k3_e6"}
        wanted |= {f"{block_name(i)}/layer3": "skip" for i in (1, 2, 11)} | {"block1/layer2": "skip"}
        return {"like mobilenet_v2": closest(self, wanted)}

    def route_of(self, architecture: Architecture) -> list[int]:
        """The blocks of an architecture, by number."""
        found, decided = [0], architecture.decisions
        while found[-1] < len(self.following):
            after = self.following[found[-1]]
            label = decided.get(f"{block_name(found[-1])}/{NEXT}", block_name(after[0]))
            found.append(block_number(str(label)))
        return found[:-1]


@dataclass(frozen=True)
class _Parts:
    """The blocks of a space, and what leads from one to another.

    halved: strides of the stem and of the four halvings behind it.
    """

    space: DenseNas
    choose: Choose
    halved: Sequence[int]

    @property
    def following(self) -> Sequence[Sequence[int]]:
        return self.space.following

    def block(self, number: int) -> nn.Module:
        count, channels = min(LAYERS[number], self.space.layers), self.space.channels[number]
        row: list[nn.Module] = []
        for place in range(count):
            options = {name: partial(self._bottleneck, channels, channels, name, 1, True) for name in OPERATIONS}
            row.append(self.choose.one(f"layer{place + 1}", {**options, "skip": nn.Identity}))
        return nn.Sequential(*row)

    def between(self, number: int, after: int) -> nn.Module:
        channels = self.space.channels
        if after == len(channels):
            return self.space.made(partial(convolution, channels[number], self.space.last, 1, activation="relu6"))
        stride = self.halved[LEVELS[after]] if LEVELS[after] > LEVELS[number] else 1
        return self.choose.one(
            "operation",
            {
                name: partial(self._bottleneck, channels[number], channels[after], name, stride, False)
                for name in OPERATIONS
            },
        )

    def _bottleneck(self, inputs: int, outputs: int, name: str, stride: int, residual: bool) -> nn.Module:
        kernel, expansion = (int(each[1:]) for each in name.split("_"))
        wide = inputs * expansion
        return self.space.made(
            lambda: inverted_bottleneck(
                inputs, outputs, kernel, stride, wide=wide, activation="relu6", residual=residual
            )
        )


class _Questions(DenseNas):
    """The same questions, and nothing in the place of layers."""

    made: ClassVar[Callable[[Callable[[], nn.Module]], nn.Module]] = staticmethod(lambda make: nn.Identity())
