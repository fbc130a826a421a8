"""Mutation: an architecture near another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.core.architecture import Architecture
from netwright.core.configuration import Configured
from netwright.strategies.arguments import probability

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.space import Space


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

    A decision drawn anew may stay as it was. rate: None for 1 / number of active decisions, so one on average.
    """

    def __init__(self, rate: float | None = None) -> None:
        self.rate = rate if rate is None else probability(self, "rate", rate)

    def mutate(self, space: Space, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        point = architecture.point
        active = sum(option >= 0 for option in point)
        rate = 1 / max(active, 1) if self.rate is None else self.rate
        shares = rng.random(len(point)).tolist()
        wanted = [-1 if share < rate else option for option, share in zip(point, shares, strict=True)]
        return Architecture(space, space.decisions.complete(wanted, rng))


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
