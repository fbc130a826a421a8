"""How far the weights of an architecture have turned since they were drawn (Hu et al. 2020, "Angle-based ...")."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from netwright.core.errors import UserError
from netwright.supernets.selection import setting_of
from netwright.supernets.supernet import Supernet
from netwright.supernets.weight_vectors import Entry, entries, matrices

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.supernets import SharedNetwork

Products = tuple[float, float, float]  # of two parts of vectors: a * b, a * a, b * b


class Angles:
    """The angles between the vectors of weights at the start and now.

    A vector holds the matrices and kernels of an architecture, each as often as paths lead through it in its cell.

    start: a network of all architectures with the weights as they were drawn.
    now: the same with the weights that are trained.

    Raises UserError for weights that are not held by a supernet.
    """

    def __init__(self, start: SharedNetwork, now: SharedNetwork) -> None:
        if not isinstance(start, Supernet) or not isinstance(now, Supernet):
            raise UserError(f"angles are those of weights in a supernet; {type(now).__name__} is none")
        self._start, self._now = start, now
        self._known: dict[tuple[int, str, torch.Size], Products] = {}

    def of(self, architecture: Architecture) -> float:
        """The angle in radians, from 0 to pi; 0 where there is nothing to turn."""
        setting = setting_of(architecture)
        total = [0.0, 0.0, 0.0]
        with self._start.selection.during(setting), self._now.selection.during(setting), torch.no_grad():
            for before, after in zip(entries(self._start.network), entries(self._now.network), strict=True):
                for each in self._products(before, after):
                    total = [known + after.times * more for known, more in zip(total, each, strict=True)]
        length = math.sqrt(total[1] * total[2])
        return math.acos(max(-1.0, min(1.0, total[0] / length))) if length > 0 else 0.0

    def forget(self) -> None:
        """Take the weights anew, since they have moved."""
        self._known.clear()

    def _products(self, before: Entry, after: Entry) -> list[Products]:
        if after.pooled:
            return [(after.pooled, after.pooled, after.pooled)]
        found: list[Products] = []
        for (name, first), (_, second) in zip(matrices(before.layer), matrices(after.layer), strict=True):
            key = id(after.layer), name, second.shape
            whole = second.shape == after.layer.get_parameter(name).shape
            if not whole:  # of one shape there may be several parts, as of joined states
                found.append(products(first, second))
                continue
            if key not in self._known:
                self._known[key] = products(first, second)
            found.append(self._known[key])
        return found


def products(first: Tensor, second: Tensor) -> Products:
    """The inner products of two tensors of one shape, in float64."""
    a, b = first.detach().double().flatten(), second.detach().double().flatten()
    dot, start, now = torch.stack((a @ b, a @ a, b @ b)).tolist()
    return dot, start, now
