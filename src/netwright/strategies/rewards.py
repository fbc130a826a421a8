"""Trials as rewards from 0 to 1: what a tree search averages and what a model of the scores learns."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from netwright.core.trial import Trial

WHISKER = 1.5  # interquartile ranges below the lower quartile (Tukey 1977)


class Rewards:
    """Scales scores by the highest and the lowest so far, 1 and 0, and averages over several objectives.

    The lowest is at least 1.5 interquartile ranges below the lower quartile, so that a few networks that learnt nothing
    do not press all others together; what lies below has the reward 0, too, as have trials that did not complete. The
    quartiles are looked at again when there are half as many trials more.
    """

    def __init__(self) -> None:
        self._scales: list[Scale] = []

    def see(self, trial: Trial) -> bool:
        """Take note of a trial; whether this changes the reward of those before it."""
        if not trial.completed:
            return False
        if not self._scales:
            self._scales = [Scale() for _ in trial.scores]
        changed = [scale.see(score) for scale, score in zip(self._scales, trial.scores, strict=True)]
        return any(changed)

    def of(self, trial: Trial) -> float:
        """The reward of a trial that was seen."""
        if not trial.completed:
            return 0.0
        shares = [scale.share(score) for scale, score in zip(self._scales, trial.scores, strict=True)]
        return math.fsum(shares) / len(shares)

    def each(self, trials: Sequence[Trial]) -> list[float]:
        return [self.of(trial) for trial in trials]

    def memory(self) -> list[np.ndarray]:
        """Of each objective the range, how many scores there were at the last look at it, and the scores."""
        return [np.array([scale.low, scale.high, scale.looked, *scale.scores]) for scale in self._scales]

    def remember(self, memory: Sequence[np.ndarray]) -> None:
        """Go on from there."""
        for known in memory:
            self._scales.append(scale := Scale())
            scale.low, scale.high, looked, *scale.scores = known.tolist()
            scale.looked = int(looked)


class Scale:
    """The range of one objective's finite scores, without those far below the others."""

    def __init__(self) -> None:
        self.low, self.high = math.inf, -math.inf
        self.scores: list[float] = []  # ascending
        self.looked = 4  # how many scores there were when the quartiles were looked at

    def see(self, score: float) -> bool:
        """Take note of a score; whether the range has changed."""
        if not math.isfinite(score):
            return False
        before = self.low, self.high
        insort(self.scores, score)
        self.high = self.scores[-1]
        count = len(self.scores)
        if 2 * count >= 3 * self.looked:
            self.looked = count
            lower, upper = self.scores[count // 4], self.scores[(3 * count) // 4]
            fence = lower - WHISKER * (upper - lower)
            self.low = next(each for each in self.scores if each >= fence)
        elif count < self.looked:
            self.low = self.scores[0]
        return before != (self.low, self.high)

    def share(self, score: float) -> float:
        """Where the score lies in the range; 1/2 where nothing can be told apart yet."""
        if not math.isfinite(score):
            return float(score > 0)
        if self.high <= self.low:
            return 0.5
        return min(max((score - self.low) / (self.high - self.low), 0.0), 1.0)
