"""How far a metric hangs on which test examples there are: its spread over resamples of them (Efron 1979)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from netwright.core.problem import Metric, Problem, length
from netwright.core.trees import mapped

MOST, LEAST = 200, 20  # resamples
MOST_NUMBERS = 60_000_000  # of outputs, in all resamples; a second or two
FEWEST = 10  # examples, with fewer of which resamples say nothing


def standard_error(problem: Problem, metric: Metric, outputs: Tensor, targets: Any) -> float | None:
    """Standard error of a metric by the choice of test examples; None where it cannot be had in time.

    problem, metric: what was judged, and by what.
    outputs: of all test examples, on the CPU.
    targets: of the same examples.
    """
    times = min(MOST, MOST_NUMBERS // max(1, outputs.numel()))
    if times < LEAST or len(outputs) < FEWEST:
        return None
    generator = np.random.default_rng(0)
    values = [_of(problem, metric, outputs, targets, _drawn(generator, len(outputs))) for _ in range(times)]
    found = float(np.std(values, ddof=1))
    return found if math.isfinite(found) else None


PAIRED = 100  # resamples of a difference
PAIRED_NUMBERS = 60_000_000  # of the outputs of both sides, in all resamples


def paired_interval(
    problem: Problem, metric: Metric, ours: Sequence[Tensor], theirs: Sequence[Tensor], targets: Any, value: float
) -> tuple[float, float] | None:
    """95 % interval of a difference in a metric, where both sides answered the same test examples.

    Both are judged on the same resamples, so that what is hard for both counts for neither. Of a share of the examples,
    one of them is added to either side, as the continuity correction of McNemar's test (Edwards 1948).

    problem, metric: what was judged, and by what.
    ours, theirs: outputs of each training, on the CPU, of all test examples or of the first ones.
    targets: of all test examples.
    value: the difference, ours less theirs.

    None where there are too few examples, or a metric cannot be had of a resample.
    """
    count = length(targets)
    each = sum(one[0].numel() for one in (*ours, *theirs))
    known = min(min(len(one) for one in (*ours, *theirs)), PAIRED_NUMBERS // (PAIRED * max(1, each)))
    if known < FEWEST:
        return None
    generator = np.random.default_rng(0)
    found: list[float] = []
    for _ in range(PAIRED):
        places = _drawn(generator, known)
        mine, other = (np.mean([_of(problem, metric, one, targets, places) for one in side]) for side in (ours, theirs))
        found.append(float(mine - other))
    error = float(np.std(found, ddof=1)) * math.sqrt(known / count)
    if not math.isfinite(error):
        return None
    from scipy.stats import t  # comes with scikit-learn

    half = float(t.ppf(0.975, count - 1)) * error + (1 / (count * len(ours)) if metric.of_examples else 0.0)
    return value - half, value + half


def _drawn(generator: np.random.Generator, count: int) -> Tensor:
    return torch.from_numpy(generator.integers(count, size=count))


def _of(problem: Problem, metric: Metric, outputs: Tensor, targets: Any, places: Tensor) -> float:
    tally = problem.tally()
    tally.add(outputs.index_select(0, places), mapped(lambda each: each.index_select(0, places), targets))
    return tally.figures()[metric.name]
