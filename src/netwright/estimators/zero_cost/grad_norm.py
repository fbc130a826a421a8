"""The norm of the loss's gradient at the start (Abdelfattah et al. 2021, "Zero-Cost Proxies for Lightweight NAS")."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from netwright.estimators.zero_cost.proxy import Need, Proxy

if TYPE_CHECKING:
    from netwright.estimators.zero_cost.passes import Passes


class GradNorm(Proxy):
    """The Euclidean norm of the gradient of each layer's weight, summed over the layers (section 3.1)."""

    needs: ClassVar[tuple[Need, ...]] = ("gradients",)

    def score(self, passes: Passes) -> Tensor:
        assert passes.gradients is not None
        return total([each.detach().norm() for each in passes.gradients if each is not None], passes)


def total(parts: list[Tensor], passes: Passes) -> Tensor:
    """The sum of one number a layer, in double precision; 0 where the loss depends on no layer."""
    if not parts:
        return torch.zeros((), dtype=torch.float64, device=passes.inputs.device)
    return torch.stack(parts).double().sum()
