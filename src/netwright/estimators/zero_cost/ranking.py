"""Random architectures in the order that a cheap estimator gives them."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.errors import SearchFailed, TrialFailed
from netwright.core.estimator import Estimator
from netwright.core.executor import Executor, Job, Outcome, carry_out
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
    executor: Executor | None = None,
) -> list[Ranked]:
    """Score different random architectures, fewer where the space holds fewer; the best first, of equal ones in order.

    metric: by default the first of the estimator's own; what is to be small, such as "params", scores its negative.
    on_each: called with how many are done. Everything random follows from `seed`, the same weights' seed for all.
    executor: where they are scored, several at once; with one, a network that raises an error scores minus infinity.

    Raises SearchFailed where all of them raise errors there.
    """
    objective = Objective.parse(metric or estimator.metrics[0])
    drawn = different(space, count, seed)
    found: list[Ranked] = []
    if executor is None:
        scores: Iterable[float] = (score_of(estimator, objective, each, seed) for each in drawn)
    else:
        outcomes = outcomes_of(estimator, drawn, seed, executor, on_each)
        scores, on_each = [_score(objective, each.measurement.metrics) for each in outcomes], None
    for architecture, score in zip(drawn, scores, strict=True):
        found.append(Ranked(architecture, score))
        if on_each is not None:
            on_each(len(found))
    return sorted(found, key=lambda each: -each.score)


def best_of_random(
    space: Space,
    estimator: Estimator,
    metric: str | None = None,
    count: int = 100,
    keep: int = 10,
    seed: int = 0,
    executor: Executor | None = None,
) -> list[Architecture]:
    """The `keep` best of `count` random architectures (see `rank_random`): what a search may begin with."""
    ranked = rank_random(space, estimator, metric, count, seed, executor=executor)
    return [each.architecture for each in ranked[:keep]]


def outcomes_of(
    estimator: Estimator,
    architectures: Sequence[Architecture],
    seed: int,
    executor: Executor,
    on_each: Callable[[int], object] | None = None,
) -> list[Outcome]:
    """What an estimator measured of each architecture, in their order, carried out by an executor.

    on_each: called with how many are done.

    Raises SearchFailed, with the first reason, where all ended with errors.
    """
    jobs = (Job(place, Proposal(each), seed, (estimator,)) for place, each in enumerate(architectures))
    found: dict[int, Outcome] = {}
    for job, outcome in carry_out(executor, jobs):
        found[job.number] = outcome
        if on_each is not None:
            on_each(len(found))
    outcomes = [found[place] for place in range(len(architectures))]
    if outcomes and all(each.state == "error" for each in outcomes):
        raise SearchFailed(f"none of {len(outcomes)} networks could be scored; the first: {outcomes[0].reason}")
    return outcomes


def different(space: Space, count: int, seed: int) -> list[Architecture]:
    """Random architectures of which no two have the same canonical form."""
    rng = np.random.default_rng(seed)
    found: dict[Hashable, Architecture] = {}
    for _ in range(ATTEMPTS * count):
        if len(found) == count:
            break
        architecture = space.sample(rng)
        found.setdefault(space.key(architecture), architecture)
    return list(found.values())


def score_of(estimator: Estimator, objective: Objective, architecture: Architecture, seed: int) -> float:
    """The architecture's score, larger is better; minus infinity where there is none."""
    try:
        metrics = estimator.estimate(Proposal(architecture), seed).metrics
    except TrialFailed as failure:
        metrics = failure.metrics
    return _score(objective, metrics)


def _score(objective: Objective, metrics: Mapping[str, float]) -> float:
    score = objective.score(metrics) if objective.metric in metrics else -math.inf
    return score if math.isfinite(score) else -math.inf
