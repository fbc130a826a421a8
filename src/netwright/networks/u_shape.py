"""U-shaped networks: a way down to low resolutions, a way up again, and what goes straight across (Ronneberger 2015).

All take and give (batch, channels, height, width). Images are padded at their right and lower edges so that their
sides can be halved as often as needed, and what comes out is cut to their size again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netwright.networks.operations import Zero

SQUEEZED = 16  # channels for one in the middle of a weighing of channels (Hu et al. 2018)


class Across(nn.Module):
    """Pads images until their sides are multiples of `multiple`, and cuts the result to their size again.

    body: takes and gives images, of equal height and width.
    multiple: pixels.
    """

    def __init__(self, body: nn.Module, multiple: int) -> None:
        super().__init__()
        self.body = body
        self.multiple = multiple

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[2], images.shape[3]
        padded = F.pad(images, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        return self.body(padded)[:, :, :height, :width]


class UpAndDown(nn.Module):
    """The two ways of a U of cells, each of which reads two states (Weng et al. 2019, figure 2).

    A cell on the way down reads the states of the last two levels and halves the resolution; one on the way up reads
    the state of its own resolution from the way down and the one below it.

    first: stem that takes the image.
    second: stem that halves its resolution.
    down, up: cells that take two states; one more on the way up.
    chained: whether the second stem takes what the first one gives, in place of the image.
    """

    def __init__(
        self,
        first: nn.Module,
        second: nn.Module,
        down: Iterable[nn.Module],
        up: Iterable[nn.Module],
        chained: bool = False,
    ) -> None:
        super().__init__()
        self.first, self.second, self.chained = first, second, chained
        self.down = nn.ModuleList(down)
        self.up = nn.ModuleList(up)

    def forward(self, images: Tensor) -> Tensor:
        states = [self.first(images)]
        states.append(self.second(states[0] if self.chained else images))
        for cell in self.down:
            states.append(cell(states[-2], states[-1]))
        lowest = states.pop()
        for cell in self.up:
            lowest = cell(states.pop(), lowest)
        return lowest


class ChannelWeights(nn.Module):
    """Each channel times a number between 0 and 1 that follows from the means of all (Hu et al. 2018).

    channels: of what it takes and gives.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        squeezed = max(1, channels // SQUEEZED)
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weigh(x)


class Make(Protocol):
    def __call__(self, channels: int, /) -> nn.Module: ...


def normal_conv(channels: int, dilation: int = 1) -> nn.Sequential:
    """A 3x3 convolution that keeps the resolution, batch normalisation, ReLU."""
    layer = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
    return _finished(channels, layer)


def down_conv(channels: int, dilation: int = 1) -> nn.Sequential:
    """The same with stride 2, which halves the resolution."""
    layer = nn.Conv2d(channels, channels, 3, stride=2, padding=dilation, dilation=dilation, bias=False)
    return _finished(channels, layer)


def up_conv(channels: int, dilation: int = 1) -> nn.Sequential:
    """A transposed 3x3 convolution that doubles the resolution, batch normalisation, ReLU."""
    return _finished(channels, _transposed(channels, dilation))


def depthwise(channels: int, stride: int = 1) -> nn.Sequential:
    """A 3x3 convolution within each channel, one across channels, batch normalisation, ReLU."""
    layer = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, groups=channels, bias=False)
    return _finished(channels, layer, nn.Conv2d(channels, channels, 1, bias=False))


def up_depthwise(channels: int) -> nn.Sequential:
    """The same with a transposed convolution, which doubles the resolution."""
    return _finished(channels, _transposed(channels, groups=channels), nn.Conv2d(channels, channels, 1, bias=False))


def _transposed(channels: int, dilation: int = 1, groups: int = 1) -> nn.ConvTranspose2d:
    """A 3x3 convolution that exactly doubles the resolution."""
    return nn.ConvTranspose2d(channels, channels, 3, 2, dilation, 1, groups, False, dilation)


def _finished(channels: int, *layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU())


def down_weights(channels: int) -> nn.Sequential:
    """The channels weighed, then a 3x3 convolution of stride 2 and batch normalisation."""
    layer = nn.Conv2d(channels, channels, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(ChannelWeights(channels), layer, nn.BatchNorm2d(channels))


def up_weights(channels: int) -> nn.Sequential:
    """The channels weighed, then a transposed 3x3 convolution that doubles the resolution, and batch normalisation."""
    return nn.Sequential(ChannelWeights(channels), _transposed(channels), nn.BatchNorm2d(channels))


def halving(dilation: int) -> Mapping[str, Make]:
    """What halves the resolution, by the names of the authors of NAS-Unet.

    dilation: of the dilated convolution. An even one reads every other pixel of every other row, and no more.
    """
    return {
        "avg_pool": lambda c: nn.AvgPool2d(2),
        "max_pool": lambda c: nn.MaxPool2d(2),
        "down_cweight": down_weights,
        "down_dil_conv": lambda c: down_conv(c, dilation),
        "down_dep_conv": lambda c: depthwise(c, 2),
        "down_conv": down_conv,
    }


def doubling(dilation: int) -> Mapping[str, Make]:
    """What doubles the resolution, by the names of the authors of NAS-Unet.

    dilation: of the dilated convolution. With an even one what comes from below reaches every other pixel of every
        other row, and no more; all others are the same.
    """
    return {
        "up_cweight": up_weights,
        "up_dep_conv": up_depthwise,
        "up_conv": up_conv,
        "up_dil_conv": lambda c: up_conv(c, dilation),
    }


NORMAL: Mapping[str, Make] = {
    "identity": lambda c: nn.Identity(),
    "cweight": ChannelWeights,
    "dil_conv": lambda c: normal_conv(c, 2),
    "dep_conv": depthwise,
    "conv": normal_conv,
    "none": lambda c: Zero(),
}
"""What keeps the resolution, by the names of the authors of NAS-Unet."""


class UpTo(nn.Module):
    """Brings what comes from below to the resolution of a state from the way down, and joins the two.

    inputs: channels of what comes from below.
    across: of the state from the way down.
    outputs: of what it gives.
    """

    def __init__(self, inputs: int, across: int, outputs: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.join = nn.Sequential(*convolutions(outputs + across, outputs, 1))

    def forward(self, below: Tensor, across: Tensor) -> Tensor:
        raised = F.interpolate(self.narrow(below), across.shape[2:], mode="bilinear", align_corners=False)
        return self.join(torch.cat((raised, across), 1))


def convolutions(inputs: int, outputs: int, count: int = 2) -> nn.Sequential:
    """So many 3x3 convolutions, each with batch normalisation and ReLU."""
    layers: list[nn.Module] = []
    for i in range(count):
        layers.append(nn.Conv2d(inputs if i == 0 else outputs, outputs, 3, padding=1, bias=False))
        layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers)


class DownAndUp(nn.Module):
    """Cells that read the two outputs before them, and from each resolution on their way one step up again.

    stem: takes the images.
    second_stem: takes what `stem` gives, and may halve its resolution.
    cells: on the way down, in order.
    kept: numbers of the cells before whose halving their state is kept for the way up; -1 is that of the stem.
    up: take what comes from below and a kept state, the last one that was kept first.
    """

    def __init__(
        self,
        stem: nn.Module,
        second_stem: nn.Module,
        cells: Iterable[nn.Module],
        kept: Sequence[int],
        up: Iterable[nn.Module],
    ) -> None:
        super().__init__()
        self.stem, self.second_stem = stem, second_stem
        self.cells = nn.ModuleList(cells)
        self.kept = tuple(kept)
        self.up = nn.ModuleList(up)

    def forward(self, images: Tensor) -> Tensor:
        older = self.stem(images)
        states = [older] if -1 in self.kept else []
        newer = self.second_stem(older)
        for i, cell in enumerate(self.cells):
            older, newer = newer, cell(older, newer)
            if i in self.kept:
                states.append(newer)
        for step in self.up:
            newer = step(newer, states.pop())
        return newer
