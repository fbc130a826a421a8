"""PC-DARTS: partial channels and edge normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.recipes.weight_sharing import DARTS_CODE, resolved
from netwright.strategies.differentiable import Adam, Differentiable

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.engine.search import Search
    from netwright.tasks.task import Task


def pc_darts(
    space: Space,
    task: Task,
    *,
    partial_channels: int = 4,
    epochs: int = 50,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """PC-DARTS (Xu et al. 2020): a quarter of the channels pass the operations, and sources are weighted, too.

    Only the weights learn in the first 15 of 50 epochs. Sources are weighted where the space leaves it open which to
    read. Defaults are those of the authors' code for CIFAR-10. Published there, for the space of DARTS: 2.57 ± 0.07 %
    test error, 0.1 GPU-days of search.

    partial_channels: one in so many of the channels passes the operations.
    """
    chooses_sources = any(each.kind == "sources" for each in space.decisions)
    strategy = Differentiable(space, optimiser=Adam(6e-4), warm_up=0.3, edge_weights=chooses_sources)
    training = {"batch_size": 256, "learning_rate": 0.1, "minimum_learning_rate": 0.0}
    found = resolved(task, epochs, {**DARTS_CODE, "partial_channels": partial_channels, **training}, settings)
    return found.search(strategy, seed=seed, device=device)
