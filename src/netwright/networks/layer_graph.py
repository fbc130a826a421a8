"""Networks whose layers stand on the vertices of any acyclic graph, with adapters where what meets does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from netwright.networks.blocks import ClassifierHead, conv_bn, halved
from netwright.networks.operations import average_pool, max_pool

Extent = tuple[int, int]  # height and width in pixels; (1, 1) for vectors


class LayerGraph(nn.Module):
    """Layer k reads earlier states, adds them up or puts them side by side, makes state k + 1; state 0 is the input.

    layers: in an order in which each reads only earlier ones.
    reads: for each layer the states that it reads.
    side_by_side: for each layer whether they are put side by side rather than added.
    adapters: by "state_layer", what brings a state to the size and the channels that the layer adds up. The last state
        is the result.
    """

    def __init__(
        self,
        layers: Sequence[nn.Module],
        reads: Sequence[Sequence[int]],
        side_by_side: Sequence[bool],
        adapters: Mapping[str, nn.Module],
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.adapters = nn.ModuleDict(adapters)
        self.reads = tuple(map(tuple, reads))
        self.side_by_side = tuple(side_by_side)

    def forward(self, x: Tensor) -> Tensor:
        states = [x]
        for place, layer in enumerate(self.layers):
            terms: list[Tensor] = []
            for source in self.reads[place]:
                key = f"{source}_{place}"
                terms.append(self.adapters[key](states[source]) if key in self.adapters else states[source])
            merged = terms[0]
            if self.side_by_side[place]:
                merged = torch.cat(terms, 1)
            else:
                for term in terms[1:]:
                    merged = merged + term
            states.append(layer(merged))
        return states[-1]

    def extra_repr(self) -> str:
        return f"reads={self.reads}, side_by_side={self.side_by_side}"


class State:
    """What is known of a state before there is one: channels, and height and width."""

    __slots__ = ("channels", "extent")

    def __init__(self, channels: int, extent: Extent) -> None:
        self.channels, self.extent = channels, extent


def image_layer(operation: str, width: int, stride: int, inputs: int) -> nn.Module:
    """The layer of this name, such as "sep_conv_5x5", from `inputs` channels to `width`; poolings keep the channels."""
    kind, _, kernel = operation.rpartition("_")
    size = int(kernel.partition("x")[0]) if kernel and kernel[0].isdigit() else 0
    if kind == "conv":
        return conv_bn(inputs, width, size, stride=stride)
    if kind == "sep_conv":
        return nn.Sequential(conv_bn(inputs, inputs, size, stride=stride, groups=inputs), conv_bn(inputs, width, 1))
    if kind == "max_pool":
        return max_pool(size, stride)
    return average_pool(size, stride) if kind == "avg_pool" else nn.Identity()


def vector_layer(operation: str, width: int, inputs: int) -> nn.Module:
    """A linear layer with batch normalisation and ReLU, or nothing for "identity"."""
    if operation == "linear":
        return nn.Sequential(nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU())
    return nn.Identity()


def adapter(state: State, channels: int, extent: Extent, *, images: bool) -> nn.Module | None:
    """What brings a state to so many channels and pixels: poolings by 2, and a 1x1 convolution; None for neither."""
    steps: list[nn.Module] = []
    height, width = state.extent
    while (height, width) != extent:
        factor = (1 + (height != extent[0]), 1 + (width != extent[1]))
        steps.append(nn.AvgPool2d(factor, factor, ceil_mode=True))
        height, width = (halved(height) if factor[0] == 2 else height), (halved(width) if factor[1] == 2 else width)
    if state.channels != channels:
        steps.append(
            conv_bn(state.channels, channels, 1, activation=False) if images else nn.Linear(state.channels, channels)
        )
    if not steps:
        return None
    return steps[0] if len(steps) == 1 else nn.Sequential(*steps)


def head(channels: int, classes: int, *, images: bool) -> nn.Module:
    """From the last state to one number a class."""
    return ClassifierHead(channels, classes) if images else nn.Linear(channels, classes)
