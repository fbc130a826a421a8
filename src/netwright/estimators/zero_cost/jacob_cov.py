"""Correlation of a minibatch's Jacobians (Mellor et al. 2020, "NAS without Training", version 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from netwright.estimators.zero_cost.proxy import Need, Proxy

if TYPE_CHECKING:
    from netwright.estimators.zero_cost.passes import Passes

SMALL = 1e-5  # k of the paper


class JacobCov(Proxy):
    """How little the gradients by the inputs of a minibatch's examples are correlated.

    With the eigenvalues s of the correlation matrix of the rows of the Jacobian: -sum of log(s + k) + 1 / (s + k), the
    Kullback-Leibler divergence from an uncorrelated one up to constants.
    """

    of_numbers: ClassVar[bool] = True
    needs: ClassVar[tuple[Need, ...]] = ("input_gradient",)

    def score(self, passes: Passes) -> Tensor:
        if passes.input_gradient is None:  # no output depends on the inputs
            return torch.full((), torch.nan, device=passes.inputs.device)
        rows = passes.input_gradient.flatten(1).double()
        rows = rows - rows.mean(1, keepdim=True)
        rows = rows / rows.norm(dim=1, keepdim=True)
        correlation = rows @ rows.T
        eigenvalues = torch.linalg.eigvalsh(correlation.nan_to_num())
        found = -(torch.log(eigenvalues + SMALL) + 1 / (eigenvalues + SMALL)).sum()
        return torch.where(correlation.isfinite().all(), found, torch.nan)
