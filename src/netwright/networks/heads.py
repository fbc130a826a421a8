"""The ends of image networks: stems that take the image, and classifiers that give logits."""

from __future__ import annotations

from torch import nn


def image_stem(inputs: int, outputs: int) -> nn.Sequential:
    """A 3x3 convolution at full resolution, and batch normalisation."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs))


def photograph_stem(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3x3 convolutions that divide the resolution by 4, the first with half the channels (Liu et al. 2019)."""
    half = max(1, outputs // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, half, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(half),
        nn.ReLU(),
        nn.Conv2d(half, outputs, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
    )


def photograph_second_stem(channels: int) -> nn.Sequential:
    """ReLU, a 3x3 convolution that halves the resolution once more, and batch normalisation."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels),
    )


def pooled_classifier(channels: int, classes: int, *, normalise: bool = False) -> nn.Sequential:
    """The average over all positions, then a linear layer; first batch normalisation and ReLU where asked."""
    before = (nn.BatchNorm2d(channels), nn.ReLU()) if normalise else ()
    return nn.Sequential(*before, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def auxiliary_classifier(
    channels: int, classes: int, resolution: tuple[int, int], *, last_norm: bool = True
) -> nn.Sequential:
    """The classifier in the middle of a network that helps training (Szegedy et al. 2015; Liu et al. 2019).

    It pools to 2x2: by windows of 5 at 8x8 (stride 3) and at 7x7 (stride 2), the resolutions of the published
    networks, and adaptively at any other. `last_norm=False` leaves out the second batch normalisation, as the
    published ImageNet networks do.
    """
    stride = {(8, 8): 3, (7, 7): 2}.get(resolution)
    pool = nn.AvgPool2d(5, stride) if stride else nn.AdaptiveAvgPool2d(2)
    return nn.Sequential(
        nn.ReLU(),
        pool,
        nn.Conv2d(channels, 128, 1, bias=False),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        nn.Conv2d(128, 768, 2, bias=False),
        *((nn.BatchNorm2d(768),) if last_norm else ()),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(768, classes),
    )
