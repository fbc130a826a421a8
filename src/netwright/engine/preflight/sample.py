"""Random architectures of a space with what they cost, and the way from them to smaller and larger ones."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Protocol

import numpy as np

from netwright.core.decision_space import DecisionSpace
from netwright.core.descent import descended
from netwright.core.trial import Proposal
from netwright.engine.preflight.first_batch import unbuildable

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.descent import Value
    from netwright.core.estimator import Estimator
    from netwright.core.space import Space
    from netwright.core.trial import Measurement
    from netwright.engine.bounds import AsTold

COUNTING = 2.0  # seconds for counting networks, where nothing depends on the smallest one
COUNTING_FOR_LIMITS = 20.0  # seconds for it, where there are limits on what is counted
ENOUGH = 20  # networks, some of which keep the limits, after which no more time is taken for counting others
OTHERS = 4  # networks that are tried where the smallest raises an error, before all are taken for faulty
CLIMBING = 0.3  # seconds for going on from the smallest and the largest sample, by one decision at a time


class Counts(Protocol):
    """What knows a network's cost without training it, as an estimator does."""

    @property
    def metrics(self) -> Sequence[str]: ...

    def estimate(self, proposal: Proposal, seed: int) -> Measurement: ...


class Counted:
    """Up to `samples` architectures, all of the space where it holds no more, counted and not built.

    cost: the estimator that counts. limits: those on what it counts are kept in mind, others are nothing to it.
    seconds: after which no further one is counted, where there are limits.
    Raises the first network's error where none can be built.
    """

    def __init__(
        self,
        cost: Counts | Estimator,
        space: Space,
        limits: Sequence[AsTold],
        rng: np.random.Generator,
        samples: int,
        seconds: float = COUNTING_FOR_LIMITS,
    ) -> None:
        self._cost, self.space = cost, space
        self.limits = [each for each in limits if each.metric in cost.metrics]
        self.whole = (
            isinstance(space, DecisionSpace) and space.size <= samples
        )  # whether every network of the space is counted
        self._seconds, self.added = seconds, 0
        self.counted: dict[Architecture, dict[str, float]] = {}
        self.refused: dict[Architecture, Exception] = {}
        self._draw(rng, samples)
        if not self.counted:
            raise unbuildable(*next(iter(self.refused.items())), len(self.refused))

    def figures(self, architecture: Architecture) -> dict[str, float]:
        """What a network costs."""
        found = self.counted.get(architecture)
        return dict(self._cost.estimate(Proposal(architecture), 0).metrics) if found is None else found

    def _draw(self, rng: np.random.Generator, samples: int) -> None:
        self._count(self.space.sample(rng))  # the first one also pays for what is found out once
        began = time.monotonic()
        soon, end = began + COUNTING, began + (self._seconds if self.limits else COUNTING)
        for architecture in self._further(rng, samples - 1):
            now = time.monotonic()
            if now > end or (now > soon and len(self.counted) >= ENOUGH and self.keeping()):
                self.whole = False
                break
            self._count(architecture)

    def _further(self, rng: np.random.Generator, samples: int) -> Iterator[Architecture]:
        if isinstance(self.space, DecisionSpace) and self.whole:
            return self.space.enumerate()
        return (self.space.sample(rng) for _ in range(samples))

    def _count(self, architecture: Architecture) -> None:
        try:
            self.counted[architecture] = self.figures(architecture)
        except Exception as problem:  # a combination of answers that cannot be built costs a trial, not the search
            self.refused[architecture] = problem

    def refused_lines(self) -> list[str]:
        """A warning where some of the networks cannot be built."""
        return [refused_line(self.refused, list(self.counted))] if self.refused else []

    def keeps(self, figures: Mapping[str, float]) -> bool:
        """Whether a network of this cost keeps every limit."""
        return all(limit.holds(figures) for limit in self.limits)

    def keeping(self) -> list[Architecture]:
        """Those of the sample that keep every limit."""
        return [each for each, figures in self.counted.items() if self.keeps(figures)]

    # The smallest, the largest, and those between.

    def extremes(self) -> tuple[Architecture, Architecture]:
        """The smallest and the largest that keep the limits, by parameters; of all where none is known to."""
        keeping = self.keeping() or list(self.counted)
        if self.limits or self.whole:
            return min(keeping, key=self._params), max(keeping, key=self._params)
        return self._climbed(1), self._climbed(-1)

    def add(self, architecture: Architecture) -> None:
        """Count one that was found in another way, beside those that were `drawn`."""
        if architecture not in self.counted:
            self._count(architecture)
            self.added += 1

    @property
    def drawn(self) -> int:
        """How many were counted of those that were drawn."""
        return len(self.counted) - self.added

    def by_cost(self) -> tuple[tuple[float, Architecture], ...]:
        """The random ones that keep the limits, with their multiply-adds, from the cheapest on."""
        found = [(self.counted[each].get("macs", 0.0), each) for each in self.keeping() or list(self.counted)]
        return tuple(sorted(found, key=lambda each: each[0]))

    def others(self, *known: Architecture) -> list[Architecture]:
        """A few further networks, from the smallest to the largest."""
        further = sorted((each for each in self.counted if each not in known), key=self._params)
        return further[:: max(1, len(further) // OTHERS)][:OTHERS] + list(known[1:])

    def _params(self, architecture: Architecture) -> float:
        return self.counted[architecture]["params"]

    def _climbed(self, sign: int) -> Architecture:
        """From the smallest sample, or the largest for sign -1, to a better one, as far as a moment goes."""
        value = self.guarded(lambda architecture: sign * self.figures(architecture)["params"])
        start, until = min(self.counted, key=value), time.monotonic() + CLIMBING
        return descended(start, value, np.random.default_rng(0), until=until).architecture

    def guarded(self, value: Value) -> Value:
        """A value of architectures that is infinite for those that cannot be built, which are noted as refused."""

        def known(architecture: Architecture) -> float:
            if architecture in self.refused:
                return math.inf
            try:
                return value(architecture)
            except Exception as problem:  # a neighbour that cannot be built is no better one
                self.refused[architecture] = problem
                return math.inf

        return known


TOGETHER = 3  # decisions that are looked at together, at most
_MOST_DECISIONS = 20  # of an architecture, for looking at more than one


def refused_line(refused: Mapping[Architecture, Exception], sound: Sequence[Architecture]) -> str:
    """A warning that names the decisions, what is wrong, and what to do."""
    first, problem = next(iter(refused.items()))
    culprits = together(first, list(refused), sound)
    named = " with ".join(f"{name}={label!r}" for name, label in culprits.items())
    what = f"those of {named}" if named else f"the first one {first}"
    count = f"{len(refused)} of {len(refused) + len(sound)} networks cannot be built"
    return (
        f"{count}, {what}: {said(problem)}; each costs a trial: restrict the space to what goes together, for example "
        "by one decision that offers the combinations, or by `restriction`"
    )


def together(
    architecture: Architecture, refused: Sequence[Architecture], sound: Sequence[Architecture]
) -> dict[str, object]:
    """The fewest decisions of an architecture that no sound one has together; empty where there are none."""
    working = [set(_decided(each).items()) for each in sound]
    failing = [set(_decided(each).items()) for each in refused]
    candidates = [each for each in _subsets(architecture) if not any(set(each) <= other for other in working)]
    if not candidates:
        return {}
    fewest = min(map(len, candidates))
    return dict(max((c for c in candidates if len(c) == fewest), key=lambda c: sum(set(c) <= each for each in failing)))


def _decided(architecture: Architecture) -> Mapping[str, object]:
    """What each decision takes; empty where the space has none."""
    return architecture.space.record(architecture).get("decisions", {})


def _subsets(architecture: Architecture) -> Iterator[tuple[tuple[str, object], ...]]:
    decided = list(_decided(architecture).items())
    most = TOGETHER if len(decided) <= _MOST_DECISIONS else 1
    for count in range(1, most + 1):
        yield from combinations(decided, count)


def said(problem: Exception) -> str:
    """The kind of an error and what it says, in one line."""
    return f"{type(problem).__name__}: {' '.join(str(problem).split())[:300]}"
