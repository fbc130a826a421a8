"""How far a metric hangs on which test examples there are: its spread over resamples of them (Efron 1979)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from netwright.core.problem import Problem
from netwright.core.trees import mapped

MOST, LEAST = 200, 25  # resamples
MOST_NUMBERS = 200_000_000  # of outputs, in all resamples; a second or two
FEWEST = 10  # examples, with fewer of which resamples say nothing


def standard_error(problem: Problem, outputs: Tensor, targets: Any) -> float | None:
    """Standard error of the problem's main metric by the choice of test examples; None where it cannot be had in time.

    outputs: of all test examples, on the CPU.
    targets: of the same examples.
    """
    times = min(MOST, MOST_NUMBERS // max(1, outputs.numel()))
    if times < LEAST or len(outputs) < FEWEST:
        return None
    generator = np.random.default_rng(0)
    values = [_of(problem, outputs, targets, _drawn(generator, len(outputs))) for _ in range(times)]
    found = float(np.std(values, ddof=1))
    return found if math.isfinite(found) else None


def _drawn(generator: np.random.Generator, count: int) -> Tensor:
    return torch.from_numpy(generator.integers(count, size=count))


def _of(problem: Problem, outputs: Tensor, targets: Any, places: Tensor) -> float:
    tally = problem.tally()
    tally.add(outputs.index_select(0, places), mapped(lambda each: each.index_select(0, places), targets))
    return tally.figures()[problem.main.name]
