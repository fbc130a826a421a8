"""What a controller is rewarded with for a trial: one number, whatever the search's objectives are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netwright.core.objective import Objective
from netwright.strategies.rewards import Rewards

if TYPE_CHECKING:
    from netwright.core.trial import State, Trial

SCALED = "scaled"
NOT_OF_THE_NETWORK: tuple[State, ...] = ("lost", "cancelled")  # what the architecture has no part in


class RewardOf:
    """Gives the rewards of trials, larger is better.

    expression: "scaled" for the mean of the scores of all objectives, each from 0 to 1 between the lowest and the
        highest so far, without those far below; or a combination as objectives take it, of the trial's metrics and of
        `score`, that of the search's first objective, larger is better. With ":minimize" it is to be small.

    A trial that failed has the lowest reward so far. Of one that was lost or cancelled nothing is learnt, nor of a
    failure before there was a reward.
    """

    def __init__(self, expression: str = SCALED) -> None:
        self._objective = None if expression == SCALED else Objective.parse(expression)
        if self._objective is not None:
            self._objective.needs()  # UserError where it cannot be read
        self._rewards = Rewards()
        self._lowest = math.inf

    def see(self, trial: Trial) -> float | None:
        """Take note of a trial: the value that `of` wants with it; None where nothing is to be learnt from it."""
        self._rewards.see(trial)
        if trial.state in NOT_OF_THE_NETWORK:
            return None
        if self._objective is None or not trial.completed:
            return 0.0
        value = self._objective.score({**trial.metrics, "score": trial.scores[0]})
        if math.isfinite(value):
            self._lowest = min(self._lowest, value)
        return value

    def of(self, trial: Trial, value: float) -> float | None:
        """The reward of a trial that was seen, by what was seen so far; None where there is none yet."""
        if self._objective is None:
            return self._rewards.of(trial)
        if trial.completed and math.isfinite(value):
            return value
        return self._lowest if math.isfinite(self._lowest) else None

    def memory(self) -> dict[str, Any]:
        """What it knows of the trials so far."""
        return {"scales": self._rewards.memory(), "lowest": self._lowest if math.isfinite(self._lowest) else None}

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._rewards.remember(memory["scales"])
        self._lowest = math.inf if memory["lowest"] is None else float(memory["lowest"])
