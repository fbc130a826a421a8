"""Images brought to other sizes and channels without weights, by leaving out (interpolation of zeroth order)."""

from __future__ import annotations

from torch import Tensor, nn

from netwright.networks.padded import MoreChannels


class EveryNth(nn.Module):
    """(n, channels, height, width): every so many-th pixel of both directions, from the first on.

    step: at least 2; what is left of a side is rounded up, as a convolution of that stride leaves it.
    """

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs[:, :, :: self.step, :: self.step]

    def extra_repr(self) -> str:
        return str(self.step)


class FirstChannels(nn.Module):
    """(n, channels, height, width): the first so many channels.

    count: how many.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs[:, : self.count]

    def extra_repr(self) -> str:
        return str(self.count)


def reshaped(channels: int, wanted: int, step: int) -> nn.Module | None:
    """What makes so many channels of an image and takes every `step`-th pixel; None where nothing is to do."""
    steps: list[nn.Module] = [EveryNth(step)] if step > 1 else []
    if channels > wanted:
        steps.append(FirstChannels(wanted))
    elif channels < wanted:
        steps.append(MoreChannels(wanted - channels))
    if not steps:
        return None
    return steps[0] if len(steps) == 1 else nn.Sequential(*steps)
