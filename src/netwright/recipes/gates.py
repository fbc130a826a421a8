"""ProxylessNAS: binary gates, two paths in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.recipes.weight_sharing import shared_search
from netwright.strategies.differentiable import BinaryGates, Differentiable

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.engine.search import Search
    from netwright.tasks.task import Task


def proxylessnas(
    space: Space,
    task: Task,
    *,
    every: int = 5,
    epochs: int = 160,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """ProxylessNAS (Cai et al. 2019), by gradient: single paths are trained, two are compared to move the logits.

    every: training steps to one step of the logits. The first quarter of the epochs trains weights alone, on paths
    drawn almost uniformly: 40 of 160 in the authors' code. Without the penalty on latency. Published on ImageNet: 74.6
    % top-1 accuracy at 78 ms on a Pixel 1, for a space of inverted bottlenecks.
    """
    strategy = Differentiable(space, BinaryGates(), every=every, warm_up=0.25)
    training = {"minimum_learning_rate": 0.0, "nesterov": True, "weight_decay": 4e-5, "label_smoothing": 0.1}
    defaults = {"epochs": epochs, "batch_size": 256, "gradient_clip": None, "affine": True, **training}
    return shared_search(strategy, task, defaults, settings, seed=seed, device=device)
