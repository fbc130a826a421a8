"""Variation: a child of two architectures by crossover, and one near another by mutation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.checks import probability as checked_probability
from netwright.core.configuration import Configured
from netwright.core.decision_space import DecisionSpace, with_decisions
from netwright.core.errors import ConfigurationError, SpaceExhausted, nearest

if TYPE_CHECKING:
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


def phases_of(space: DecisionSpace) -> list[int]:
    """Of each decision which part of the network it stands in, from 0: where names begin alike up to the first "/"."""
    names = [each.name.partition("/")[0] for each in space.decisions]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return [numbers[name] for name in names]


class GroupCrossover(Crossover):
    """Whole parts of the network from the second parent, others from the first (Xie and Yuille 2017).

    A part is what the decisions stand in whose names begin alike up to the first "/", as "stage2/...".
    probability: how often two parents are crossed at all; p_C in the paper.
    exchange: probability with which each part comes from the second parent; q_C in the paper.
    """

    def __init__(self, probability: float = 0.2, exchange: float = 0.2) -> None:
        self.probability = checked_probability(self, "probability", probability)
        self.exchange = checked_probability(self, "exchange", exchange)

    def cross(self, space: Space, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        decided = with_decisions(self, space)
        if rng.random() >= self.probability:
            return first
        groups = phases_of(decided)
        exchanged = {group for group, draw in enumerate(rng.random(max(groups) + 1)) if draw < self.exchange}
        ours, theirs = decided.indices(first), decided.indices(second)
        wanted = [
            other if group in exchanged and other >= 0 else mine
            for group, mine, other in zip(groups, ours, theirs, strict=True)
        ]
        return decided.from_indices(decided.decisions.complete(wanted, rng), check=False)


class BitCrossover(Crossover):
    """What the parents have in common, and as many of their other ones as lie between theirs (Lu et al. 2019).

    Where both parents set a bit alike, the child does; of the bits in which they differ, so many are set, drawn alike,
    that the child has no more of them than one parent and no fewer than the other, and is thus about as complex. A
    decision that is not of 0 and 1, and one that a parent does not answer, comes from either parent.

    probability: how often two parents are crossed at all; 0.9 in the paper.
    """

    def __init__(self, probability: float = 0.9) -> None:
        self.probability = checked_probability(self, "probability", probability)

    def cross(self, space: Space, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        decided = with_decisions(self, space)
        if rng.random() >= self.probability:
            return first
        ours, theirs = decided.indices(first), decided.indices(second)
        wanted = [
            mine if other < 0 or (mine >= 0 and coin < 0.5) else other
            for mine, other, coin in zip(ours, theirs, rng.random(len(ours)).tolist(), strict=True)
        ]
        bits = [
            place
            for place, (each, pair) in enumerate(zip(decided.decisions, zip(ours, theirs, strict=True), strict=True))
            if tuple(each.options) == (0, 1) and sorted(pair) == [0, 1]
        ]
        fewest, most = sorted((sum(ours[place] for place in bits), sum(theirs[place] for place in bits)))
        count = fewest + int(rng.random() * (most - fewest + 1))
        for rank, which in enumerate(rng.permutation(len(bits)).tolist()):
            wanted[bits[which]] = int(rank < count)
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


class FlipEach(Mutation):
    """Changes each active decision to another option with probability `rate` (Xie and Yuille 2017).

    rate: q_M in the paper, where decisions are bits.
    probability: how often an architecture is mutated at all; p_M in the paper.
    """

    def __init__(self, rate: float = 0.05, probability: float = 0.8) -> None:
        self.rate = checked_probability(self, "rate", rate)
        self.probability = checked_probability(self, "probability", probability)

    def mutate(self, space: Space, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        decided = with_decisions(self, space)
        if rng.random() >= self.probability:
            return architecture
        point = list(decided.indices(architecture))
        draws = rng.random((len(point), 2)).tolist()
        for place, (each, (draw, which)) in enumerate(zip(decided.decisions, draws, strict=True)):
            others = len(each.options) - 1
            if point[place] >= 0 and draw < self.rate and others:
                found = int(which * others)
                point[place] = found + (found >= point[place])
        return decided.from_indices(decided.decisions.complete(point, rng), check=False)


class AtMostOne(Mutation):
    """Changes each active decision with probability `rate`, but no more than one of them (Lu et al. 2019).

    rate: 0.02 in the paper.
    """

    def __init__(self, rate: float = 0.02) -> None:
        self.rate = checked_probability(self, "rate", rate)

    def mutate(self, space: Space, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        active = sum(option >= 0 for option in with_decisions(self, space).indices(architecture))
        return space.mutate(architecture, rng) if rng.random() < 1 - (1 - self.rate) ** active else architecture


class OneKind(Mutation):
    """One of the kinds of change that the space itself offers, drawn anew for each child (Real et al. 2017).

    Where the kind drawn cannot be applied, another one is; SpaceExhausted where none can.

    weights: by name how often a kind is drawn, in proportion; None for all of them alike.
    """

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        if weights is not None and not (weights and all(each > 0 for each in weights.values())):
            raise ConfigurationError(f"OneKind: weights is {weights!r}; expected numbers above 0 by name")
        self.weights = weights

    def mutate(self, space: Space, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        weights = self._weights(space)
        left = list(weights)
        while left:
            shares = np.array([weights[name] for name in left], dtype=float)
            name = left.pop(int(rng.choice(len(left), p=shares / shares.sum())))
            try:
                return space.mutations[name](architecture, rng)
            except SpaceExhausted:
                continue
        raise SpaceExhausted(f"none of {', '.join(weights)} can be applied to {architecture}")

    def _weights(self, space: Space) -> Mapping[str, float]:
        known = space.mutations
        if not known:
            raise ConfigurationError(
                f"OneKind: {type(space).__name__} offers no kinds of change; mutate it by OneDecision()"
            )
        for name in self.weights or ():
            if name not in known:
                raise ConfigurationError(
                    f"OneKind: {type(space).__name__} has no mutation {name!r}{nearest(name, known)}"
                )
        return dict.fromkeys(known, 1.0) if self.weights is None else self.weights


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
