"""The ladder of fidelities that a search climbs: shares of the full budget, each `eta` times the one before."""

from __future__ import annotations

import math
from bisect import bisect, insort
from typing import TYPE_CHECKING, Literal

import numpy as np

from netwright.core.checks import is_number, refused
from netwright.core.errors import ConfigurationError
from netwright.strategies.evolution.ranking import Population, epsilon_net

if TYPE_CHECKING:
    from netwright.core.trial import Trial

KEPT = 64  # trials of a rung that are expected to be promoted some day, the best of those that were not yet

Order = Literal["crowding", "epsilon-net"]
"""Of several objectives: by front, then by crowding distance, or so that each is far from those before it."""

ROUNDING = 1e-9  # what logarithms and powers of whole numbers are off by, at most


def checked_eta(owner: object, eta: float) -> float:
    """The value; ConfigurationError unless it is a number above 1."""
    if not is_number(eta) or eta <= 1:
        raise refused(owner, "eta", eta, "a number above 1, such as 3")
    return eta


def steps_below(owner: object, least: float, eta: float) -> int:
    """How often the full budget can be divided by eta without falling below the share `least`.

    The s_max of Hyperband, floor(log_eta R), with R = 1 / least. Raises ConfigurationError unless 0 < least <= 1 / eta.
    """
    if not is_number(least) or not 0 < least <= 1:
        expected = "the smallest share of the full budget, above 0 and at most 1/eta, such as 1/27"
        raise refused(owner, "least", least, expected)
    steps = math.floor(math.log(1 / least) / math.log(eta) + ROUNDING)
    if not steps:
        raise ConfigurationError(
            f"{type(owner).__name__}: least is {least:g} and eta {eta:g}, which leaves one rung, the full budget, as "
            f"random search has; expected a least of at most 1/eta, {1 / eta:.3g}"
        )
    return steps


def shares(steps: int, eta: float) -> tuple[float, ...]:
    """The shares of `steps` + 1 rungs, the last of which is 1."""
    return tuple(eta**-step if step else 1.0 for step in range(steps, -1, -1))


def sizes(candidates: int, steps: int, eta: float) -> tuple[int, ...]:
    """How many of so many candidates reach each rung: floor(n / eta^i), but one at least."""
    return tuple(max(1, math.floor(candidates * eta**-rung + ROUNDING)) for rung in range(steps + 1))


class Rung:
    """The trials that ended at one fidelity, those that were promoted apart from those that were not."""

    def __init__(self, share: float, order: Order = "crowding") -> None:
        self.share, self._order = share, order
        self._told = 0
        self._waiting: list[tuple[float, int]] = []  # (minus score, number), the best first
        self._promoted: list[tuple[float, int]] = []
        self._trials: dict[int, Trial] = {}  # by number
        self._several = False  # whether there are several objectives

    def note(self, trial: Trial) -> None:
        self._told += 1
        if trial.completed:
            self._several = len(trial.scores) > 1
            self._trials[trial.number] = trial
            insort(self._waiting, (-trial.scores[0], trial.number))

    def promote(self, eta: float) -> Trial | None:
        """The best trial that was not promoted yet, where it is among the first floor(told / eta); None otherwise."""
        trial = self.next(eta)
        if trial is not None:
            insort(self._promoted, self._waiting.pop(0))
        return trial

    def next(self, eta: float) -> Trial | None:
        """The trial that `promote` would give, left where it is."""
        if self._several:
            self._reorder()
        if not self._waiting or bisect(self._promoted, self._waiting[0]) >= int(self._told / eta + ROUNDING):
            return None
        return self._trials[self._waiting[0][1]]

    def _reorder(self) -> None:
        """With several objectives the order is that of all trials of the rung, in place of their scores."""
        known = list(self._trials.values())
        if self._order == "epsilon-net":
            ordered = (
                [known[place] for place in epsilon_net(np.array([each.scores for each in known]))] if known else []
            )
        else:
            ordered = Population(known).ordered()
        places = {trial.number: (float(place), trial.number) for place, trial in enumerate(ordered)}
        self._waiting = sorted(places[number] for _, number in self._waiting)
        self._promoted = sorted(places[number] for _, number in self._promoted)

    def may_promote(self, number: int) -> bool:
        return any(each == number for _, each in self._waiting[:KEPT])
