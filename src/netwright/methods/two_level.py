"""DARTS: differentiable architecture search by two-level optimisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from netwright.recipes.weight_sharing import DARTS_CODE, resolved
from netwright.strategies.differentiable import Differentiable

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.engine.search import Search
    from netwright.tasks.task import Task


def darts(
    space: Space,
    task: Task,
    *,
    order: Literal[1, 2] = 1,
    epochs: int = 50,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """DARTS (Liu et al. 2019): softmax mixtures, the logits follow the validation loss, the weights the training loss.

    order: 2 for the gradient through one training step. Defaults are those of the authors' code: Adam(3e-4) for the
    logits, SGD from 0.025 to 0.001, batches of 64, half of the examples each for weights and logits. Published for
    `Darts()` on CIFAR-10: 3.00 ± 0.14 % test error (first order), 2.76 ± 0.09 % (second order).
    """
    found = resolved(task, epochs, {**DARTS_CODE, "order": order}, settings)
    return found.search(Differentiable(space), seed=seed, device=device)


def darts_second_order(
    space: Space, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """DARTS with the gradient through one training step (Liu et al. 2019, equation 7); see `darts`."""
    return darts(space, task, order=2, epochs=epochs, seed=seed, device=device, **settings)
