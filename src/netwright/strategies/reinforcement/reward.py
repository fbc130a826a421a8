"""What a controller is rewarded with for a trial: one number, whatever the search's objectives are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.objective import Objective
from netwright.strategies.reinforcement.topology import Likeness, density
from netwright.strategies.rewards import Rewards

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netwright.core.space import Space
    from netwright.core.trial import State, Trial

SCALED = "scaled"
NOT_OF_THE_NETWORK: tuple[State, ...] = ("lost", "cancelled")  # what the architecture has no part in
Facts = tuple[float, ...]
"""What the reward of a trial follows from, beside its scores."""


def as_array(rows: Sequence[Facts]) -> NDArray[np.float64]:
    """The facts of some trials, float64 (n, facts), to be kept."""
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(rows[0]) if rows else 0)


class RewardOf:
    """Gives the rewards of trials, larger is better.

    space: that is searched.
    expression: a combination as objectives take it, of the trial's metrics and of `scaled`, the mean of the scores of
        all objectives, each from 0 to 1 between the lowest and the highest so far, without those far below; `score`,
        that of the first objective, larger is better; `density`, edges for each node of the architecture's graph; and
        `likeness`, how like it is to the expert's. With ":minimize" it is to be small.
    expert: for `likeness`, a name in `topology.EXPERTS`, or an architecture of the space as text.

    A trial that failed has the lowest reward so far. Of one that was lost or cancelled nothing is learnt, nor of a
    failure before there was a reward.
    """

    def __init__(self, space: Space, expression: str = SCALED, expert: str = "resnext") -> None:
        self._objective = Objective.parse(expression)
        needs = self._objective.needs()  # UserError where it cannot be read
        self._names = tuple(each for each in needs if each != SCALED)
        self._plain = self._objective == Objective(SCALED)
        self._likeness = Likeness(expert, space) if "likeness" in needs else None
        self._rewards = Rewards()
        self._lowest = math.inf

    def see(self, trial: Trial) -> Facts | None:
        """Take note of a trial: what `of` wants with it; None where nothing is to be learnt from it."""
        self._rewards.see(trial)
        if trial.state in NOT_OF_THE_NETWORK:
            return None
        if self._plain or not trial.completed:
            return (0.0,) * len(self._names)
        known = {**trial.metrics, "score": trial.scores[0], SCALED: self._rewards.of(trial)}
        if "density" in self._names:
            known["density"] = density(trial.architecture.space.graph(trial.architecture))
        if self._likeness is not None:
            known["likeness"] = self._likeness.see(trial.architecture)
        reward = self._objective.score(known)
        if math.isfinite(reward):
            self._lowest = min(self._lowest, reward)
        return tuple(float(known[name]) for name in self._names)

    def of(self, trial: Trial, facts: Facts) -> float | None:
        """The reward of a trial that was seen, by what was seen so far; None where there is none yet."""
        scaled = self._rewards.of(trial)
        if self._plain:
            return scaled
        if trial.completed:
            reward = self._objective.score({SCALED: scaled, **dict(zip(self._names, facts, strict=True))})
            if math.isfinite(reward):
                return reward
        return self._lowest if math.isfinite(self._lowest) else None

    def memory(self) -> dict[str, Any]:
        """What it knows of the trials so far."""
        return {
            "scales": self._rewards.memory(),
            "lowest": self._lowest if math.isfinite(self._lowest) else None,
            "likeness": None if self._likeness is None else self._likeness.memory(),
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._rewards.remember(memory["scales"])
        self._lowest = math.inf if memory["lowest"] is None else float(memory["lowest"])
        if self._likeness is not None:
            self._likeness.remember(memory["likeness"])
