"""Which of several trials are better: by the score, or by front and crowding where there are several objectives.

Non-dominated sorting and crowding distance: Deb et al. 2002 (NSGA-II), sections III-A and III-B.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from netwright.core.trial import Trial


def keys(trials: Sequence[Trial]) -> list[Any]:
    """A sort key for each completed trial, larger is better.

    One objective: its score. Several: (minus the number of its front, crowding distance), the best front being 0.
    """
    if not trials or len(trials[0].scores) == 1:
        return [trial.scores[0] for trial in trials]
    scores = np.array([trial.scores for trial in trials])
    fronts = front_numbers(scores)
    return list(zip((-fronts).tolist(), crowding_distances(scores, fronts).tolist(), strict=True))


def front_numbers(scores: np.ndarray) -> np.ndarray:
    """int64 (n,): 0 for points (n, objectives) that nothing dominates, 1 for those that only front 0 does, ..."""
    n = len(scores)
    at_least, better = np.ones((n, n), dtype=bool), np.zeros((n, n), dtype=bool)
    for column in scores.T:
        at_least &= column[:, None] >= column[None, :]
        better |= column[:, None] > column[None, :]
    dominates = at_least & better
    dominators = dominates.sum(axis=0)
    fronts = np.full(n, -1, dtype=np.int64)
    number = 0
    while (current := (dominators == 0) & (fronts < 0)).any():
        fronts[current] = number
        dominators = dominators - dominates[current].sum(axis=0)
        number += 1
    return fronts


def crowding_distances(scores: np.ndarray, fronts: np.ndarray) -> np.ndarray:
    """float64 (n,): how far a point's neighbours in its front are apart, summed over objectives scaled to 0..1.

    The ends of a front are infinitely far. A score of minus infinity counts as the worst finite one.
    """
    distances = np.zeros(len(scores))
    for column in scores.T:
        finite = column[np.isfinite(column)]
        low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
        scaled = (np.clip(column, low, high) - low) / ((high - low) or 1.0)
        for number in range(int(fronts.max()) + 1):
            own = np.flatnonzero(fronts == number)
            order = own[np.argsort(scaled[own], kind="stable")]
            distances[order[[0, -1]]] = np.inf
            distances[order[1:-1]] += scaled[order[2:]] - scaled[order[:-2]]
    return distances


class Population:
    """Completed trials in the order they came in, with their keys at hand."""

    def __init__(self, members: Iterable[Trial] = ()) -> None:
        self.members = list(members)
        self._keys: list[Any] | None = None
        self._scores: np.ndarray | None = None  # the keys as float64, where there is one objective

    def __len__(self) -> int:
        return len(self.members)

    @property
    def keys(self) -> list[Any]:
        """A sort key for each member, larger is better."""
        if self._keys is None:
            self._keys = keys(self.members)
        return self._keys

    def put(self, trial: Trial, place: int | None = None) -> None:
        """Add a trial at the end, or in the place of another."""
        if place is None:
            self.members.append(trial)
        else:
            self.members[place] = trial
        key = trial.scores[0]
        if self._keys is None or len(trial.scores) > 1:
            self._keys = self._scores = None  # fronts depend on everybody
        elif place is None:
            self._keys.append(key)
            self._scores = None
        else:
            self._keys[place] = key
            if self._scores is not None:
                self._scores[place] = key

    def best(self, places: Iterable[int]) -> Trial:
        """The best of the members in these places; of equal ones the first given."""
        return self.members[max(places, key=self.keys.__getitem__)]

    def tournament(self, size: int, rng: np.random.Generator) -> Trial:
        """The best of `size` members drawn with replacement; of equal ones the first drawn."""
        places = (rng.random(size) * len(self.members)).astype(np.intp)
        if len(self.members[0].scores) > 1:
            return self.best(places.tolist())
        if self._scores is None:
            self._scores = np.array(self.keys, dtype=np.float64)
        return self.members[places[self._scores[places].argmax()]]

    def ordered(self) -> list[Trial]:
        """The members, best first; of equal ones the older."""
        places = sorted(range(len(self.members)), key=self.keys.__getitem__, reverse=True)
        return [self.members[place] for place in places]
