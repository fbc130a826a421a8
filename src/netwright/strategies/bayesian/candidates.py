"""Candidates: among which architectures the acquisition chooses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netwright.core.checks import probability as checked_probability
from netwright.core.checks import whole_number
from netwright.core.configuration import Configured
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.strategies.evolution.variation import Mutation, OneDecision

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.strategies.bayesian.asked import Asked

PATIENCE = 5  # tries for each candidate that is wanted
TRIES = 100  # for a single one
_ONE = OneDecision()


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known when candidates are made.

    ranked: the evaluated architectures, best first.
    values: theirs.
    asked: what must not be asked again.
    score: the acquisition of architectures.
    times: how many times the usual number of candidates a larger round wants.
    """

    space: Space
    ranked: Sequence[Architecture]
    values: Sequence[float]
    asked: Asked
    score: Callable[[Sequence[Architecture]], np.ndarray]
    times: float = 1.0


@dataclass(slots=True)
class Found:
    """New architectures, one of each canonical form, none of which was asked."""

    standing: Standing
    by_key: dict[Hashable, Architecture] = field(default_factory=dict)

    def add(self, architecture: Architecture) -> bool:
        """Whether this one is new."""
        key = self.standing.asked.key_of(architecture)
        if key in self.by_key or key in self.standing.asked:
            return False
        self.by_key[key] = architecture
        return True

    def fill(self, architectures: Iterable[Architecture], size: int) -> None:
        """Add until there are so many."""
        for each in architectures:
            if len(self.by_key) >= size:
                return
            self.add(each)

    @property
    def architectures(self) -> list[Architecture]:
        return list(self.by_key.values())


class Candidates(Configured, ABC):
    """Where architectures to compare come from. Yours is a class with `propose`."""

    @abstractmethod
    def propose(self, standing: Standing, rng: np.random.Generator) -> list[Architecture]:
        """Different architectures that were not asked; perhaps none, where nearly everything was."""


class RandomPool(Candidates):
    """`size` random architectures however large the round is; all of a space that has no more.

    size: how many.
    """

    def __init__(self, size: int = 1000) -> None:
        self.size = whole_number(self, "size", size)

    def propose(self, standing: Standing, rng: np.random.Generator) -> list[Architecture]:
        space, found = standing.space, Found(standing)
        if isinstance(space, DecisionSpace) and space.size <= self.size:
            found.fill(space.enumerate(), self.size)
        else:
            found.fill((space.sample(rng) for _ in range(PATIENCE * self.size)), self.size)
        return found.architectures


class NowAndThenRandom(Candidates):
    """Now and then a single random architecture, which is then asked whatever is predicted of it; otherwise the others.

    candidates: where the others come from.
    probability: of a random one in each round.
    """

    def __init__(self, candidates: Candidates, probability: float = 0.1) -> None:
        self.candidates = candidates
        self.probability = checked_probability(self, "probability", probability)

    def propose(self, standing: Standing, rng: np.random.Generator) -> list[Architecture]:
        if rng.random() >= self.probability:
            return self.candidates.propose(standing, rng)
        found = Found(standing)
        found.fill((standing.space.sample(rng) for _ in range(TRIES)), 1)
        return found.architectures


class MutationsOfBest(Candidates):
    """Mutations of the best architectures so far, as BANANAS has them (White et al. 2021).

    size: how many.
    parents: of how many of the best; where their mutations were asked already, more of the ranking follows.
    mutation: how.
    random: so many of them are random architectures instead.
    """

    def __init__(self, size: int = 100, parents: int = 10, mutation: Mutation = _ONE, random: int = 0) -> None:
        self.size = whole_number(self, "size", size)
        self.parents = whole_number(self, "parents", parents)
        self.mutation = mutation
        self.random = whole_number(self, "random", random, least=0)
        if random > size:
            raise ConfigurationError(f"MutationsOfBest: random is {random}; expected at most the size, {size}")

    def propose(self, standing: Standing, rng: np.random.Generator) -> list[Architecture]:
        found = Found(standing)
        space, each = standing.space, -(-max(self.size - self.random, 1) // self.parents)
        size, parents, random = (round(standing.times * count) for count in (self.size, self.parents, self.random))
        for parent in standing.ranked[: PATIENCE * parents]:
            if space.size == 1:
                break
            children = (self.mutation.mutate(space, parent, rng) for _ in range(each))
            found.fill(children, size - random)
        found.fill((space.sample(rng) for _ in range(PATIENCE * random)), len(found.by_key) + random)
        return found.architectures
