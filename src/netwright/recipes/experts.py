"""XNAS: experts' advice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.recipes.weight_sharing import DARTS_CODE, resolved
from netwright.strategies.differentiable import Differentiable, Experts

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.engine.search import Search
    from netwright.tasks.task import Task


def xnas(space: Space, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **settings: Any) -> Search:
    """XNAS (Nayman et al. 2019): options are experts, whose weights move by exponentiated gradients and are wiped out.

    Its search code is not public: the weights train as those of DARTS do, and `ExponentiatedGradient` says which
    constants are a guess. Published for cells of DARTS's form on CIFAR-10: 1.81 % test error with 3.7 M
    parameters, trained with AutoAugment for 1,500 epochs.
    """
    found = resolved(task, epochs, DARTS_CODE, settings)
    return found.search(Differentiable(space, Experts()), seed=seed, device=device)
