"""Convolutions of any number of groups as one series of terms (Howard-Jenkins et al. 2020, "GroSS")."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from netwright.core.errors import UserError
from netwright.supernets.elastic import is_elastic, resolved, shares_of
from netwright.supernets.selection import Selection


class SeriesConv2d(nn.Conv2d):
    """A convolution whose groups are open: W_g, for g groups, is the sum of the terms of g and of more groups.

    Each term is the weight of a convolution of so many groups, `weight` that of most; with fewer groups it is dense
    in zeros outside its own. So whatever any number of groups learns, those with fewer have, too. A mixture adds up the
    W_g by their weights, in which a convolution is linear. All terms but the first are 0 at first.
    """

    selection: Selection
    terms: nn.ParameterDict  # by number of groups, but for the largest, whose term is `weight`

    @property
    def by_groups(self) -> dict[int, Tensor]:
        """The terms by their number of groups, the largest first."""
        most = max(number for _, number in self.groups.values())  # pyright: ignore
        return {most: self.weight, **{count: self.terms[str(count)] for count in sorted(map(int, self.terms))[::-1]}}

    def weight_of(self, groups: int) -> Tensor:
        """The weight of a convolution of so many groups, (out, in / groups, height, width)."""
        return self._sum([(count, term) for count, term in self.by_groups.items() if count >= groups])

    def selected_weight(self) -> Tensor:
        """That of the selected architecture."""
        return self.weight_of(resolved(self.groups, self.selection.chosen))

    def forward(self, input: Tensor) -> Tensor:
        if self.selection.chosen is not None:
            groups = resolved(self.groups, self.selection.chosen)
            weight = self.weight_of(groups)
        else:
            weight, groups = self._mixed(), min(self.by_groups)
        return conv2d(input, weight, self.bias, self.stride, self.padding, self.dilation, groups)

    def _mixed(self) -> Tensor:
        """sum_g p_g W_g: a term counts as far as the numbers of groups up to its own do."""
        shares, terms = shares_of(self.groups, self.selection), self.by_groups
        parts: list[tuple[int, Tensor]] = []
        for count, term in terms.items():
            reached = [share for number, share in shares if number <= count]
            parts.append((count, term * (torch.stack(reached).sum() if reached else 0.0)))
        return self._sum(parts)

    @staticmethod
    def _sum(parts: list[tuple[int, Tensor]]) -> Tensor:
        """The terms, the most groups first, added up in the form of the last."""
        (before, total), *rest = parts
        for count, term in rest:
            total, before = expanded(total, before, count) + term, count
        return total


def expanded(weight: Tensor, groups: int, fewer: int) -> Tensor:
    """The same convolution with fewer groups: (out, in / groups, ...) with zeros around as (out, in / fewer, ...)."""
    ratio = groups // fewer
    outputs, inputs, *extents = weight.shape
    blocks = weight.view(fewer, ratio, outputs // groups, 1, inputs, *extents)
    diagonal = torch.eye(ratio, device=weight.device, dtype=weight.dtype).view(1, ratio, 1, ratio, 1, 1, 1)
    return (blocks * diagonal).reshape(outputs, ratio * inputs, *extents)


def add_series(name: str, layer: nn.Conv2d, selection: Selection) -> bool:
    """Make a convolution of fixed channels and open groups a series, in place; whether it was one.

    Raises UserError where one number of groups does not divide the next, or more than the groups is open.
    """
    if not is_elastic(layer.groups) or any(map(is_elastic, (layer.in_channels, layer.out_channels))):
        return False
    counts = sorted({number for _, number in layer.groups.values()}, reverse=True)
    if any(larger % smaller for larger, smaller in pairwise(counts)):
        raise UserError(f"layer {name!r} has {counts} groups, of which a supernet needs each to divide the one before")
    others = (layer.kernel_size, layer.padding, layer.stride, layer.dilation)
    if any(is_elastic(each) for value in others if isinstance(value, tuple) for each in value):
        raise UserError(f"layer {name!r} has open groups and another open size, which a supernet cannot share")
    layer.__class__ = SeriesConv2d
    assert isinstance(layer, SeriesConv2d)
    object.__setattr__(layer, "selection", selection)
    outputs, _, *extents = layer.weight.shape
    layer.weight = nn.Parameter(layer.weight.new_empty(outputs, layer.in_channels // counts[0], *extents))
    layer.reset_parameters()
    layer.terms = nn.ParameterDict(
        {
            str(count): nn.Parameter(layer.weight.new_zeros(outputs, layer.in_channels // count, *extents))
            for count in counts[1:]
        }
    )
    return True
