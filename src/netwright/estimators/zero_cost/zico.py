"""Inverse coefficient of variation of gradients (Li et al. 2023, "ZiCo: Zero-shot NAS via Inverse Coefficient")."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from netwright.estimators.zero_cost.grad_norm import total
from netwright.estimators.zero_cost.proxy import Need, Proxy

if TYPE_CHECKING:
    from netwright.estimators.zero_cost.passes import Passes


class ZiCo(Proxy):
    """Sum over layers of log of the sum over weights of E|g| / deviation of g, over two minibatches.

    The deviation is that of the signed gradient, as in the authors' code. Weights whose gradient is the same on both
    are left out, and so are layers without others.
    """

    needs: ClassVar[tuple[Need, ...]] = ("gradients", "second_gradients")

    def score(self, passes: Passes) -> Tensor:
        assert passes.gradients is not None and passes.second_gradients is not None
        pairs = zip(passes.gradients, passes.second_gradients, strict=True)
        return total([_of_layer(a.detach(), b) for a, b in pairs if a is not None and b is not None], passes)


def _of_layer(first: Tensor, second: Tensor) -> Tensor:
    deviation = (first - second).abs() / 2  # of two values, each half the difference from their mean
    ratio = (first.abs() + second.abs()) / 2 / deviation
    found = torch.where(deviation > 0, ratio, 0).double().sum()
    return torch.where(found > 0, found.log(), 0)
