"""The decisions of a space, and what follows from them alone: drawing, changing, counting and numbering their points.

A point is a tuple of option indices, one a decision, -1 where the decision is not active.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal, overload

from netwright.core.errors import InvalidArchitecture, SpaceExhausted, UserError, nearest, shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Label = str | int | float | bool | tuple[int, ...]
Point = tuple[int, ...]
Kind = Literal["one", "value", "repeat", "sources", "link"]

INACTIVE = -1


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds where the decision `parent` is active and takes one of `labels`.

    parent: full name of a decision.
    labels: of its options.
    """

    parent: str
    labels: frozenset[Label]


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing to decide: its name, what it may take, and when it is asked at all.

    name: the full one, with those of the scopes before it.
    options: what it may take.
    kind: what is decided.
    soft: options that exist in a mixture only.
    conditions: it is active where any of them holds; without any, always.
    edges: for kind "sources", the number of each source and the name of the decision of the operation on it (None where
        there is no choice).
    """

    name: str
    options: tuple[Label, ...]
    kind: Kind
    soft: tuple[Label, ...] = ()
    conditions: tuple[Condition, ...] = ()
    edges: tuple[tuple[int, str | None], ...] = ()

    def describe(self) -> dict[str, Any]:
        """The decision as JSON: what the space's identity is made of."""
        return {
            "name": self.name,
            "options": list(self.options),
            "soft": list(self.soft),
            "when": sorted([each.parent, sorted(map(str, each.labels))] for each in self.conditions),
        }


class DecisionTable(Sequence[Decision]):
    """Decisions in an order in which each comes after those its activity depends on.

    decisions: in that order.
    """

    def __init__(self, decisions: Sequence[Decision]) -> None:
        self._decisions = tuple(decisions)
        self.places: dict[str, int] = {each.name: i for i, each in enumerate(self._decisions)}
        self.sizes: tuple[int, ...] = tuple(len(each.options) for each in self._decisions)
        self.option_index: tuple[dict[Label, int], ...] = tuple(
            {label: k for k, label in enumerate(each.options)} for each in self._decisions
        )
        # (parent index, option indices) a condition; an empty tuple means always active.
        self._conditions: tuple[tuple[tuple[int, frozenset[int]], ...], ...] = tuple(
            tuple(self._resolve(condition) for condition in each.conditions) for each in self._decisions
        )
        self._free = not any(self._conditions)

    def followed_by(self, more: Sequence[Decision]) -> DecisionTable:
        """The same table with further decisions behind its own, which are always asked and free of all others.

        more: those decisions.
        """
        return DecisionTable((*self, *more))

    def _resolve(self, condition: Condition) -> tuple[int, frozenset[int]]:
        parent = self.places[condition.parent]
        return parent, frozenset(self.option_index[parent][label] for label in condition.labels)

    @overload
    def __getitem__(self, index: int) -> Decision: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Decision]: ...

    def __getitem__(self, index: int | slice) -> Decision | Sequence[Decision]:
        return self._decisions[index]

    def __len__(self) -> int:
        return len(self._decisions)

    def active(self, i: int, point: Sequence[int]) -> bool:
        """Whether decision `i` is asked, given the options of those before it."""
        for parent, allowed in self._conditions[i]:  # a loop, since a generator would take longer than all the rest
            if point[parent] in allowed:
                return True
        return not self._conditions[i]

    def facts(self, i: int) -> tuple[tuple[int, frozenset[int]], ...]:
        """What decision `i` needs, any of it: an earlier decision and its options; nothing where it is always asked."""
        return self._conditions[i]

    def describe(self) -> list[dict[str, Any]]:
        """All that is decided as JSON: what the space's identity is made of."""
        return [each.describe() for each in self._decisions]

    def is_ruled(self, i: int) -> bool:
        """Whether what decision `i` may take depends on other answers by a rule of its own."""
        return False

    def options_after(self, i: int, point: Sequence[int]) -> tuple[bool, ...] | None:
        """Which options decision `i` may take after those before it, so that an allowed point can follow; None for all.

        point: at least the options before `i`.
        """
        return None

    def options_after_each(self, i: int, points: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """The same for many at once, (n, options).

        points: (n, at least `i`).
        """
        return None

    def longest(self, weights: Sequence[int]) -> int:
        """The largest sum over the active decisions of a point.

        weights: one a decision.
        """
        best: dict[frozenset[int], int] = {frozenset(): 0}
        for i, weight in enumerate(weights):
            after: dict[frozenset[int], int] = {}
            for before, total in best.items():
                for options, holding in self.steps(i, before):
                    found = total + (0 if INACTIVE in options else weight)
                    after[holding] = max(after.get(holding, 0), found)
            best = after
        return max(best.values())

    def draw(self, rng: np.random.Generator) -> Point:
        """A random point: each active decision uniformly, in order."""
        shares = rng.random(len(self.sizes)).tolist()
        if self._free:
            return tuple([int(share * size) for share, size in zip(shares, self.sizes, strict=True)])
        return self._complete([], shares)

    def _complete(self, start: Sequence[int], shares: Sequence[float], keep: Sequence[int] = ()) -> Point:
        """Decide what follows `start`: as in `keep` where that is active there too, else by `shares`."""
        point = list(start)
        for i in range(len(point), len(self.sizes)):
            if not self.active(i, point):
                point.append(INACTIVE)
            elif keep and keep[i] >= 0:
                point.append(keep[i])
            else:
                point.append(int(shares[i] * self.sizes[i]))
        return tuple(point)

    def complete(self, wanted: Sequence[int], rng: np.random.Generator) -> Point:
        """The point that answers as `wanted` does (-1: no wish); other active decisions are drawn uniformly."""
        shares = rng.random(len(self.sizes)).tolist()
        if self._free:
            return tuple(
                [w if w >= 0 else int(share * size) for w, share, size in zip(wanted, shares, self.sizes, strict=True)]
            )
        return self._complete([], shares, keep=wanted)

    def allowed_or_heaviest(self, point: Point, weights: Callable[[Decision], Sequence[float]]) -> Point:
        """The point itself; where decisions may not be combined at will, else the allowed one that weighs the most."""
        return point

    def mutate(self, point: Point, rng: np.random.Generator) -> Point:
        """Change one active decision, drawn uniformly, to another option; draw what this activates."""
        active = range(len(point)) if self._free else [i for i, option in enumerate(point) if option >= 0]
        if not active:
            raise SpaceExhausted("the space holds one architecture only, so there is nothing to mutate")
        share = rng.random() * len(active)
        which = int(share)
        i = active[which]
        option = int((share - which) * (self.sizes[i] - 1))  # what is left is uniform in [0, 1) too
        option += option >= point[i]
        if self._free:
            changed = list(point)
            changed[i] = option
            return tuple(changed)
        return self._complete((*point[:i], option), rng.random(len(self.sizes)).tolist(), keep=point)

    def cross(self, first: Point, second: Point, rng: np.random.Generator) -> Point:
        """Take each active decision from either parent with equal probability, from the one that has it otherwise."""
        coins = (rng.random(len(self.sizes)) < 0.5).tolist()
        mixed = [a if (coin and a >= 0) or b < 0 else b for a, b, coin in zip(first, second, coins, strict=True)]
        if self._free:
            return tuple(mixed)
        return self._complete([], rng.random(len(self.sizes)).tolist(), keep=mixed)

    def neighbors(self, point: Point) -> Iterator[Point]:
        """Every point that one mutation can give, once each."""
        for i, current in enumerate(point):
            for option in range(self.sizes[i]) if current >= 0 else ():
                if option != current:
                    yield from self.completions((*point[:i], option), keep=point)

    def completions(self, start: Point = (), keep: Sequence[int] = ()) -> Iterator[Point]:
        """Every point that begins with `start`, in order; decisions active in `keep` too stay as they are there."""
        stack: list[Point] = [start]
        while stack:
            point = stack.pop()
            i = len(point)
            if i == len(self.sizes):
                yield point
            elif not self.active(i, point):
                stack.append((*point, INACTIVE))
            elif keep and keep[i] >= 0:
                stack.append((*point, keep[i]))
            else:
                stack.extend((*point, option) for option in reversed(range(self.sizes[i])))

    # How many points there are, and which is the r-th: a count over the few facts that later decisions depend on.

    @cached_property
    def _facts(self) -> tuple[tuple[tuple[int, frozenset[int]], int], ...]:
        """Each distinct condition with the last decision that depends on it."""
        last: dict[tuple[int, frozenset[int]], int] = {}
        for i, conditions in enumerate(self._conditions):
            for fact in conditions:
                last[fact] = i
        return tuple(last.items())

    def steps(self, i: int, holding: frozenset[int]) -> Iterator[tuple[range | tuple[int, ...], frozenset[int]]]:
        """The options of decision `i`, grouped by the facts that hold after it, given those that hold before."""
        facts = self._facts
        conditions = self._conditions[i]
        is_active = not conditions or any(f in holding for f, (fact, _) in enumerate(facts) if fact in conditions)
        still = frozenset(f for f in holding if facts[f][1] > i)
        if not is_active:
            yield (INACTIVE,), still
            return
        own = [(f, fact[1]) for f, (fact, last) in enumerate(facts) if fact[0] == i and last > i]
        if not own:
            yield range(self.sizes[i]), still
            return
        for true, options in groupby(
            range(self.sizes[i]), key=lambda option: frozenset(f for f, allowed in own if option in allowed)
        ):
            yield tuple(options), still | true

    @cached_property
    def _counts(self) -> list[dict[frozenset[int], int]]:
        """counts[i][holding]: the number of ways to decide i, i+1, ... where these facts hold before i."""
        reached: list[set[frozenset[int]]] = [{frozenset()}]
        for i in range(len(self.sizes)):
            reached.append({after for before in reached[i] for _, after in self.steps(i, before)})
        counts: list[dict[frozenset[int], int]] = [{} for _ in reached]
        counts[-1] = dict.fromkeys(reached[-1], 1)
        for i in reversed(range(len(self.sizes))):
            for before in reached[i]:
                counts[i][before] = sum(len(options) * counts[i + 1][after] for options, after in self.steps(i, before))
        return counts

    @cached_property
    def size(self) -> int:
        """The exact number of points."""
        return self._counts[0][frozenset()]

    def at(self, rank: int) -> Point:
        """The point with this number, 0 <= rank < size; every point has exactly one."""
        if not 0 <= rank < self.size:
            raise UserError(f"there is no architecture number {rank}: the space holds {self.size}")
        point: list[int] = []
        holding: frozenset[int] = frozenset()
        for i in range(len(self.sizes)):
            for options, after in self.steps(i, holding):
                each = self._counts[i + 1][after]
                if rank < len(options) * each:
                    position, rank = divmod(rank, each)
                    point.append(options[position])
                    holding = after
                    break
                rank -= len(options) * each
        return tuple(point)

    def draw_uniform(self, rng: np.random.Generator) -> Point:
        """A random point, every point with equal probability."""
        size = self.size
        length = (size.bit_length() + 7) // 8
        excess = 8 * length - size.bit_length()
        while True:
            rank = int.from_bytes(rng.bytes(length), "little") >> excess
            if rank < size:
                return self.at(rank)

    # Between points and labels.

    def labels(self, point: Point) -> dict[str, Label]:
        """The active decisions' names and labels, in order."""
        return {
            each.name: each.options[option] for each, option in zip(self._decisions, point, strict=True) if option >= 0
        }

    def point(self, labels: Mapping[str, Label]) -> Point:
        """The point with these labels; InvalidArchitecture names what is unknown, missing or not asked there."""
        unknown = [name for name in labels if name not in self.places]
        if unknown:
            raise InvalidArchitecture(
                f"there is no decision {shown(unknown[0])} in this space{nearest(unknown[0], self.places)}"
            )
        point: list[int] = []
        for i, decision in enumerate(self._decisions):
            if not self.active(i, point):
                if decision.name in labels:
                    raise InvalidArchitecture(f"decision {decision.name!r} is not asked here: {self._why_not(i)}")
                point.append(INACTIVE)
            else:
                point.append(self._option(i, labels))
        return tuple(point)

    def _option(self, i: int, labels: Mapping[str, Label]) -> int:
        decision = self._decisions[i]
        if decision.name not in labels:
            raise InvalidArchitecture(
                f"decision {decision.name!r} is missing; it takes one of {list(decision.options)}"
            )
        label = labels[decision.name]
        try:
            option = self.option_index[i].get(label)
        except TypeError:  # a list or an object out of somebody's JSON
            option = None
        if option is None or type(decision.options[option]) is not type(label):
            soft = " (that option exists in mixtures only)" if label in decision.soft else ""
            raise InvalidArchitecture(
                f"decision {decision.name!r} cannot take {shown(label)}{soft}{nearest(label, decision.options)}"
            )
        return option

    def _why_not(self, i: int) -> str:
        conditions = self._decisions[i].conditions
        return "it needs " + " or ".join(f"{each.parent} in {sorted(each.labels, key=str)}" for each in conditions)

    def check(self, point: Sequence[int]) -> None:
        """Raise InvalidArchitecture unless this is a point: an option for each active decision and for no other."""
        if len(point) != len(self.sizes):
            raise InvalidArchitecture(f"expected {len(self.sizes)} option indices, found {len(point)}")
        for i, option in enumerate(point):
            wanted = range(self.sizes[i]) if self.active(i, point[:i]) else (INACTIVE,)
            if option not in wanted:
                raise InvalidArchitecture(
                    f"decision {self._decisions[i].name!r} has option index {option}, expected one of {list(wanted)}"
                )


def in_order(decisions: Mapping[str, Decision]) -> list[Decision]:
    """The decisions, each after those that its conditions name, otherwise in the order given."""
    done: dict[str, Decision] = {}
    path: list[str] = []

    def place(name: str) -> None:
        if name in done:
            return
        if name in path:
            raise UserError(
                f"decisions depend on each other in a circle: {' -> '.join([*path[path.index(name) :], name])}"
            )
        path.append(name)
        for condition in decisions[name].conditions:
            place(condition.parent)
        path.pop()
        done[name] = decisions[name]

    for name in decisions:
        place(name)
    return list(done.values())
