"""How well scores put what is there before what is not: average precision, and the area under the ROC curve."""

from __future__ import annotations

import torch
from torch import Tensor


def average_precision(scores: Tensor, there: Tensor) -> Tensor:
    """The average precision of each column, (columns,), 0 where nothing is there; equal scores are one threshold.

    scores: (n, columns). there: 0 or 1 of the same shape.
    """
    ordered = _Ordered(scores, there)
    precision = ordered.found.gather(0, ordered.last) / (ordered.last + 1)
    return (ordered.there * precision).sum(0) / ordered.there.sum(0).clamp(min=1)


def area_under_roc(scores: Tensor, there: Tensor) -> Tensor:
    """The area under each column's ROC curve, (columns,): how often what is there has the higher score, a tie by half.

    scores: (n, columns). there: 0 or 1 of the same shape. NaN where all are there, or none.
    """
    ordered = _Ordered(scores, there)
    places = torch.arange(len(scores), device=scores.device).double()[:, None]
    middle = (places.expand_as(scores) - _ties_above(ordered.ends) + ordered.last) / 2  # of equal scores
    positive = ordered.there.sum(0)
    negative = len(scores) - positive
    above = (ordered.there * (len(scores) - middle)).sum(0) - positive * (positive + 1) / 2
    return torch.where((positive > 0) & (negative > 0), above / (positive * negative), torch.nan)


class _Ordered:
    """Each column by falling score.

    there: 0 or 1, in that order, float64.
    ends: whether the next score is another one.
    last: the place of the last one with the same score.
    found: how many of those up to each place are there.
    """

    def __init__(self, scores: Tensor, there: Tensor) -> None:
        ordered, order = scores.sort(0, descending=True)
        self.there = there.double().gather(0, order)
        self.found = self.there.cumsum(0)
        self.ends = torch.ones_like(ordered, dtype=torch.bool)
        self.ends[:-1] = ordered[1:] != ordered[:-1]
        places = torch.arange(len(scores), device=scores.device)[:, None].expand_as(order)
        ends = torch.where(self.ends, places, len(scores))
        self.last = ends.flip(0).cummin(0).values.flip(0)


def _ties_above(ends: Tensor) -> Tensor:
    """How many places each lies below the first one with the same score."""
    places = torch.arange(len(ends), device=ends.device)[:, None].expand_as(ends)
    begins = torch.zeros_like(places)
    begins[1:] = torch.where(ends[:-1], places[1:], 0)
    return places - begins.cummax(0).values
