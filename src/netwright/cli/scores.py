"""Zero-cost scores within a search: a stage before training, and what it begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.cli.stopping import stoppable
from netwright.cli.workers import chosen, in_this_process, working

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.core.estimator import Estimator
    from netwright.core.space import Space
    from netwright.tasks.task import Task


def with_scores(estimator: Estimator, wanted: Sequence[str]) -> Estimator:
    """The estimator behind a stage that measures those of the wanted metrics that are zero-cost proxies."""
    from netwright.estimators import Stack, ZeroCost
    from netwright.estimators.zero_cost import PROXIES

    names = [each for each in dict.fromkeys(wanted) if each in PROXIES]
    if not names:
        return estimator
    space, task, device = (getattr(estimator, name) for name in ("space", "task", "device"))
    return Stack(ZeroCost(space, task, names, device=str(device)), estimator)


def warm_start(plan: Plan, task: Task, space: Space, proxy: str) -> tuple[str, ...]:
    """The best tenth of random networks by a proxy, at least one, as text; the best first.

    The plan's workers score, but for those over a folder: the run that they know by its name has not begun.
    """
    from netwright.estimators.zero_cost import ZeroCost, best_of_random

    estimator = ZeroCost(space, task, (proxy,), device=plan.device)
    estimator.require_examples()
    count = plan.warm_start_networks
    if chosen(plan) == "folder":
        plan = in_this_process(plan)
    with stoppable(), working(plan) as executor:
        best = best_of_random(
            *(space, estimator), count=count, keep=max(1, count // 10), seed=plan.seed, executor=executor
        )
    return tuple(map(str, best))
