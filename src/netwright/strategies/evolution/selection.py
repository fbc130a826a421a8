"""Selection and survival: which members of a population become parents, and who make up the next one."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from netwright.core.checks import share as checked_share
from netwright.core.checks import whole_number
from netwright.core.configuration import Configured
from netwright.core.errors import ConfigurationError, SpaceExhausted
from netwright.strategies.evolution.ranking import Population

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.trial import Trial


class Selection(Configured, ABC):
    """Who become parents. Yours is a class with `select`."""

    @abstractmethod
    def select(self, population: Population, count: int, rng: np.random.Generator) -> list[Trial]:
        """`count` parents out of a population that is not empty; one member may be taken more than once."""

    def contest(self, population: Population, count: int, rng: np.random.Generator) -> tuple[list[Trial], list[Trial]]:
        """The parents, and those who lost to them and leave a population that is full; by default nobody does."""
        return self.select(population, count, rng), []


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


class TournamentOfShare(Selection):
    """The best of a share of the population, drawn with replacement, so that contests grow with it (Liu et al. 2018).

    share: of the members who are drawn for one parent, at least two; 0.05 in the paper.
    """

    def __init__(self, share: float = 0.05) -> None:
        self.share = checked_share(self, "share", share)

    def select(self, population: Population, count: int, rng: np.random.Generator) -> list[Trial]:
        return Tournament(max(2, round(self.share * len(population)))).select(population, count, rng)


class PairwiseTournament(Selection):
    """The better of two members is the parent, and the worse one dies at once (Real et al. 2017).

    Of equals the older one dies. Nobody dies while there is room, which trials leave that did not complete.
    """

    def select(self, population: Population, count: int, rng: np.random.Generator) -> list[Trial]:
        return self.contest(population, count, rng)[0]

    def contest(self, population: Population, count: int, rng: np.random.Generator) -> tuple[list[Trial], list[Trial]]:
        pairs = [self._pair(population, rng) for _ in range(count)]
        winners = [population.members[better] for better, _ in pairs]
        alive = {each.number for each in winners}
        losers = [population.members[worse] for better, worse in pairs if better != worse]
        return winners, [each for each in losers if each.number not in alive]

    def _pair(self, population: Population, rng: np.random.Generator) -> tuple[int, int]:
        """The places of the better and the worse of two different members; the only one twice."""
        if len(population) == 1:
            return 0, 0
        first, second = sorted(rng.choice(len(population), 2, replace=False).tolist())
        keys = population.keys
        return (first, second) if keys[first] > keys[second] else (second, first)


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


class Survivor(Configured, ABC):
    """Who live on. Yours is a class with `survivors`."""

    def brood(self, size: int) -> int:
        """How many are born before the next population of `size` is made up; 0: each is taken in when it is known."""
        return 0

    @abstractmethod
    def survivors(
        self, parents: Sequence[Trial], offspring: Sequence[Trial], size: int, rng: np.random.Generator
    ) -> list[Trial]:
        """At most `size` completed trials out of both; each list is in the order in which the trials came in."""


class _WholeBrood(Survivor):
    """A generation of `offspring` is born and judged before the next population is made up."""

    def __init__(self, offspring: int | None = None) -> None:
        self.offspring = offspring if offspring is None else whole_number(self, "offspring", offspring)

    def brood(self, size: int) -> int:
        return size if self.offspring is None else self.offspring


class Elitist(_WholeBrood):
    """(mu + lambda): the best of parents and offspring together; of equal ones the older (Deb et al. 2002).

    offspring: lambda; None for as many as the population.
    """

    def survivors(
        self, parents: Sequence[Trial], offspring: Sequence[Trial], size: int, rng: np.random.Generator
    ) -> list[Trial]:
        return Population((*parents, *offspring)).ordered()[:size]


class Generational(_WholeBrood):
    """(mu, lambda): the best of the offspring replace their parents, of whom the best `elites` live on.

    offspring: lambda; None for as many as the population.
    elites: how many of the best parents live on.

    Where too few offspring completed, the best parents fill the places left.
    """

    def __init__(self, offspring: int | None = None, elites: int = 0) -> None:
        super().__init__(offspring)
        self.elites = whole_number(self, "elites", elites, least=0)

    def survivors(
        self, parents: Sequence[Trial], offspring: Sequence[Trial], size: int, rng: np.random.Generator
    ) -> list[Trial]:
        old = Population(parents).ordered()
        kept = min(self.elites, len(old), size)
        young = Population(offspring).ordered()[: size - kept]
        return [*old[: size - len(young)], *young]


class OldestDies(Survivor):
    """Each child takes the place of the oldest member, however good that is (Real et al. 2019)."""

    def survivors(
        self, parents: Sequence[Trial], offspring: Sequence[Trial], size: int, rng: np.random.Generator
    ) -> list[Trial]:
        return [*parents, *offspring][-size:]


class NobodyDies(Survivor):
    """All live on, so that the population grows without end (Liu et al. 2018); or who die is decided by selection."""

    def survivors(
        self, parents: Sequence[Trial], offspring: Sequence[Trial], size: int, rng: np.random.Generator
    ) -> list[Trial]:
        return [*parents, *offspring]


class NeutralDrift(_WholeBrood):
    """(1 + lambda): the best child takes its parent's place where it is better; otherwise the parent drifts.

    It drifts by the space's own mutation called "neutral", which leaves the network as it is, so that later mutations
    start elsewhere (Suganuma et al. 2017). Where the space has none, a child as good as its parent takes its place.

    offspring: lambda; 2 in the paper, as there were two GPUs.
    """

    def __init__(self, offspring: int = 2) -> None:
        super().__init__(offspring)

    def survivors(
        self, parents: Sequence[Trial], offspring: Sequence[Trial], size: int, rng: np.random.Generator
    ) -> list[Trial]:
        ranked = Population((*parents, *offspring)).ordered()[:size]
        old = {each.number for each in parents}
        return [self._drifted(each, ranked, offspring, rng) if each.number in old else each for each in ranked]

    def _drifted(
        self, parent: Trial, ranked: Sequence[Trial], offspring: Sequence[Trial], rng: np.random.Generator
    ) -> Trial:
        """The parent with another architecture of the same network, or a child that is as good."""
        architecture = parent.architecture
        neutral = architecture.space.mutations.get("neutral")
        if neutral is None:
            taken = {each.number for each in ranked}
            equal = (each for each in offspring if each.scores == parent.scores and each.number not in taken)
            return next(equal, parent)
        try:
            changed = neutral(architecture, rng)
        except SpaceExhausted:  # every part of it counts
            return parent
        return replace(parent, proposal=replace(parent.proposal, candidate=changed))


class WorstDies(Survivor):
    """Each child takes the place of the worst of `sample` random members; None for the worst of all.

    sample=2 with Tournament(2) as selection is the pairwise tournament of Real et al. 2017, with one pair drawn for
    birth and another for death.

    sample: of how many random members the worst is replaced; None for all.
    """

    def __init__(self, sample: int | None = None) -> None:
        if sample is not None and whole_number(self, "sample", sample) < 2:
            raise ConfigurationError("WorstDies: sample=1 kills at random; expected at least 2, or None for all")
        self.sample = sample

    def survivors(
        self, parents: Sequence[Trial], offspring: Sequence[Trial], size: int, rng: np.random.Generator
    ) -> list[Trial]:
        alive = list(parents)
        for child in offspring:
            if len(alive) >= size:
                del alive[self._worst(alive, rng)]
            alive.append(child)
        return alive

    def _worst(self, alive: Sequence[Trial], rng: np.random.Generator) -> int:
        keys = Population(alive).keys
        if self.sample is None:
            return min(range(len(alive)), key=keys.__getitem__)
        drawn = [int(share * len(alive)) for share in rng.random(self.sample).tolist()]
        return min(drawn, key=keys.__getitem__)
