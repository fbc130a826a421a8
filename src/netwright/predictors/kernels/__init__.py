"""Kernels: how alike two architectures are."""

from __future__ import annotations

from netwright.predictors.kernels.edit_distance import EditDistance
from netwright.predictors.kernels.kernel import Hyperparameter, Kernel
from netwright.predictors.kernels.linear_rbf import LinearRbf
from netwright.predictors.kernels.otmann import Otmann
from netwright.predictors.kernels.stationary import Exponential, Matern52, Rbf
from netwright.predictors.kernels.weisfeiler_lehman import WeisfeilerLehman

__all__ = [
    "EditDistance",
    "Exponential",
    "Hyperparameter",
    "Kernel",
    "LinearRbf",
    "Matern52",
    "Otmann",
    "Rbf",
    "WeisfeilerLehman",
]
