"""Which architecture a mixture stands for under limits on what networks cost: the likeliest of those that keep them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, cast

import numpy as np

from netwright.core.decisions import INACTIVE
from netwright.core.restricted import RestrictedTable
from netwright.estimators.local_costs import LocalCosts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import DecisionTable, Point
    from netwright.core.objective import Constraint
    from netwright.estimators.costs import Costs

    Floats = NDArray[np.float64]

PROVIDES = ("search.dp_decode",)

LEAST = 1e-12  # a weight whose logarithm is taken
MOST_KEPT = 20_000  # partial architectures that are followed at once; above, the likeliest of each stretch of costs
FEWEST_KEPT = 1000  # likewise of those with the same options for what follows, where there are many such options
GRID = 4  # steps from one limit alone to the other, where there are several
DRAWN = 256  # architectures among which one is looked for, where costs do not add up
MOST_STEPS = 200  # from one architecture to a better neighbour


class Within:
    """Decodes mixtures under limits.

    Where what the mixture stands for keeps the limits, it is that. Otherwise it is the architecture that is worth the
    most of those that keep them, by the sum of the logarithms of its options' weights. Where each option adds an
    amount of its own (`additive_cost`), or one that follows from a few decisions before, as the width of the layer
    before (`local_costs`), and there is one limit, it is found exactly, by a sum over the decisions in turn that
    follows every partial architecture that nothing cheaper equals (a knapsack with conditions, as the Viterbi algorithm
    for a chain). Otherwise it is looked for: among what several limits give as one, random draws from the
    mixture, and their neighbours.

    cost: of the space's networks.
    limits: on its metrics.
    """

    def __init__(self, cost: Costs, limits: Sequence[Constraint]) -> None:
        self.cost, self.limits = cost, tuple(limits)

    def holds(self, architecture: Architecture) -> bool:
        """Whether an architecture keeps the limits."""
        return self.excess(architecture) <= 0

    def excess(self, architecture: Architecture) -> float:
        """By which share of a limit an architecture breaks it, the largest of all; 0 where it keeps them."""
        figures = self.cost.figures(architecture)
        return max((_missed(each, figures[each.metric]) for each in self.limits), default=0.0)

    def decode(self, mixture: Mixture) -> Architecture:
        """The worthiest architecture that was found to keep the limits; where none was, the one nearest to them."""
        space = cast("DecisionSpace", self.cost.space)
        found = space.discretize(mixture)
        if self.holds(found):
            return found
        worths = _Worths(space.decisions, mixture)
        if self._sums is not None and len(self.limits) == 1:
            point = self._sums.best(worths, [1.0])
            if point is not None:
                return space.from_indices(point)
        return self._looked_for(space, worths, found)

    @cached_property
    def _sums(self) -> _Sums | None:
        """What each option adds, where costs add up and all may be combined."""
        space = cast("DecisionSpace", self.cost.space)
        if isinstance(space.decisions, RestrictedTable):
            return None
        parts, local = self.cost.additive, None
        if parts is not None:
            frame, options = parts
            alone = [{(): np.array(each, dtype=np.float64).reshape(-1, len(frame))} for each in options]
            local = LocalCosts(np.array(frame, dtype=np.float64), [()] * len(alone), alone)
        local = self.cost.local if local is None else local
        if local is None:
            return None
        places = [self.cost.metrics.index(each.metric) for each in self.limits]
        signs = np.array([1.0 if each.relation == "<=" else -1.0 for each in self.limits])
        shares = signs / np.array([abs(each.limit) or 1.0 for each in self.limits])
        bounds = np.array([each.limit for each in self.limits])
        amounts = [{key: each[:, places] * shares for key, each in known.items()} for known in local.amounts]
        room = (bounds - local.frame[places]) * shares
        return _Sums(space.decisions, LocalCosts(local.frame[places] * shares, local.before, amounts), room)

    def _looked_for(self, space: DecisionSpace, worths: _Worths, start: Architecture) -> Architecture:
        rng = np.random.default_rng(0)
        tried = [start, *(space.from_indices(each) for each in self._of_several(worths))]
        tried += [worths.drawn(space, rng) for _ in range(DRAWN)]
        best = max(dict.fromkeys(tried), key=lambda each: self._rank(each, worths))
        for _ in range(MOST_STEPS):
            better = max(space.neighbors(best), key=lambda each: self._rank(each, worths), default=best)
            if self._rank(better, worths) <= self._rank(best, worths):
                break
            best = better
        return best

    def _of_several(self, worths: _Worths) -> list[Point]:
        """The best under weighted sums of several limits."""
        if self._sums is None:
            return []
        count = len(self.limits)
        weights = (each for each in product(range(GRID + 1), repeat=count) if sum(each) == GRID)
        found = (self._sums.best(worths, [share / GRID for share in each]) for each in weights)
        return [each for each in found if each is not None]

    def _rank(self, architecture: Architecture, worths: _Worths) -> tuple[float, float]:
        return -self.excess(architecture), worths.of(architecture.content)


def _missed(limit: Constraint, value: float) -> float:
    over = value - limit.limit if limit.relation == "<=" else limit.limit - value
    return max(0.0, over / (abs(limit.limit) or 1.0))


class _Worths:
    """The logarithm of what each option of each decision weighs."""

    def __init__(self, table: DecisionTable, mixture: Mixture) -> None:
        self.table = table
        self.each: list[Floats] = []
        for decision in table:
            weights = mixture.weights.get(decision.name)
            if decision.kind == "sources":
                own = [1.0] * len(decision.edges) if weights is None else _numbers(weights)
                place = {source: k for k, (source, _) in enumerate(decision.edges)}
                sets = [cast("tuple[int, ...]", option) for option in decision.options]
                self.each.append(np.array([sum(_log(own[place[source]]) for source in option) for option in sets]))
            else:
                assert weights is not None
                self.each.append(np.array([_log(each) for each in _numbers(weights)[: len(decision.options)]]))

    def of(self, point: Point) -> float:
        return float(sum(self.each[i][option] for i, option in enumerate(point) if option != INACTIVE))

    def drawn(self, space: DecisionSpace, rng: np.random.Generator) -> Architecture:
        """A random architecture, each active decision by its weights."""
        noisy = (worth + rng.gumbel(size=len(worth)) for worth in self.each)  # the largest is a draw from the softmax
        wanted = dict(zip((each.name for each in self.table), noisy, strict=True))
        point: list[int] = []
        for i, decision in enumerate(self.table):
            if not self.table.active(i, point):
                point.append(INACTIVE)
                continue
            allowed = self.table.options_after(i, point)
            values = wanted[decision.name]
            point.append(int(np.argmax(values if allowed is None else np.where(allowed, values, -np.inf))))
        return space.from_indices(self.table.allowed_or_heaviest(tuple(point), lambda each: list(wanted[each.name])))


def _numbers(weights: object) -> list[float]:
    return cast("list[float]", weights.detach().flatten().tolist())  # pyright: ignore


def _log(weight: float) -> float:
    return math.log(max(weight, LEAST))


@dataclass(frozen=True)
class _Partial:
    """Partial architectures with the same facts for the decisions to come, the cheapest first.

    costs, worths: (n,).
    before: (n,), which of the partial architectures before the last decision each goes on from, by `origins`.
    options: (n,) of the last decision.
    """

    costs: Floats
    worths: Floats
    before: NDArray[np.int64]
    options: NDArray[np.int64]
    origins: NDArray[np.int64]


State = tuple[frozenset[int], tuple[int, ...]]
"""The facts that hold, and the options from which amounts of later decisions follow."""


class _Sums:
    """The knapsack over the decisions of a table.

    local: what each option adds, as a share of each limit.
    room: (limits,), what they may add up to.
    """

    def __init__(self, table: DecisionTable, local: LocalCosts, room: Floats) -> None:
        self.table, self.local, self.room = table, local, room
        self._held = [(), *map(local.held, range(len(table)))]  # before each decision, and behind the last

    def best(self, worths: _Worths, weights: Sequence[float]) -> Point | None:
        """The worthiest point whose weighted costs fit into the weighted room; None where none does."""
        costs = [{key: each @ np.array(weights) for key, each in known.items()} for known in self.local.amounts]
        room = float(self.room @ np.array(weights)) + 1e-12
        # What the decisions to come may take off again, where a limit is from below.
        least = [min(0.0, *(float(each.min(initial=0.0)) for each in known.values())) for known in costs]
        relief = np.append(np.cumsum(least[::-1])[::-1], 0.0)
        nothing, nowhere = np.zeros(1), np.zeros(1, np.int64)
        start = _Partial(nothing, nothing, nowhere, nowhere, nowhere)
        states: dict[State, _Partial] = {(frozenset[int](), ()): start}
        history = [states]
        for i in range(len(self.table)):
            states = self._after(i, states, costs[i], worths.each[i], room - relief[i + 1])
            if not states:
                return None
            history.append(states)
        last = max(states, key=lambda state: states[state].worths[-1])
        return self._traced(history, last, len(states[last].worths) - 1)

    def _after(
        self,
        i: int,
        states: dict[State, _Partial],
        costs: Mapping[tuple[int, ...], Floats],
        worths: Floats,
        room: float,
    ) -> dict[State, _Partial]:
        grown: dict[State, list[_Partial]] = {}
        for number, ((facts, held), partial) in enumerate(states.items()):
            places, chosen = np.arange(len(partial.costs)), dict(zip(self._held[i], held, strict=True))
            for options, after in self.table.steps(i, facts):
                for option in options:
                    inactive = option == INACTIVE
                    added = 0.0 if inactive else costs[tuple(chosen[place] for place in self.local.before[i])][option]
                    found = _Partial(
                        partial.costs + added,
                        partial.worths + (0.0 if inactive else worths[option]),
                        places,
                        np.full(len(places), option),
                        np.full(len(places), number),
                    )
                    chosen[i] = option
                    state = after, tuple(chosen[place] for place in self._held[i + 1])
                    grown.setdefault(state, []).append(found)
        most = max(FEWEST_KEPT, MOST_KEPT // max(1, len(grown))) if self._held[i + 1] else MOST_KEPT
        pruned = {state: _pruned(each, room, most) for state, each in grown.items()}
        return {state: each for state, each in pruned.items() if len(each.costs)}

    def _traced(self, history: list[dict[State, _Partial]], state: State, place: int) -> Point:
        point: list[int] = []
        for i in reversed(range(1, len(history))):
            partial = history[i][state]
            point.append(int(partial.options[place]))
            state, place = list(history[i - 1])[partial.origins[place]], int(partial.before[place])
        return tuple(reversed(point))


def _pruned(several: Sequence[_Partial], room: float, most: int) -> _Partial:
    """Those that fit and that nothing cheaper equals, the cheapest and least worthy first; of more than `most` some."""
    costs = np.concatenate([each.costs for each in several])
    worths = np.concatenate([each.worths for each in several])
    order = np.lexsort((-worths, costs))
    order = order[costs[order] <= room]
    highest = np.maximum.accumulate(np.append(-np.inf, worths[order]))[:-1]
    order = order[worths[order] > highest]
    if len(order) > most:
        stretch = np.floor((costs[order] - costs[order[0]]) / (costs[order[-1]] - costs[order[0]]) * (most - 1))
        order = order[np.append(stretch[1:] != stretch[:-1], True)]  # the worthiest of each is its last
    ways = (np.concatenate([getattr(each, name) for each in several]) for name in ("before", "options", "origins"))
    return _Partial(costs[order], worths[order], *(each[order] for each in ways))
