"""Random architectures in the order that a cheap estimator gives them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.errors import TrialFailed
from netwright.core.estimator import Estimator
from netwright.core.objective import Objective
from netwright.core.space import Space
from netwright.core.trial import Proposal

ATTEMPTS = 20  # draws for each architecture that is wanted, in a space that may hold few different ones


@dataclass(frozen=True, slots=True)
class Ranked:
    """score: larger is better, minus infinity where the estimate failed."""

    architecture: Architecture
    score: float


def rank_random(
    space: Space,
    estimator: Estimator,
    metric: str | None = None,
    count: int = 100,
    seed: int = 0,
    on_each: Callable[[int], object] | None = None,
) -> list[Ranked]:
    """Score different random architectures, fewer where the space holds fewer; the best first, of equal ones in order.

    metric: by default the first of the estimator's own; what is to be small, such as "params", scores its negative.
    on_each: called with how many are done. Everything random follows from `seed`, the same weights' seed for all.
    """
    objective = Objective.parse(metric or estimator.metrics[0])
    found: list[Ranked] = []
    for architecture in different(space, count, seed):
        found.append(Ranked(architecture, score_of(estimator, objective, architecture, seed)))
        if on_each is not None:
            on_each(len(found))
    return sorted(found, key=lambda each: -each.score)


def best_of_random(
    space: Space, estimator: Estimator, metric: str | None = None, count: int = 100, keep: int = 10, seed: int = 0
) -> list[Architecture]:
    """The `keep` best of `count` random architectures (see `rank_random`): what a search may begin with."""
    return [each.architecture for each in rank_random(space, estimator, metric, count, seed)[:keep]]


def different(space: Space, count: int, seed: int) -> list[Architecture]:
    """Random architectures of which no two have the same canonical form."""
    rng = np.random.default_rng(seed)
    found: dict[Architecture, Architecture] = {}
    for _ in range(ATTEMPTS * count):
        if len(found) == count:
            break
        architecture = space.sample(rng)
        found.setdefault(space.canonical(architecture), architecture)
    return list(found.values())


def score_of(estimator: Estimator, objective: Objective, architecture: Architecture, seed: int) -> float:
    """The architecture's score, larger is better; minus infinity where there is none."""
    try:
        metrics = estimator.estimate(Proposal(architecture), seed).metrics
    except TrialFailed as failure:
        metrics = failure.metrics
    score = objective.score(metrics) if objective.metric in metrics else -math.inf
    return score if math.isfinite(score) else -math.inf
