"""ProxylessNAS: binary gates, two paths in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netwright.methods.weight_sharing import Scale, nearly_all, resolved
from netwright.strategies.differentiable import BinaryGates, Differentiable

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["proxylessnas"]

PAPERS = {
    "proxylessnas": (
        "netwright search DATA --method proxylessnas",
        "the penalty on latency, for which a limit on it stands (--limit 'latency_ms <= 5')",
    ),
}
SPACES = {
    "proxylessnas": "mobile:form=proxylessnas",
}

WARM_UP = 0.25  # 40 of 160 epochs
FEWEST_AFTER = 10  # epochs after the warm-up, of which the logits rest in the first


def proxylessnas(
    space: DecisionSpace,
    task: Task,
    *,
    every: int = 5,
    epochs: int = 160,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """ProxylessNAS (Cai et al. 2019), by gradient: single paths are trained, two are compared to move the logits.

    Defaults are those of the authors' code. The first quarter of the epochs (40 of 160) trains weights alone, on paths
    drawn almost uniformly, with a cosine of its own that falls from twice the learning rate; then that starts again.
    Logits rest for one epoch more, and are moved after a step of the weights, by images that are not augmented and
    labels that are not smoothed. Held out is what `nearly_all` says. Two paths are compared, as in the paper, whose
    code takes all of them by default; without the penalty on latency, for which a limit stands. Published on ImageNet:
    74.6 % top-1 accuracy at 78 ms on a Pixel 1, for a space of inverted bottlenecks.

    space: the one to search.
    task: the data.
    every: training steps to one step of the logits.
    epochs: of the training of the shared weights; 160 in the authors' code, of which 40 train weights alone.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    first = warm_up_epochs(epochs)
    rests = first + (epochs - first >= FEWEST_AFTER)
    strategy = Differentiable(space, BinaryGates(), every=every, warm_up=rests / epochs, weights_first=True)
    return resolved(task, epochs, PUBLISHED, settings).search(strategy, seed=seed, device=device)


def warm_up_epochs(epochs: int) -> int:
    """Of the epochs those that only the weights learn in, before the learning rate starts again."""
    return round(WARM_UP * epochs)


def _stages(scale: Scale) -> list[dict[str, Any]]:
    """The warm-up, and what goes on from it; nothing where there is no epoch for it."""
    first = warm_up_epochs(scale.epochs)
    if not first or scale.wanted.get("settings") is not None:
        return []
    rest = {"epochs": scale.epochs - first, "goes_on": True}
    return [{"epochs": first, "learning_rate": 2 * scale["learning_rate"]}, rest]


PUBLISHED: Mapping[str, Any] = {
    "batch_size": 256,
    "minimum_learning_rate": 0.0,
    "nesterov": True,
    "weight_decay": 4e-5,
    "label_smoothing": 0.1,
    "gradient_clip": None,
    "affine": True,
    "split": nearly_all,
    "augment_probes": False,
    "pace": "step",
    "stages": _stages,
}
