"""Strategies that try many candidates on a small budget and give more to the promising ones."""

from __future__ import annotations

from netwright.strategies.fidelity.asha import Asha
from netwright.strategies.fidelity.extrapolated import Extrapolated
from netwright.strategies.fidelity.hyperband import Hyperband
from netwright.strategies.fidelity.kernel_density import KernelDensity
from netwright.strategies.fidelity.source import Learner
from netwright.strategies.fidelity.successive_halving import SuccessiveHalving

PROVIDES = ("est.multi_fidelity",)

__all__ = ["Asha", "Extrapolated", "Hyperband", "KernelDensity", "Learner", "SuccessiveHalving"]
