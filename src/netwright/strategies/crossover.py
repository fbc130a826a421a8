"""Crossover: one architecture out of two."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from netwright.core.architecture import Architecture
from netwright.core.configuration import Configured
from netwright.strategies.arguments import probability as checked_probability

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
        coin, share = rng.random(2).tolist()
        if coin >= self.probability:
            return first
        cut = 1 + int(share * (len(first.point) - 1))
        ours = (*first.point[:cut], *second.point[cut:])
        theirs = (*second.point[:cut], *first.point[cut:])
        wanted = [mine if mine >= 0 else other for mine, other in zip(ours, theirs, strict=True)]
        return Architecture(space, space.decisions.complete(wanted, rng))
