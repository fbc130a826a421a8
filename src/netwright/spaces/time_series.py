"""Networks for series of which the known ones are points: FCN, the 1-D ResNet and networks like InceptionTime."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.closest import named
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Label
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.task import TaskShape
from netwright.networks.series_blocks import Beside, Inception, series_conv
from netwright.networks.straight_line import BesideLine

PROVIDES = ("space.chain",)

_LINES = (True, False)
_FINE = 256  # times that the quickest network sees at least, where a series has them
STEM = 7
"""Times that the first convolution sees."""


def _single(width: int, length: int) -> nn.Module:
    return Beside(series_conv(width, width, _odd(7, length)))


def _plain(width: int, length: int) -> nn.Module:
    return nn.Sequential(*(series_conv(width, width, _odd(kernel, length)) for kernel in (7, 5, 3)))


def _residual(width: int, length: int) -> nn.Module:
    return Beside(_plain(width, length))


def _inception(width: int, length: int, longest: int) -> nn.Module:
    kernels = [_odd(longest // share, length) for share in (1, 2, 4)]
    return Beside(nn.Sequential(*(Inception(width, kernels) for _ in range(3))))


BLOCKS: Mapping[str, Callable[[int, int], nn.Module]] = {
    "single": _single,
    "plain": _plain,
    "residual": _residual,
    "inception_20": lambda width, length: _inception(width, length, 20),
    "inception_40": lambda width, length: _inception(width, length, 40),
}


class TimeSeries(DecisionSpace):
    """Networks for series: a first convolution, one to a few blocks of one width, and the mean over time.

    Blocks are "single" (a convolution over 7 times beside what goes by), "plain" (over 7, 5 and 3 times, one after the
    other), "residual" (the same beside what goes by; Wang et al. 2017), "inception_20" or "inception_40" (three times
    convolutions over up to 20 or 40 times, half and a quarter of these beside each other; Ismail Fawaz et al. 2020).
    Where a series is shorter than a convolution, that is as long as the series.

    widths: channels that all layers may have.
    strides: of the first convolution: with 2 or 4 a network is as many times as fast, and sees less in detail.
    least, most: blocks.
    halves: whether the times are halved before each block but the first, by the largest of two; any of False and True.
    blocks: any of "single", "plain", "residual", "inception_20" and "inception_40".
    dropouts: probabilities of leaving out a channel before the last layer, where one answer is asked for.
    lines: whether a straight line through all values, fitted before the first step, stands beside the network, which
        then learns what the line leaves; any of False and True. For numbers that are asked for of the whole.

    Where an answer is asked for at each time, the answers are brought back to the times of the input. Raises
    ConfigurationError for values outside of these.
    """

    called = "time-series"

    widths: Sequence[int] = (16, 32, 64, 128)
    strides: Sequence[int] = (1, 2, 4)
    halves: Sequence[bool] = (False, True)
    least: int = 1
    most: int = 4
    blocks: Sequence[str] = tuple(BLOCKS)
    dropouts: Sequence[float] = (0.0, 0.2, 0.5)
    lines: Sequence[bool] = (False,)

    traced_shape: ClassVar[TaskShape] = TaskShape((2, 16), 3)

    def __post_init__(self) -> None:
        for name in ("widths", "strides", "halves", "blocks", "dropouts", "lines"):
            if not getattr(self, name):
                raise ConfigurationError(f"TimeSeries: {name} is empty; list at least one to choose from")
        if min((*self.widths, *self.strides)) < 1 or not 1 <= self.least <= self.most:
            raise ConfigurationError(
                "TimeSeries needs widths and strides of at least 1, and 1 <= least <= most, found "
                f"{list(self.widths)}, {list(self.strides)}, {self.least} and {self.most}"
            )
        for each in self.blocks:
            if each not in BLOCKS:
                raise ConfigurationError(f"TimeSeries has no block {each!r}{nearest(each, BLOCKS)}")
        if not 0 <= min(self.dropouts) <= max(self.dropouts) < 1:
            raise ConfigurationError(f"TimeSeries: dropouts must be from 0 to below 1, found {list(self.dropouts)}")

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "series", dense=None)
        width, stride = choose.value("width", self.widths), choose.value("stride", self.strides)
        halves = choose.value("halves", self.halves)

        def block(place: int) -> nn.Module:
            length = -(-shape.input[1] // (stride * 2 ** (place if halves else 0)))
            made = choose.one("block", {name: partial(BLOCKS[name], width, length) for name in self.blocks})
            return nn.Sequential(nn.MaxPool1d(2, ceil_mode=True), made) if halves and place else made

        stem = series_conv(shape.channels, width, STEM, stride=stride)
        blocks = choose.repeat("depth", self.least, self.most, block)
        dropout = nn.Dropout1d(choose.value("dropout", self.dropouts))
        found = nn.Sequential(stem, blocks, *(() if shape.dense else (dropout,)), shape.head(width))
        line = choose.value("line", self.lines) if len(self.lines) > 1 else self.lines[0]
        return BesideLine(found, shape.features, shape.outputs) if line and not shape.dense else found

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """Quick residual networks, one like InceptionTime, the 1-D ResNet and FCN, the quick ones first."""
        stride = max((each for each in self.strides if shape.input[1] >= each * _FINE), default=1)
        quick = {"stride": stride, **KNOWN[0]}
        many = ({"stride": 1, "dropout": 0.2, "line": line, **each} for each in (quick, *KNOWN[1:]) for line in _LINES)
        return named(self, many, self._called)

    def _called(self, architecture: Architecture) -> str:
        """What an architecture of the same blocks everywhere is called."""
        answers = architecture.decisions
        depth, width = answers.get("depth", self.least), answers.get("width", self.widths[0])
        block = str(answers.get("depth/0/block", self.blocks[0]))
        names = {"single": "quick 1-D ResNet", "plain": "FCN", "residual": "1-D ResNet"}
        halving = ", halving" if answers.get("halves", self.halves[0]) else ""
        count = "1 block" if depth == 1 else f"{depth} blocks"
        line = " beside a line" if answers.get("line", self.lines[0]) else ""
        return f"{names.get(block, 'InceptionTime-like')} of {count}, width {width}{halving}{line}"


def _odd(kernel: int, length: int) -> int:
    """An odd number of about this size, no longer than a series."""
    return min(kernel - 1 + kernel % 2, length - 1 + length % 2)


KNOWN: Sequence[Mapping[str, Label]] = (
    {"block": "single", "width": 64, "depth": 3, "halves": True},
    {"block": "residual", "width": 64, "depth": 3, "halves": True},
    {"block": "inception_40", "width": 64, "depth": 2, "halves": True},
    {"block": "residual", "width": 64, "depth": 3, "halves": False},
    {"block": "plain", "width": 128, "depth": 1, "halves": False},
    {"block": "inception_40", "width": 128, "depth": 2, "halves": False},
)
"""In the order in which they are worth trying: those that see many epochs in a short time first."""
