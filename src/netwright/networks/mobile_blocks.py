"""Blocks of networks for phones: inverted bottlenecks with squeeze and excitation, and what stands around them.

They are those of MobileNetV2 (Sandler et al. 2018), MnasNet (Tan et al. 2019), FBNet (Wu et al. 2019) and MobileNetV3
(Howard et al. 2019). Sizes may be open numbers, of which a network of all architectures takes parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn
from torch.nn import functional as F

from netwright.networks.blocks import Residual, halved
from netwright.networks.residual_blocks import Shortcut

DIVISOR = 8  # of channels that are rounded
SMALLEST_SIDE = 4  # pixels that halving leaves at least

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "relu6": lambda: nn.ReLU6(inplace=True),
    "hswish": lambda: nn.Hardswish(inplace=True),
    "swish": lambda: nn.SiLU(inplace=True),
    "none": nn.Identity,
}
GATES: Mapping[str, Callable[[], nn.Module]] = {"sigmoid": nn.Sigmoid, "hard": nn.Hardsigmoid}


@runtime_checkable
class OpenNumber(Protocol):
    """A number that is not decided yet, and what follows from it by a function of plain numbers."""

    def mapped(self, function: Callable[[Any], Any], /) -> Any: ...


def is_open(number: Any) -> bool:
    """Whether a number is not decided yet."""
    return isinstance(number, OpenNumber)


def divisible(channels: Any) -> Any:
    """The nearest multiple of 8, at least 8 and not below nine tenths of what was asked, as MobileNet's authors round.

    channels: a number, which may be open.
    """
    if isinstance(channels, OpenNumber):
        return channels.mapped(divisible)
    nearest = max(DIVISOR, int(channels + DIVISOR / 2) // DIVISOR * DIVISOR)
    return nearest + DIVISOR if nearest < 0.9 * channels else nearest


def whole(channels: Any) -> Any:
    """The nearest whole number, at least 1.

    channels: a number, which may be open.
    """
    return channels.mapped(whole) if isinstance(channels, OpenNumber) else max(1, round(channels))


def at_least_one(groups: Any) -> Any:
    """The same number, or 1 for 0, since channels that are not there cannot be divided by their number.

    groups: a number, which may be open.
    """
    return groups.mapped(at_least_one) if isinstance(groups, OpenNumber) else max(1, groups)


class SqueezeExcite(nn.Module):
    """Each channel times a number between 0 and 1 that follows from the means of all (Hu et al. 2018).

    channels: of what it takes and gives.
    squeezed: in the middle.
    gate: "sigmoid", or "hard" for its piecewise linear form (Howard et al. 2019, section 5.2).
    """

    def __init__(self, channels: int, squeezed: int, gate: str = "hard") -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1),
            GATES[gate](),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weigh(x)


class ChannelShuffle(nn.Module):
    """Deals the channels of each of `groups` groups to all of them in turn (Zhang et al. 2018).

    groups: which divide the channels.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        grouped = x.reshape(n, self.groups, channels // self.groups, height, width)
        return grouped.transpose(1, 2).reshape(n, channels, height, width)


class Resized(nn.Module):
    """Images at another resolution, by linear interpolation.

    size: height and width in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        return F.interpolate(images, self.size, mode="bilinear", align_corners=False)

    def extra_repr(self) -> str:
        return f"size={self.size}"


def convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, *, groups: int = 1, activation: str = "relu"
) -> nn.Sequential:
    """Convolution that keeps the size but for its stride, batch normalisation, activation.

    activation: a name in `ACTIVATIONS`.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *(() if activation == "none" else (ACTIVATIONS[activation](),)))


def inverted_bottleneck(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int = 1,
    *,
    wide: int | None = None,
    groups: int = 1,
    squeeze: Callable[[], nn.Module] | None = None,
    activation: str | Callable[[], nn.Module] = "relu",
    residual: bool = False,
) -> nn.Module:
    """Widen, convolve within each channel, weigh the channels, narrow without activation (Sandler et al. 2018).

    wide: channels in the middle; None for those of the input, which are then not widened by a convolution.
    groups: of both pointwise convolutions, whose channels are shuffled between them where there are several.
    squeeze: makes what weighs the channels in the middle; None for nothing.
    activation: a name in `ACTIVATIONS`, or what makes one.
    residual: whether the input is added to what comes out.
    """
    make = ACTIVATIONS[activation] if isinstance(activation, str) else activation
    middle = inputs if wide is None else wide
    layers: list[nn.Module] = []
    if wide is not None:
        layers.append(nn.Sequential(*convolution(inputs, wide, 1, groups=groups, activation="none"), make()))
        layers += [ChannelShuffle(groups)] if groups > 1 else []
    layers.append(nn.Sequential(*convolution(middle, middle, kernel, stride, groups=middle, activation="none"), make()))
    layers += [] if squeeze is None else [squeeze()]
    layers.append(convolution(middle, outputs, 1, groups=groups, activation="none"))
    body = nn.Sequential(*layers)
    return Residual(body) if residual else body


class AtomicBlock(nn.Module):
    """An inverted bottleneck whose channels in the middle have kernels of several sizes (Mei et al. 2020).

    Each channel in the middle is a block of its own, an atomic one: a row of the pointwise convolution that widens, a
    kernel, a column of the one that narrows. What the block gives is the normalised sum of all of them.

    inputs, outputs: channels that it takes and gives.
    widths: by the side of the kernel, how many channels in the middle have it; numbers that may be open.
    stride: of the kernels.
    activation: a name in `ACTIVATIONS`.
    residual: whether the input is added to what comes out.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        widths: Mapping[int, int],
        stride: int = 1,
        *,
        activation: str = "relu",
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.residual = residual
        there = {kernel: width for kernel, width in widths.items() if width}
        self.widths = tuple(there.values())
        self.branches = nn.ModuleDict()
        for kernel, width in there.items():
            self.branches[str(kernel)] = nn.Sequential(
                convolution(inputs, width, 1, activation=activation),
                convolution(width, width, kernel, stride, groups=at_least_one(width), activation=activation),
                nn.Conv2d(width, outputs, 1, bias=False),
            )
        self.normalise = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.joined(x, list(self.branches.values()))

    def joined(self, x: Tensor, branches: Sequence[nn.Module]) -> Tensor:
        """What these branches give together; the input where there are none, so that a block can vanish."""
        if not branches:
            return x
        total = branches[0](x)
        for branch in branches[1:]:
            total = total + branch(x)
        total = self.normalise(total)
        return x + total if self.residual else total


def added(body: nn.Module, skip: str) -> nn.Module:
    """What `body` gives, and what goes by: "identity" for its input, "pool" for the means of 3x3 pixels, or "none".

    body: keeps the shape of what it takes, unless nothing goes by.
    """
    if skip == "pool":
        return Shortcut(body, nn.AvgPool2d(3, 1, 1, count_include_pad=False), nn.Identity())
    return Residual(body) if skip == "identity" else body


def mobile_head(
    inputs: int, outputs: int, *, hidden: int = 0, activation: str = "hswish", dropout: float = 0.0
) -> nn.Sequential:
    """(n, inputs, height, width) to (n, outputs): the mean over all pixels, then one linear layer, or two.

    hidden: features between two linear layers; 0 for one.
    activation: between two linear layers.
    dropout: rate before the last layer.
    """
    before = [nn.Linear(inputs, hidden), ACTIVATIONS[activation]()] if hidden else []
    rest = [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *before, *rest, nn.Linear(hidden or inputs, outputs))


def fitting_strides(side: int, strides: Sequence[int]) -> list[int]:
    """The strides that images of this size allow: the last ones that leave 4 pixels, 1 in place of the others.

    So 224 pixels are halved five times, to 7, and 32 pixels three times, to 4, in the later stages.

    side: of the images in pixels, the shorter one.
    strides: those of the published network, of its stem and of the first layer of each stage.
    """
    halvings = 0
    while halved(side) >= SMALLEST_SIDE and side > 1:
        side, halvings = halved(side), halvings + 1
    places = [i for i, stride in enumerate(strides) if stride == 2]
    kept = set(places[max(0, len(places) - halvings) :])
    return [stride if i in kept else 1 for i, stride in enumerate(strides)]
