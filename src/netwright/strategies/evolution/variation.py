"""Variation: a child of two architectures by crossover, and one near another by mutation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.core.architecture import Architecture
from netwright.core.checks import probability as checked_probability
from netwright.core.configuration import Configured
from netwright.core.decision_space import DecisionSpace, with_decisions

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.space import Space


class Crossover(Configured, ABC):
    """How a child is made of its parents. Yours is a class with `cross`."""

    parents: int = 2

    @abstractmethod
    def cross(self, space: Space, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """A child that answers each decision like one of its parents; what neither answers is drawn."""


class NoCrossover(Crossover):
    """The first parent as it is."""

    parents = 1

    def cross(self, space: Space, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        return first


class UniformCrossover(Crossover):
    """Each decision from either parent with equal probability (Syswerda 1989).

    probability: how often two parents are crossed at all; otherwise the child is the first of them.
    """

    def __init__(self, probability: float = 1.0) -> None:
        self.probability = checked_probability(self, "probability", probability)

    def cross(self, space: Space, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        if self.probability < 1 and rng.random() >= self.probability:
            return first
        return space.crossover(first, second, rng)


class OnePointCrossover(Crossover):
    """The decisions before a random place from the first parent, those after it from the second (Holland 1975).

    Where only one parent answers a decision, the child answers like that one.
    probability: how often two parents are crossed at all; otherwise the child is the first of them.
    """

    def __init__(self, probability: float = 1.0) -> None:
        self.probability = checked_probability(self, "probability", probability)

    def cross(self, space: Space, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        decided = with_decisions(self, space)
        coin, share = rng.random(2).tolist()
        if coin >= self.probability:
            return first
        mother, father = decided.indices(first), decided.indices(second)
        cut = 1 + int(share * (len(mother) - 1))
        ours = (*mother[:cut], *father[cut:])
        theirs = (*father[:cut], *mother[cut:])
        wanted = [mine if mine >= 0 else other for mine, other in zip(ours, theirs, strict=True)]
        return decided.from_indices(decided.decisions.complete(wanted, rng), check=False)


class Mutation(Configured, ABC):
    """What changes an architecture. Yours is a class with `mutate`."""

    @abstractmethod
    def mutate(self, space: Space, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """An architecture that differs from the one given in some decisions, or in none."""


class NoMutation(Mutation):
    """The architecture as it is: all variation comes from crossover."""

    def mutate(self, space: Space, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        return architecture


class OneDecision(Mutation):
    """Changes exactly one active decision, and draws what this activates (Real et al. 2019)."""

    def mutate(self, space: Space, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        return space.mutate(architecture, rng)


class EachDecision(Mutation):
    """Draws each active decision anew with probability `rate`, and whatever this activates.

    A decision drawn anew may stay as it was.

    rate: None for 1 / number of active decisions, so one on average; in a space without decisions, one change.
    """

    def __init__(self, rate: float | None = None) -> None:
        self.rate = rate if rate is None else checked_probability(self, "rate", rate)

    def mutate(self, space: Space, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        if self.rate is None and not isinstance(space, DecisionSpace):
            return space.mutate(architecture, rng)
        decided = with_decisions(self, space)
        point = decided.indices(architecture)
        active = sum(option >= 0 for option in point)
        rate = 1 / max(active, 1) if self.rate is None else self.rate
        shares = rng.random(len(point)).tolist()
        wanted = [-1 if share < rate else option for option, share in zip(point, shares, strict=True)]
        return decided.from_indices(decided.decisions.complete(wanted, rng), check=False)


class Successive(Mutation):
    """Several mutations, one after the other.

    mutations: in the order in which they are made.
    """

    def __init__(self, mutations: Sequence[Mutation]) -> None:
        self.mutations = tuple(mutations)

    def mutate(self, space: Space, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        for each in self.mutations:
            architecture = each.mutate(space, architecture, rng)
        return architecture
