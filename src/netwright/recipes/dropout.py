"""DropNAS: grouped operation dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.recipes.weight_sharing import DARTS_CODE, ONE_LEVEL, resolved
from netwright.strategies.differentiable import Differentiable, GroupedDropout

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.engine.search import Search
    from netwright.tasks.task import Task


def dropnas(
    space: Space,
    task: Task,
    *,
    rate: float = 3e-5,
    epochs: int = 76,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """DropNAS (Hong et al. 2020): one loss for weights and logits, and operations left out at random, by group.

    Defaults are those of the authors' code; its networks have 14 cells, and it takes a second step of the optimiser,
    with momentum, for the decay of the weights that had a gradient, where here one step does both for all. Published
    for the space of DARTS on CIFAR-10: 2.58 ± 0.14 % test error.

    rate: of the operations that are left out.
    """
    strategy = Differentiable(space, level="one", dropout=GroupedDropout(rate))
    training = {"batch_size": 96, "learning_rate": 0.0375, "minimum_learning_rate": 0.0015, "gradient_clip": 3.0}
    found = resolved(task, epochs, {**DARTS_CODE, **ONE_LEVEL, **training}, settings)
    return found.search(strategy, seed=seed, device=device)
