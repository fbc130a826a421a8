"""The plain U-Net (Ronneberger et al. 2015), with padded convolutions and batch normalisation."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netwright.networks.u_shape import Across, convolutions


class Levels(nn.Module):
    """A block a level on the way down and on the way up, max-pooling and up-convolutions between.

    inputs: channels of the images.
    width: of the first level; each lower one has twice as many.
    depth: how many times the resolution is halved.
    block: makes what a level computes, of its channels in and out; two convolutions in the paper.
    """

    def __init__(
        self, inputs: int, width: int, depth: int, block: Callable[[int, int], nn.Module] = convolutions
    ) -> None:
        super().__init__()
        widths = [width << level for level in range(depth + 1)]
        self.down = nn.ModuleList(block(a, b) for a, b in zip([inputs, *widths], widths, strict=False))
        higher = list(reversed(widths[:-1]))
        self.between = nn.ModuleList(nn.ConvTranspose2d(2 * each, each, 2, stride=2) for each in higher)
        self.up = nn.ModuleList(block(2 * each, each) for each in higher)

    def forward(self, images: Tensor) -> Tensor:
        states: list[Tensor] = []
        x = images
        for level in self.down:
            x = level(F.max_pool2d(x, 2) if states else x)
            states.append(x)
        states.pop()
        for raised, level in zip(self.between, self.up, strict=True):
            x = level(torch.cat((states.pop(), raised(x)), 1))
        return x


def unet(inputs: int, head: nn.Module, *, width: int = 64, depth: int = 4) -> nn.Module:
    """The network of Ronneberger et al. (2015), for images of any size, which it gives back at their size.

    inputs: channels of the images.
    head: turns `width` features a pixel into the answer.
    width: channels of the first level; 64 in the paper.
    depth: how many times the resolution is halved; 4 in the paper.
    """
    return nn.Sequential(Across(Levels(inputs, width, depth), 2**depth), head)
