"""Connection sensitivity (Lee et al. 2019, "SNIP: Single-shot Network Pruning based on Connection Sensitivity")."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from netwright.estimators.zero_cost.grad_norm import total
from netwright.estimators.zero_cost.proxy import Need, Proxy

if TYPE_CHECKING:
    from netwright.estimators.zero_cost.passes import Passes


class Snip(Proxy):
    """How much the loss depends on whether each weight is there, summed over the weights.

    With a mask c on the weights, dL/dc = w dL/dw at c = 1 (equation 4); the score of a network is the sum of its
    absolute values, without the normalisation that makes no difference to pruning (Abdelfattah et al. 2021).
    """

    needs: ClassVar[tuple[Need, ...]] = ("gradients",)

    def score(self, passes: Passes) -> Tensor:
        assert passes.gradients is not None
        pairs = zip(passes.weights, passes.gradients, strict=True)
        return total([(w.detach() * g.detach()).abs().sum() for w, g in pairs if g is not None], passes)
