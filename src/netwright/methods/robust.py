"""DARTS without its collapse: an early stop by curvature, training in a ball around the mixture, operation dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.methods.weight_sharing import DARTS_CODE, ONE_LEVEL, Scale, half_a_side, resolved
from netwright.strategies.differentiable import (
    AdversarialPerturbation,
    Differentiable,
    EigenvalueMonitor,
    GroupedDropout,
    RandomPerturbation,
)

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.strategies.differentiable import Perturbation
    from netwright.tasks.task import Task

__all__ = ["dropnas", "robust_darts", "smooth_darts", "smooth_darts_adversarial"]

PAPERS = {
    "dropnas": ("netwright search DATA --method dropnas", ""),
    "robust_darts": ("netwright search DATA --method robust-darts", ""),
    "sdarts": ("netwright search DATA --method smooth-darts", ""),
}

CHECK_EVERY = 2 / 50  # of the epochs


def robust_darts(
    space: DecisionSpace, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """RobustDARTS (Zela et al. 2020): DARTS of second order that stops before the loss's curvature rises (DARTS-ES).

    The curvature is checked every second of 50 epochs, so that a search of 50 stops after its epoch 22 at the earliest.
    See `EigenvalueMonitor` for the rule. For the regularised form give weight_decay=9e-4, 27e-4 or 81e-4 in place of
    3e-4, or drop_path up to 0.6, to which the authors' code adds a cutout of 16 of 32 pixels, as is done here; theirs
    grows more likely with drop path, here every image is cut. The paper chooses among these by validation error.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    strategy = Differentiable(space, monitor=EigenvalueMonitor(every=max(1, round(CHECK_EVERY * epochs))))
    found = resolved(task, epochs, {**DARTS_CODE, "order": 2, "cutout": _beside_drop_path}, settings)
    return found.search(strategy, seed=seed, device=device)


def _beside_drop_path(scale: Scale) -> int | None:
    """Cutout where paths are dropped, and only there; None leaves the task's augmentation as it is."""
    drop_path = scale["drop_path"]
    return half_a_side(scale) if isinstance(drop_path, float) and drop_path > 0 else None


def smooth_darts(
    space: DecisionSpace, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """SDARTS-RS (Chen and Hsieh 2020): the weights train with a mixture that random noise moves.

    Defaults are those of the authors' code: noise of up to 0.03 at the start and 0.3 in the end. Published for the
    space of DARTS on CIFAR-10: 2.67 ± 0.03 % test error.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    return _smooth(RandomPerturbation(), space, task, epochs, settings, seed=seed, device=device)


def smooth_darts_adversarial(
    space: DecisionSpace, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """SDARTS-ADV (Chen and Hsieh 2020): the weights train with the worst mixture nearby, found in 7 steps.

    Defaults as of `smooth_darts`. The attack is in evaluation mode, in which batch normalisations take their running
    statistics, as in the authors' code. Published for the space of DARTS on CIFAR-10: 2.61 ± 0.02 % test error.

    space: the one to search.
    task: the data.
    epochs: of the training of the shared weights.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    settings = {"rehearsals": "evaluation", **settings}
    return _smooth(AdversarialPerturbation(), space, task, epochs, settings, seed=seed, device=device)


def _smooth(
    perturbation: Perturbation,
    space: DecisionSpace,
    task: Task,
    epochs: int,
    settings: dict[str, Any],
    *,
    seed: int,
    device: str,
) -> Search:
    strategy = Differentiable(space, perturbation=perturbation)
    return resolved(task, epochs, DARTS_CODE, settings).search(strategy, seed=seed, device=device)


def dropnas(
    space: DecisionSpace,
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

    space: the one to search.
    task: the data.
    rate: of the operations that are left out.
    epochs: of the training of the shared weights.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    strategy = Differentiable(space, level="one", dropout=GroupedDropout(rate))
    training = {"batch_size": 96, "learning_rate": 0.0375, "minimum_learning_rate": 0.0015, "gradient_clip": 3.0}
    found = resolved(task, epochs, {**DARTS_CODE, **ONE_LEVEL, **training}, settings)
    return found.search(strategy, seed=seed, device=device)
