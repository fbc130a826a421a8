"""Matrices of many rows, worked on by so many rows at a time that what is read again is still in a CPU's cache.

All are (edges, rows, columns); those of one call have equally many rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

_aten = torch.ops.aten

TILE = 2**19  # bytes of one matrix that are worked on at a time; three of them pass through a cache of 1 to 2 MiB


def tiled(*parts: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The same rows of each, a tile at a time; never so few that a sum of products costs more to read than they do."""
    edges, rows, columns = parts[0].shape
    at_a_time = max(4 * columns, TILE // (edges * columns * parts[0].element_size()))
    if rows <= at_a_time:
        return iter((parts,))
    return zip(*(each.split(at_a_time, 1) for each in parts), strict=True)


def moments(left: Tensor, rights: Sequence[Tensor], positive: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
    """The sum of the rows of left, (edges, columns), and its product with each of rights.

    A product left' right is (edges, columns of left, columns of right). positive: where it is not above 0, left is
    first set to 0, in place.
    """
    total: Tensor | None = None
    products: list[Tensor] = []
    masks = () if positive is None else (positive,)
    for part, *others in tiled(left, *rights, *masks):
        if masks:
            _aten.threshold_backward.grad_input(part, others.pop(), 0, grad_input=part)
        turned = part.transpose(1, 2)
        if total is None:
            total, products = part.sum(1), [torch.bmm(turned, each) for each in others]
        else:
            total.add_(part.sum(1))
            products = [known.baddbmm_(turned, each) for known, each in zip(products, others, strict=True)]
    assert total is not None  # no batch is empty
    return total, products
