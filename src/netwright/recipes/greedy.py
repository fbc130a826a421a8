"""SGAS: edges decided one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from netwright.recipes.weight_sharing import DARTS_CODE, resolved
from netwright.strategies.differentiable import Differentiable, GreedyDecisions

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.engine.search import Search
    from netwright.tasks.task import Task


def sgas(
    space: Space,
    task: Task,
    *,
    criterion: Literal[1, 2] = 2,
    epochs: int = 50,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """SGAS (Li et al. 2020): from epoch 10 of 50 on, every 5 epochs the surest edge of each cell is decided for good.

    criterion: 2 also asks that an edge's distribution be stable. Defaults are those of the authors' code, but for its
    minibatches, which grow by 8 with each decision. Published for the space of DARTS on CIFAR-10: 2.66 ± 0.24 %
    test error (criterion 1), 2.52 ± 0.10 % (criterion 2), over 10 searches; these figures are from memory.
    """
    strategy = Differentiable(space, shrinking=GreedyDecisions(criterion))
    return resolved(task, epochs, DARTS_CODE, settings).search(strategy, seed=seed, device=device)
