"""What the recipes of differentiable search have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netwright.engine.search import Search
from netwright.estimators.shared_weights import SharedWeights

if TYPE_CHECKING:
    from netwright.core.strategy import Strategy
    from netwright.tasks.task import Task


def shared_search(
    strategy: Strategy,
    task: Task,
    defaults: Mapping[str, Any],
    settings: Mapping[str, Any],
    *,
    seed: int,
    device: str,
) -> Search:
    """A search by the strategy on shared weights; `defaults` are the paper's, which `settings` replace."""
    options = {**defaults, **settings}
    return Search(strategy, SharedWeights(strategy.space, task, device=device, **options), seed=seed)


DARTS_CODE: dict[str, Any] = {"normalise_pooling": True}
"""The supernet of the authors of DARTS, and of those who started from their code; its training is the default."""
ONE_LEVEL: dict[str, Any] = {"split": 0.1}
"""One loss for weights and logits: the papers train on all examples, here a tenth is held out to score the result."""
