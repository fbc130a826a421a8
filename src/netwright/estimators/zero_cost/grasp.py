"""Preservation of the gradient's flow (Wang et al. 2020, "Picking Winning Tickets Before Training")."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from netwright.estimators.zero_cost.grad_norm import total
from netwright.estimators.zero_cost.proxy import Need, Proxy

if TYPE_CHECKING:
    from netwright.estimators.zero_cost.passes import Passes


class Grasp(Proxy):
    """-w (H g), summed over the weights: H the loss's Hessian, g its gradient (equation 8, with temperature 1).

    H g is the gradient of g . g' where g' is held fixed, which takes one backward pass through the backward pass.
    """

    needs: ClassVar[tuple[Need, ...]] = ("curvature",)

    def score(self, passes: Passes) -> Tensor:
        assert passes.gradients is not None
        flowing = [each for each in passes.gradients if each is not None and each.requires_grad]
        if not flowing:
            return total([], passes)
        with torch.enable_grad():
            product = torch.stack([(each * each.detach()).sum() for each in flowing]).sum()
        turned = torch.autograd.grad(product, passes.weights, allow_unused=True)
        pairs = zip(passes.weights, turned, strict=True)
        return total([-(w.detach() * h).sum() for w, h in pairs if h is not None], passes)
