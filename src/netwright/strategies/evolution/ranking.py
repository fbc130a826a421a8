"""Which of several trials are better: by the score, or by front and crowding where there are several objectives.

Non-dominated sorting and crowding distance: Deb et al. 2002 (NSGA-II), sections III-A and III-B.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
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
    from moocore import pareto_rank

    return np.asarray(pareto_rank(scores, maximise=True), dtype=np.int64) if len(scores) else np.empty(0, np.int64)


def crowding_distances(scores: np.ndarray, fronts: np.ndarray) -> np.ndarray:
    """float64 (n,): how far a point's neighbours in its front are apart, summed over objectives.

    Each objective is scaled to 0..1 over the front. The ends of a front are infinitely far. A score of minus infinity
    counts as the worst finite one of its front.
    """
    distances = np.zeros(len(scores))
    for column in scores.T:
        scaled = _scaled(column, fronts)
        order = np.lexsort((scaled, fronts))  # stable: of equal ones the first
        values, starts = scaled[order], np.diff(fronts[order], prepend=-1) > 0
        is_end = starts | np.append(starts[1:], True)
        distances[order[is_end]] = np.inf
        inner = np.flatnonzero(~is_end)
        distances[order[inner]] += values[inner + 1] - values[inner - 1]
    return distances


def epsilon_net(scores: np.ndarray) -> list[int]:
    """Places of points (n, objectives), larger is better: front by front, each spread out (Salinas et al. 2021).

    Of a front the best in the first objective comes first, then always the one farthest from those that came before, by
    the Euclidean distance with each objective scaled to 0..1 over the front; of equal ones the first. The scaling and
    the first one are ours.
    """
    fronts, found = front_numbers(scores), list[int]()
    scaled = np.column_stack([_scaled(column, fronts) for column in scores.T]) if len(scores) else scores
    for number in range(int(fronts.max(initial=-1)) + 1):
        places = np.flatnonzero(fronts == number)
        chosen = [int(places[scores[places, 0].argmax()])]
        distances = np.full(len(places), np.inf)
        while len(chosen) < len(places):
            distances = np.minimum(distances, np.linalg.norm(scaled[places] - scaled[chosen[-1]], axis=1))
            distances[np.isin(places, chosen)] = -1.0
            chosen.append(int(places[distances.argmax()]))
        found += chosen
    return found


def _scaled(column: np.ndarray, fronts: np.ndarray) -> np.ndarray:
    """To 0..1 over each front; zeros where all of one are equal or none is finite."""
    low, high = (np.full(int(fronts.max(initial=0)) + 1, bound) for bound in (np.inf, -np.inf))
    finite = np.isfinite(column)
    np.minimum.at(low, fronts[finite], column[finite])
    np.maximum.at(high, fronts[finite], column[finite])
    low[~np.isfinite(low)] = high[~np.isfinite(high)] = 0.0
    width = high - low
    width[width == 0] = 1.0
    return (np.clip(column, low[fronts], high[fronts]) - low[fronts]) / width[fronts]


class _Ranking:
    """Places by their keys, ascending, while keys are added and replaced."""

    def __init__(self, keys: Sequence[float]) -> None:
        self.places = sorted(range(len(keys)), key=keys.__getitem__)
        self.keys = [keys[place] for place in self.places]

    def add(self, key: float, place: int) -> None:
        rank = bisect_right(self.keys, key)
        self.keys.insert(rank, key)
        self.places.insert(rank, place)

    def replace(self, old: float, key: float, place: int) -> None:
        rank = self.places.index(place, bisect_left(self.keys, old))
        del self.keys[rank], self.places[rank]
        self.add(key, place)

    def best_of(self, size: int, rng: np.random.Generator) -> int:
        """The first drawn of the best of `size` places drawn with replacement.

        The ranks drawn are floor(n u) for uniform u, and the largest of `size` u is distributed as the size-th root of
        one. Of places with equal keys, each is as likely to be drawn first.
        """
        keys = self.keys
        rank = min(int(len(keys) * rng.random() ** (1 / size)), len(keys) - 1)
        low = bisect_left(keys, keys[rank])
        high = bisect_right(keys, keys[rank], low)
        return self.places[rank if high - low == 1 else low + int(rng.random() * (high - low))]


def still_completed(members: Iterable[Trial], trials: Mapping[int, Trial]) -> list[Trial]:
    """The members that keep the limits of today. trials: as they are judged now, by number."""
    return [each for each in members if trials.get(each.number, each).completed]


class Population:
    """Completed trials in the order they came in, with their keys at hand."""

    def __init__(self, members: Iterable[Trial] = ()) -> None:
        self.members = list(members)
        self._keys: list[Any] | None = None
        self._ranking: _Ranking | None = None  # of the keys, where there is one objective

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
            place = len(self.members)
            self.members.append(trial)
        else:
            self.members[place] = trial
        key = trial.scores[0]
        if self._keys is None or len(trial.scores) > 1:
            self._keys = self._ranking = None  # fronts depend on everybody
        else:
            self._put_key(self._keys, key, place)

    def _put_key(self, keys: list[float], key: float, place: int) -> None:
        ranking = self._ranking
        if place == len(keys):
            keys.append(key)
            if ranking is not None:
                ranking.add(key, place)
            return
        if ranking is not None:
            ranking.replace(keys[place], key, place)
        keys[place] = key

    def best(self, places: Iterable[int]) -> Trial:
        """The best of the members in these places; of equal ones the first given."""
        return self.members[max(places, key=self.keys.__getitem__)]

    def tournament(self, size: int, rng: np.random.Generator) -> Trial:
        """The best of `size` members drawn with replacement; of equal ones the first drawn."""
        if len(self.members[0].scores) > 1:
            return self.best((rng.random(size) * len(self.members)).astype(np.intp).tolist())
        if self._ranking is None:
            self._ranking = _Ranking(self.keys)
        return self.members[self._ranking.best_of(size, rng)]

    def ordered(self) -> list[Trial]:
        """The members, best first; of equal ones the older."""
        places = sorted(range(len(self.members)), key=self.keys.__getitem__, reverse=True)
        return [self.members[place] for place in places]
