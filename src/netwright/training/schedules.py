"""The learning rate as a closed form of the step, so that resuming needs no scheduler state."""

from __future__ import annotations

import math

from netwright.training.settings import TrainingSettings

ONE_CYCLE_RISE = 0.3
"""Share of the steps in which "one_cycle" rises."""
ONE_CYCLE_START = 25.0
""""one_cycle" starts at the learning rate divided by this."""


def learning_rate(settings: TrainingSettings, step: float, steps: int) -> float:
    """Learning rate of step `step` (from 0) out of `steps`; a fraction where a schedule is hurried to its end.

    cosine: Loshchilov and Hutter (2017), one period. linear: along a line. one_cycle: Smith and Topin (2018), both
    halves cosine.
    """
    peak, end = settings.learning_rate, settings.minimum_learning_rate
    if settings.schedule == "one_cycle":
        return _one_cycle(peak, end, step, steps)
    rising = round(settings.warm_up * steps)
    if step < rising:
        return peak * (step + 1) / (rising + 1)
    if settings.schedule == "constant":
        return peak
    share = (step - rising) / max(1, steps - rising)
    return peak + (end - peak) * share if settings.schedule == "linear" else _cosine(peak, end, share)


def drop_path_probability(settings: TrainingSettings, epoch: int) -> float:
    """Probability of dropping a path in epoch `epoch` (from 0): linear from 0 to `drop_path` (Zoph et al. 2018)."""
    return settings.drop_path * epoch / max(1, settings.epochs - 1)


def _one_cycle(peak: float, end: float, step: float, steps: int) -> float:
    top = max(1.0, ONE_CYCLE_RISE * steps - 1)
    if step <= top:
        return _cosine(peak / ONE_CYCLE_START, peak, step / top)
    return _cosine(peak, end, (step - top) / max(1.0, steps - 1 - top))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
