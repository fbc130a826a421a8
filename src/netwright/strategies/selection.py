"""Selection: which members of a population become parents."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from netwright.core.configuration import Configured
from netwright.strategies.arguments import whole_number

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.trial import Trial
    from netwright.strategies.ranking import Population


class Selection(Configured, ABC):
    """Who become parents. Yours is a class with `select`."""

    @abstractmethod
    def select(self, population: Population, count: int, rng: np.random.Generator) -> list[Trial]:
        """`count` parents out of a population that is not empty; one member may be taken more than once."""


class Uniform(Selection):
    """Every member with the same probability."""

    def select(self, population: Population, count: int, rng: np.random.Generator) -> list[Trial]:
        return [population.members[place] for place in _places(len(population), count, rng)]


class Tournament(Selection):
    """The best of `size` members drawn with replacement (Goldberg and Deb 1991).

    size: how many are drawn for one parent.
    """

    def __init__(self, size: int = 2) -> None:
        self.size = whole_number(self, "size", size)

    def select(self, population: Population, count: int, rng: np.random.Generator) -> list[Trial]:
        drawn = _places(len(population), count * self.size, rng)
        return [population.best(drawn[k * self.size : (k + 1) * self.size]) for k in range(count)]


class Truncation(Selection):
    """Any of the best `top` members, with the same probability (the top 10 of 50 in Guo et al. 2020).

    top: how many of the best may become parents.
    """

    def __init__(self, top: int = 10) -> None:
        self.top = whole_number(self, "top", top)

    def select(self, population: Population, count: int, rng: np.random.Generator) -> list[Trial]:
        best = population.ordered()[: self.top]
        return [best[place] for place in _places(len(best), count, rng)]


class Roulette(Selection):
    """With a probability in proportion to the score above the worst member's (Xie and Yuille 2017), so never the worst.

    With several objectives, in proportion to the number of fronts below a member's own. Where all are equally good,
    every member with the same probability.
    """

    def select(self, population: Population, count: int, rng: np.random.Generator) -> list[Trial]:
        bounds = _running_shares(population.keys)
        places = [_first_above(bounds, share) for share in rng.random(count).tolist()]
        return [population.members[place] for place in places]


def _places(size: int, count: int, rng: np.random.Generator) -> list[int]:
    return [int(share * size) for share in rng.random(count).tolist()]


def _running_shares(keys: list[Any]) -> list[float]:
    """Cumulative probabilities of the members; a score of minus infinity has none, unless all have it."""
    scores = [key[0] if isinstance(key, tuple) else key for key in keys]
    finite = [score for score in scores if math.isfinite(score)]
    worst, best = min(finite, default=0.0), max(finite, default=0.0)
    if math.inf in scores:  # infinitely better than all others
        gains = [float(score == math.inf) for score in scores]
    elif best > worst:
        gains = [(score - worst) / (best - worst) if math.isfinite(score) else 0.0 for score in scores]
    else:
        gains = [float(math.isfinite(score)) for score in scores] if finite else [1.0] * len(scores)
    total = math.fsum(gains)
    running, shares = 0.0, []
    for gain in gains:
        running += gain / total
        shares.append(running)
    return shares


def _first_above(bounds: list[float], share: float) -> int:
    """The first place whose cumulative probability exceeds `share`; the last with any where rounding leaves none."""
    for place, bound in enumerate(bounds):
        if share < bound:
            return place
    return bounds.index(bounds[-1])
