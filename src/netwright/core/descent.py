"""From an architecture to one that costs less, by changing one decision at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.space import Space

MANY = 32  # options of a decision, above which not all of them are looked at
MUTATIONS = 32  # that are looked at in one round, where an architecture has no decisions to change in turn

Value = Callable[[Architecture], float]


@dataclass(frozen=True)
class Descent:
    """Where a descent has led.

    architecture: the best that was met. value: what it is worth, less being better. ended: whether no single change
    that was looked at is better, or it is good enough; False where the time was up before.
    """

    architecture: Architecture
    value: float
    ended: bool


def descended(
    start: Architecture, value: Value, rng: np.random.Generator, *, enough: float = -math.inf, until: float = math.inf
) -> Descent:
    """Go from an architecture to better ones by single changes, taking each that is better, until none is.

    start: where to begin. value: to be made small; infinite for what cannot be built. rng: for what a change leaves
    open. enough: a value with which to be content. until: on the monotonic clock.
    """
    best, least = start, value(start)
    while least > enough:
        before = least
        for change in _changes(best.space, best, rng):
            if time.monotonic() > until:
                return Descent(best, least, ended=False)
            other = change(best)
            found = least if other is None or other == best else value(other)
            if found < least:
                best, least = other or best, found
                if least <= enough:
                    break
        if least == before:
            break
    return Descent(best, least, ended=True)


Change = Callable[[Architecture], Architecture | None]


def _changes(space: Space, architecture: Architecture, rng: np.random.Generator) -> Iterator[Change]:
    """Single changes of whatever architecture they are given: each decision to each of a few options, or mutations."""
    if not isinstance(space, DecisionSpace):
        for _ in range(MUTATIONS):
            yield lambda best: space.mutate(best, rng)
        return
    for place, size in enumerate(space.decisions.sizes):
        for option in looked_at(architecture.content[place], size):
            yield lambda best, place=place, option=option: _changed(space, best, place, option, rng)


def looked_at(option: int, size: int) -> Sequence[int]:
    """Which of so many options a decision is changed to: all of a few, of many the ends and those 1, 2, 4, ... away."""
    if size <= MANY:
        return range(size)
    steps = [sign * 2**k for k in range(size.bit_length()) for sign in (-1, 1)]
    return sorted({0, size - 1, *(option + step for step in steps if 0 <= option + step < size)})


def _changed(
    space: DecisionSpace, architecture: Architecture, place: int, option: int, rng: np.random.Generator
) -> Architecture | None:
    """The architecture with another option there, what this activates drawn; None where that decision is not active."""
    point = architecture.content
    if point[place] < 0 or point[place] == option:
        return None
    return Architecture(space, space.decisions.complete((*point[:place], option, *point[place + 1 :]), rng))


def between(here: Architecture, there: Architecture, places: Sequence[int], rng: np.random.Generator) -> Architecture:
    """An architecture that answers as one does, but in these places as another does.

    here, there: of one space of decisions. places: numbers of decisions. rng: for what neither answers.
    """
    space = here.space
    assert isinstance(space, DecisionSpace)
    wanted = list(here.content)
    for place in places:
        wanted[place] = there.content[place]
    return Architecture(space, space.decisions.complete(wanted, rng))
