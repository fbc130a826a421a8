"""BOHB (Falkner et al. 2018, "BOHB: Robust and Efficient Hyperparameter Optimization at Scale")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.strategies.fidelity.hyperband import Hyperband
from netwright.strategies.fidelity.kernel_density import KernelDensity

if TYPE_CHECKING:
    from netwright.core.space import Space


def bohb(space: Space, least: float = 1 / 27, eta: float = 3, overlapping: bool = True, **model: Any) -> Hyperband:
    """Hyperband whose candidates come from kernel densities of good and bad architectures.

    model: options of `KernelDensity`. Brackets overlap, as in the paper's parallel version (section 4.2).
    least, eta, overlapping: as in `Hyperband`.
    """
    return Hyperband(space, least, eta, KernelDensity(space, **model), overlapping)
