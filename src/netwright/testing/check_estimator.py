"""The contract of an estimator as one executable check."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.errors import TrialFailed
from netwright.core.estimator import Estimator
from netwright.core.kinds import kinds_checked
from netwright.core.trial import STATES, Measurement, Proposal
from netwright.testing.rules import global_randomness_untouched, must_not_raise, require

if TYPE_CHECKING:
    from netwright.core.space import Space


@kinds_checked
def check_estimator(
    estimator: Estimator,
    space: Space,
    *,
    samples: int = 3,
    proposals: Sequence[Proposal] = (),
    measured: Collection[str] = (),
    seed: int = 0,
) -> None:
    """Raise AssertionError, which names the rule and how it was broken, unless this is an estimator as meant here.

    estimator: to check.
    space: of the architectures that it measures.
    samples: how many random architectures of the space to estimate, each twice.
    proposals: others to estimate besides.
    measured: metrics that are clocked or otherwise may differ from one time to the next.
    seed: of what is drawn, and of the estimates.
    """
    with must_not_raise("configuration"):
        json.dumps(estimator.configuration(), allow_nan=False)
    stages_are_estimators(estimator)
    rng = np.random.default_rng(seed)
    asked = [*(Proposal(space.sample(rng)) for _ in range(samples)), *proposals]
    ends = [_ends_alike_twice(estimator, proposal, seed, measured) for proposal in asked]
    reasons = [str(end) for end in ends if isinstance(end, TrialFailed)]
    require(len(reasons) < len(ends), f"every one of {len(ends)} estimates failed, the first with: {reasons[:1]}")


def stages_are_estimators(estimator: Estimator) -> None:
    stages = list(estimator.stages())
    require(stages, "stages() is empty; by default it holds the estimator itself")
    odd = [each for each in stages if not isinstance(each, Estimator)]
    require(not odd, f"stages() holds {odd[:1]}, which is not an Estimator")


def _ends_alike_twice(
    estimator: Estimator, proposal: Proposal, seed: int, measured: Collection[str]
) -> Measurement | TrialFailed:
    first, second = (_estimate(estimator, proposal, seed) for _ in range(2))
    if isinstance(first, TrialFailed) or isinstance(second, TrialFailed):
        require(
            type(first) is type(second),
            f"the same proposal and seed ended once with {_named(first)}, once with {_named(second)}",
        )
        return first
    _metrics_are_finite(first.metrics, "metrics")
    for place, row in enumerate(first.curve):
        _metrics_are_finite(row, f"curve, row {place}")
    missing = [name for name in estimator.metrics if name not in first.metrics]
    require(not missing, f"metrics declares {missing}, which was not measured; measured: {sorted(first.metrics)}")
    for name in first.metrics:
        require(
            name in measured or first.metrics[name] == second.metrics.get(name),
            f"metric {name!r} was {first.metrics[name]}, then {second.metrics.get(name)} for the same proposal and "
            "seed; name it in `measured` if it is clocked",
        )
    return first


def _estimate(estimator: Estimator, proposal: Proposal, seed: int) -> Measurement | TrialFailed:
    with global_randomness_untouched("estimate"):
        try:
            with must_not_raise(f"estimate of {proposal.candidate}", TrialFailed):
                found: Any = estimator.estimate(proposal, seed)
        except TrialFailed as failure:
            require(failure.state in STATES[1:], f"a failed trial has the unknown state {failure.state!r}")
            return failure
    require(isinstance(found, Measurement), f"estimate gave {found!r}, expected a Measurement")
    return found


def _metrics_are_finite(metrics: Mapping[str, Any], where: str) -> None:
    for name, value in metrics.items():
        plain = type(value) in (float, int)
        require(plain, f"{where}: {name!r} is a {type(value).__name__}, expected a plain float")
        require(math.isfinite(value), f"{where}: {name!r} is {value}; a result that is not finite is a failed trial")


def _named(end: Measurement | TrialFailed) -> str:
    return type(end).__name__
