"""How a network reads the numbers of a table: by quantiles, as pieces of a line, or as waves.

Each part is made for numbers with mean 0 and deviation 1, and is `fit` to the training examples, whose medians and
quantiles it keeps in buffers; without that it works by those of the normal distribution.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_CLIP = 3.0  # deviations behind which numbers are drawn in
_NORMAL_RANGE = 0.7413  # standard deviations of a normal distribution in its interquartile range
_SPREAD = math.sqrt(12.0)  # 1 / deviation of what is spread evenly over 0..1
_FEW = 2  # different numbers, in units of bins, up to which each is a case of its own
_FINE = 48  # bins of a number with many different values, at most: more learn noise
_STEEPEST = 1e30  # of a bin, which could else be infinite
_WAVES = 0.3  # deviation of the first frequencies


class Numbers(nn.Module):
    """Each number by its distance from the median, drawn in smoothly where it is far, and by its place in the order.

    (n, numbers) to (n, 2 * numbers): the distance d in units of the interquartile range as d / sqrt(1 + (d / 3)^2)
    (Holzmueller et al. 2024), and the share of training examples below, from -1.7 to 1.7.

    numbers: how many.
    bins: quantiles between which the order follows a line.

    `blocks` has how many features stand side by side for one number.
    """

    centre: Tensor
    scale: Tensor
    left: Tensor
    steepness: Tensor
    share: Tensor
    below: Tensor
    heights: Tensor

    def __init__(self, numbers: int, bins: int) -> None:
        super().__init__()
        self.bins = bins
        self.blocks = [1] * (2 * numbers)
        edges = math.sqrt(2.0) * torch.erfinv(torch.linspace(-0.98, 0.98, bins + 1)).expand(numbers, -1)
        self.register_buffer("centre", torch.zeros(numbers))
        self.register_buffer("scale", torch.ones(numbers))
        self.register_buffer("left", edges[:, :-1].clone())
        self.register_buffer("steepness", 1 / (edges[:, 1:] - edges[:, :-1]))
        self.register_buffer("share", torch.full((numbers, bins), 0.98 / bins))
        self.register_buffer("below", torch.full((numbers,), 0.01))
        self.register_buffer("heights", torch.zeros(numbers, 1))

    @torch.no_grad()
    def fit(self, values: Tensor) -> None:
        """Take over the quantiles. values: of training examples, (n, numbers), as the network gets them."""
        for place, column in enumerate(values.sort(0).values.T.contiguous()):
            self._fit_one(place, column)

    def _fit_one(self, place: int, column: Tensor) -> None:
        count = len(column)
        at = torch.tensor([0.25, 0.5, 0.75], dtype=column.dtype, device=column.device)
        low, middle, high = torch.quantile(column, at)
        spread = _NORMAL_RANGE * (high - low)
        self.centre[place] = middle
        self.scale[place] = 1 / spread if spread > 0 else 1.0
        edges, few = self._edges(column)
        self.heights[place] = few
        under = (torch.searchsorted(column, edges) + torch.searchsorted(column, edges, right=True)) / (2 * count)
        filled = len(edges) - 1
        for buffer in (self.left, self.steepness, self.share):
            buffer[place] = 0.0
        self.left[place, :filled] = edges[:-1]
        self.steepness[place, :filled] = (1 / (edges[1:] - edges[:-1])).clamp(max=_STEEPEST)
        self.share[place, :filled] = under[1:] - under[:-1]
        self.below[place] = under[0]

    def _edges(self, column: Tensor) -> tuple[Tensor, bool]:
        """The edges of a column's bins, and whether it has few different numbers, which then are edges themselves.

        Otherwise quantiles of the rows, and where some of these are equal, of the different numbers for the rest.
        """
        distinct = column.unique_consecutive()
        few = len(distinct) <= _FEW * self.bins
        wanted = (self.bins if few else min(self.bins, _FINE)) + 1
        if len(distinct) <= wanted:
            return distinct, few
        edges = column[_places(len(column), wanted, column)].unique_consecutive()
        spare = wanted - len(edges)
        more = distinct[_places(len(distinct), spare + 2, column)[1:-1]]
        return torch.cat([edges, more]).sort().values.unique_consecutive(), few

    def pieces(self, values: Tensor) -> Tensor:
        """How much of each bin a number has passed, from 0 to 1: (n, numbers, bins)."""
        return ((values.unsqueeze(2) - self.left) * self.steepness).clamp(0.0, 1.0)

    def plain(self, values: Tensor, pieces: Tensor) -> tuple[Tensor, Tensor]:
        """The distance from the median and the place in the order, (n, numbers) each."""
        far = (values - self.centre) * self.scale
        order = (pieces * self.share).sum(2) + self.below
        return far / torch.sqrt(1 + (far / _CLIP) ** 2), (order - 0.5) * _SPREAD

    def forward(self, values: Tensor) -> Tensor:
        return torch.cat(self.plain(values, self.pieces(values)), 1)


def _places(count: int, wanted: int, like: Tensor) -> Tensor:
    """Places from 0 to count - 1 at equal distances."""
    return torch.linspace(0, count - 1, wanted, dtype=torch.float64).round().long().to(like.device)


class PiecewiseNumbers(Numbers):
    """Each number as a function that is linear between its quantiles (Gorishniy et al. 2022, section 3.2).

    (n, numbers) to (n, numbers * size). It begins as a function of the distance and the order alone, to which the bins
    add what they learn: as there a slope in each bin, where a number has many different values; where it has few, a
    height at each of them, so that rare ones are learnt as quickly as trees split them off.

    numbers: how many.
    bins: of each at most.
    size: features of each.
    """

    def __init__(self, numbers: int, bins: int, size: int) -> None:
        super().__init__(numbers, bins)
        self.blocks = [size] * numbers
        weight = torch.zeros(numbers, bins + 2, size)
        nn.init.normal_(weight[:, bins:], std=2**-0.5)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.empty(numbers, 1, size).uniform_(-1.0, 1.0))

    def forward(self, values: Tensor) -> Tensor:
        pieces = self.pieces(values)
        learnt = pieces[:, :, :-1] - pieces[:, :, 1:] * self.heights
        parts = torch.cat([learnt, pieces[:, :, -1:], torch.stack(self.plain(values, pieces), 2)], 2)
        return torch.baddbmm(self.bias, parts.transpose(0, 1), self.weight).transpose(0, 1).flatten(1)


class PeriodicNumbers(Numbers):
    """Each number by waves of learnt frequencies, a linear layer of its own and ReLU (Gorishniy et al. 2022, 3.3).

    (n, numbers) to (n, numbers * size).

    numbers: how many.
    bins: for its place in the order.
    size: features of each.
    waves: frequencies of each.
    """

    def __init__(self, numbers: int, bins: int, size: int, waves: int = 16) -> None:
        super().__init__(numbers, bins)
        self.blocks = [size] * numbers
        self.frequencies = nn.Parameter(torch.randn(numbers, waves) * _WAVES)
        self.weight = nn.Parameter(torch.empty(numbers, 2 * waves + 2, size).normal_(std=(2 * waves + 2) ** -0.5))
        self.bias = nn.Parameter(torch.zeros(numbers, 1, size))

    def forward(self, values: Tensor) -> Tensor:
        distance, order = self.plain(values, self.pieces(values))
        angles = 2 * math.pi * distance.unsqueeze(2) * self.frequencies
        parts = torch.cat([angles.cos(), angles.sin(), torch.stack([distance, order], 2)], 2)
        return torch.baddbmm(self.bias, parts.transpose(0, 1), self.weight).transpose(0, 1).flatten(1).relu()
