"""Cells of DARTS that read images at falling resolutions, and a plain way up to a class for every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import nn

from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.task import TaskShape
from netwright.networks.cells import Cell, preprocessing
from netwright.networks.heads import image_stem
from netwright.networks.u_shape import DownAndUp, UpTo
from netwright.spaces.cells import PHOTOGRAPH
from netwright.spaces.darts import Darts

PROVIDES = ("space.darts_cell",)


class EncoderDecoder(Darts):
    """A class for every pixel: the cells of DARTS as the encoder, and a decoder that joins each of its resolutions.

    Normal and reduction cells are decided as in `Darts`, whose genotypes it reads and writes. After the last cell the
    features are brought to each earlier resolution by bilinear interpolation and joined with what the encoder had there
    by a 3x3 convolution, as in the decoder of Ronneberger et al. (2015). Images may have any size.

    cells: of the encoder, at least 2.
    channels: of one state in the first cells, at least 2; twice as many after each reduction.
    nodes: of each cell, or of the normal and the reduction cell; 4 in the paper of DARTS.
    operations: the names of those on the edges, or of a set, see `CellSpace`; by default "darts", the paper's.
    auxiliary: must be False: there is no second classifier.
    stem_multiplier: channels of the stem, in units of `channels`.
    reductions: how many of the cells halve the resolution, evenly spread; at least 1, fewer than `cells`.

    Images of 128 pixels and more on their shorter side are halved before the first cell.
    """

    called = "encoder-decoder"

    cells: int = 8
    channels: int = 16
    stem_multiplier: int = 1
    reductions: int = 2

    traced_shape: ClassVar[TaskShape] = TaskShape((1, 32, 32), 2, dense=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.reductions < self.cells:
            raise ConfigurationError(
                f"EncoderDecoder needs reductions from 1 to cells - 1 = {self.cells - 1}, found {self.reductions}"
            )
        if self.auxiliary:
            raise ConfigurationError("EncoderDecoder has no second classifier; leave auxiliary out")

    def tracing_twin(self) -> DecisionSpace:
        twin = self.replace(cells=2, channels=2, stem_multiplier=1, reductions=1)
        object.__setattr__(twin, "_bare", True)
        return twin

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images", dense=True)
        stem = self.stem_multiplier * self.channels
        halves = min(shape.height, shape.width) >= PHOTOGRAPH
        cells, given = self._encoder(choose, stem, halves)
        kept = [i - 1 for i in self._reducing]
        levels = [(-1, stem)] if halves else []
        levels += [(place, given[place]) for place in kept]
        up, below = _decoder(given[-1], [width for _, width in levels])
        second = _halving(stem) if halves else nn.Identity()
        places = [place for place, _ in levels]
        network = DownAndUp(image_stem(shape.channels, stem), second, cells, places, up)
        return nn.Sequential(network, shape.head(below))

    @property
    def _reducing(self) -> tuple[int, ...]:
        """Numbers of the cells that halve the resolution."""
        return tuple((i + 1) * self.cells // (self.reductions + 1) for i in range(self.reductions))

    def _encoder(self, choose: Choose, stem: int, halved: bool) -> tuple[list[nn.Module], list[int]]:
        """The cells, and how many channels each gives."""
        width, older, newer = self.channels, stem, stem
        cells: list[nn.Module] = []
        given: list[int] = []
        after_reduction = halved
        for i in range(self.cells):
            reduces = i in self._reducing
            width = 2 * width if reduces else width
            nodes, output = self._nodes(choose, width, reduces)
            cells.append(Cell(preprocessing(older, newer, width, after_reduction), nodes, output))
            older, newer, after_reduction = newer, output.number * width, reduces
            given.append(newer)
        return cells, given


def _decoder(lowest: int, kept: Sequence[int]) -> tuple[list[nn.Module], int]:
    """The steps up, each with half the channels of the state it joins, and how many channels the last one gives."""
    steps: list[nn.Module] = []
    for across in reversed(kept):
        steps.append(UpTo(lowest, across, max(2, across // 2)))
        lowest = max(2, across // 2)
    return steps, lowest


def _halving(channels: int) -> nn.Sequential:
    """ReLU, a 3x3 convolution of stride 2 and batch normalisation."""
    layer = nn.Conv2d(channels, channels, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(nn.ReLU(), layer, nn.BatchNorm2d(channels))
