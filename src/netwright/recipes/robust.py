"""DARTS without its collapse: early stop by the Hessian's eigenvalue, and training in a ball around the mixture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.recipes.weight_sharing import DARTS_CODE, shared_search
from netwright.strategies.differentiable import (
    AdversarialPerturbation,
    Differentiable,
    EigenvalueMonitor,
    RandomPerturbation,
)

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.engine.search import Search
    from netwright.strategies.differentiable import Perturbation
    from netwright.tasks.task import Task


def robust_darts(
    space: Space, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """RobustDARTS (Zela et al. 2020): DARTS that stops before the validation loss's curvature rises (DARTS-ES).

    For its regularised form give weight_decay=9e-4, 27e-4 or 81e-4 in place of 3e-4, and drop_path up to 0.6; the
    paper chooses among these by validation error. See `EigenvalueMonitor` for the rule.
    """
    strategy = Differentiable(space, monitor=EigenvalueMonitor())
    return shared_search(strategy, task, {**DARTS_CODE, "epochs": epochs}, settings, seed=seed, device=device)


def smooth_darts(
    space: Space, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """SDARTS-RS (Chen and Hsieh 2020): the weights train with a mixture that random noise moves.

    Defaults are those of the authors' code: noise of up to 0.03 at the start and 0.3 in the end. Published for the
    space of DARTS on CIFAR-10: 2.67 ± 0.03 % test error.
    """
    return _smooth(RandomPerturbation(), space, task, epochs, settings, seed=seed, device=device)


def smooth_darts_adversarial(
    space: Space, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """SDARTS-ADV (Chen and Hsieh 2020): the weights train with the worst mixture nearby, found in 7 steps.

    Defaults as of `smooth_darts`. Published for the space of DARTS on CIFAR-10: 2.61 ± 0.02 % test error.
    """
    return _smooth(AdversarialPerturbation(), space, task, epochs, settings, seed=seed, device=device)


def _smooth(
    perturbation: Perturbation,
    space: Space,
    task: Task,
    epochs: int,
    settings: dict[str, Any],
    *,
    seed: int,
    device: str,
) -> Search:
    strategy = Differentiable(space, perturbation=perturbation)
    return shared_search(strategy, task, {**DARTS_CODE, "epochs": epochs}, settings, seed=seed, device=device)
