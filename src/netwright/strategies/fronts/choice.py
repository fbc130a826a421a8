"""Which candidates are worth most to a front, by what is predicted of each objective."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr

from netwright.core.configuration import Configured
from netwright.core.fronts import BEYOND
from netwright.strategies.evolution.ranking import crowding_distances, front_numbers


class FrontChoice(Configured, ABC):
    """Chooses among candidates. Yours is a class with `choose`."""

    @abstractmethod
    def choose(self, mean: np.ndarray, deviation: np.ndarray, known: np.ndarray, count: int) -> list[int]:
        """The places of at most `count` candidates, the best first.

        mean, deviation: float64 (n, objectives), what is predicted of each, larger is better.
        known: float64 (k, objectives), the scores so far, with those predicted of what is being evaluated.
        """


class HypervolumeImprovement(FrontChoice):
    """By how much a candidate is expected to raise the hypervolume, as though those before it were measured (EHVI).

    Emmerich et al. (2006). Several are chosen one after the other, each believing the predicted means of those before.
    The reference point is a tenth of the front's range below its worst.
    """

    def choose(self, mean: np.ndarray, deviation: np.ndarray, known: np.ndarray, count: int) -> list[int]:
        front, chosen = known[front_numbers(known) == 0], list[int]()
        low, high = front.min(axis=0), front.max(axis=0)
        width = np.where(high > low, high - low, np.maximum(known.max(axis=0) - known.min(axis=0), 1e-12))
        reference = low - BEYOND * width
        for _ in range(min(count, len(mean))):
            values = expected_improvement(mean, deviation, front, reference)
            values[chosen] = -np.inf
            chosen.append(int(values.argmax()))
            front = np.vstack((front, mean[chosen[-1]]))
            front = front[front_numbers(front) == 0]
        return chosen


class PredictedFront(FrontChoice):
    """Those on the front of what is predicted, the least crowded first, then those on the next (Dong et al. 2018).

    How sure a prediction is plays no part.
    """

    def choose(self, mean: np.ndarray, deviation: np.ndarray, known: np.ndarray, count: int) -> list[int]:
        return by_front(mean)[:count]


def by_front(scores: np.ndarray) -> list[int]:
    """The places of the scores (n, objectives) by front, then by crowding distance (Deb et al. 2002); stable."""
    fronts = front_numbers(scores)
    return np.lexsort((-crowding_distances(scores, fronts), fronts)).tolist()


def expected_improvement(
    mean: np.ndarray, deviation: np.ndarray, front: np.ndarray, reference: Sequence[float] | np.ndarray
) -> np.ndarray:
    """float64 (n,): the expected gain in hypervolume of points that are normal and independent in each objective.

    The gain is the measure of what a point dominates beyond the front, so its expectation is the integral, over all
    that the front does not dominate, of the probability that the point is above. In strips of the first objective that
    integral is a product of E[(f - a)+] - E[(f - b)+] and the same in the objectives left.

    mean, deviation: (n, objectives), larger is better.
    front: (k, objectives), points that may dominate each other.
    reference: (objectives,), below which nothing counts.
    """
    reference = np.asarray(reference, dtype=np.float64)
    above = front[(front > reference).all(axis=1)]
    if mean.shape[1] == 1:
        return _above(mean[:, 0], deviation[:, 0], max([float(reference[0]), *above[:, 0].tolist()]))
    edges = [float(reference[0]), *np.unique(above[:, 0]).tolist()]
    found = np.zeros(len(mean))
    gains = [_above(mean[:, 0], deviation[:, 0], edge) for edge in edges]
    for place, edge in enumerate(edges):
        upper = gains[place + 1] if place + 1 < len(edges) else 0.0
        behind = above[above[:, 0] > edge][:, 1:]  # what bounds the strip in the other objectives
        found += (gains[place] - upper) * expected_improvement(mean[:, 1:], deviation[:, 1:], behind, reference[1:])
    return np.maximum(found, 0.0)


def _above(mean: np.ndarray, deviation: np.ndarray, bound: float) -> np.ndarray:
    """E[(f - bound)+] of normal f."""
    gain, deviation = mean - bound, np.maximum(deviation, 1e-300)
    z = gain / deviation
    density = np.exp(-0.5 * np.clip(z, -40, 40) ** 2) / np.sqrt(2 * np.pi)
    return np.maximum(gain * ndtr(z) + deviation * density, 0.0)
