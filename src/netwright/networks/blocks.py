"""Blocks of plain convolutional networks: convolution with normalisation, residual blocks, and a classifier's head."""

from __future__ import annotations

from torch import Tensor, nn

LARGEST_SIDE = 56  # pixels that the first stage sees at most
SMALLEST_SIDE = 2  # pixels that halving leaves at least


class Residual(nn.Module):
    """The input plus what `body` makes of it, then `activation` (He et al. 2016).

    body: keeps the shape of what it takes.
    activation: of the sum; None for none.
    """

    def __init__(self, body: nn.Module, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.body = body
        self.activation = nn.Identity() if activation is None else activation

    def forward(self, inputs: Tensor) -> Tensor:
        return self.activation(inputs + self.body(inputs))


class ClassifierHead(nn.Module):
    """(n, channels, height, width) to (n, classes): the mean over all pixels, then one linear layer.

    channels: of the images.
    classes: how many logits.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(channels, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.linear(self.pool(inputs).flatten(1))


def conv_bn(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1, activation: bool = True
) -> nn.Sequential:
    """Convolution that keeps the size but for its stride, batch normalisation, and ReLU where asked."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if activation else nn.Sequential(*layers)


def conv_block(channels: int, kernel: int) -> Residual:
    """One dense convolution around which the input is passed on."""
    return Residual(conv_bn(channels, channels, kernel, activation=False), nn.ReLU())


def separable_block(channels: int, kernel: int) -> Residual:
    """A depthwise and a pointwise convolution around which the input is passed on (Howard et al. 2017)."""
    depthwise = conv_bn(channels, channels, kernel, groups=channels)
    return Residual(nn.Sequential(depthwise, conv_bn(channels, channels, 1, activation=False)), nn.ReLU())


def mbconv_block(channels: int, kernel: int, expansion: int) -> Residual:
    """The inverted bottleneck: widen, depthwise, narrow without activation (Sandler et al. 2018)."""
    wide = channels * expansion
    return Residual(
        nn.Sequential(
            conv_bn(channels, wide, 1),
            conv_bn(wide, wide, kernel, groups=wide),
            conv_bn(wide, channels, 1, activation=False),
        )
    )


def entry(inputs: int, outputs: int, strides: tuple[int, ...]) -> nn.Sequential:
    """What leads into a stage: a 3x3 convolution for each stride, the first of which changes the channels."""
    before = (inputs, *[outputs] * (len(strides) - 1))
    return nn.Sequential(
        *(conv_bn(channels, outputs, 3, stride=stride) for channels, stride in zip(before, strides, strict=True))
    )


def entry_strides(height: int, width: int, stages: int) -> list[tuple[int, ...]]:
    """Strides of the convolutions that lead into each stage, so that every resolution is halved as often as it can be.

    Before the first stage an image is halved until its shorter side is at most 56 pixels, before each later one once
    unless fewer than 2 pixels would remain.
    """
    side = min(height, width)
    stem: list[int] = []
    while side > LARGEST_SIDE:
        side = halved(side)
        stem.append(2)
    strides: list[tuple[int, ...]] = [tuple(stem) or (1,)]
    for _ in range(stages - 1):
        stride = 2 if halved(side) >= SMALLEST_SIDE else 1
        side = halved(side) if stride == 2 else side
        strides.append((stride,))
    return strides


def halved(side: int) -> int:
    """Pixels that a convolution of stride 2 leaves of so many."""
    return (side + 1) // 2
