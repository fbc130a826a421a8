"""MiLeNAS: mixed-level optimisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.recipes.weight_sharing import DARTS_CODE, resolved
from netwright.strategies.differentiable import Differentiable

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.engine.search import Search
    from netwright.tasks.task import Task


def milenas(
    space: Space,
    task: Task,
    *,
    validation_weight: float = 1.0,
    epochs: int = 50,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """MiLeNAS (He et al. 2020): the logits follow the training loss plus `validation_weight` times the validation loss.

    The training loss is measured on the minibatch that the weights train on next. validation_weight: lambda of equation
    6, 1 in the authors' code, from which all other defaults are, too; it clips the gradient of the logits where that
    of the weights is meant, which leaves the weights unclipped. Published for the space of DARTS on CIFAR-10:
    2.51 ± 0.11 % test error; this figure is from memory.
    """
    strategy = Differentiable(space, level="mixed", validation_weight=validation_weight)
    found = resolved(task, epochs, {**DARTS_CODE, "gradient_clip": None}, settings)
    return found.search(strategy, seed=seed, device=device)
