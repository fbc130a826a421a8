"""Survival: which of the parents and their offspring make up the next population."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.core.configuration import Configured
from netwright.core.errors import ConfigurationError
from netwright.strategies.arguments import whole_number
from netwright.strategies.ranking import Population

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.trial import Trial


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

    offspring: lambda; None for as many as the population. Where too few offspring completed, the best parents fill
    the places left.
    elites: how many of the best parents live on.
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
