"""Decisions of which some may take an option only after certain answers: drawn, changed, counted and numbered exactly.

Rules are tried once on all that they can tell apart, and then kept as tables: what a rule reads of the answers so far
is a handful of facts, and all that is counted is counted over these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from netwright.core.decisions import INACTIVE, Decision, DecisionTable, Label, Point
from netwright.core.errors import InvalidArchitecture, UserError, nearest
from netwright.core.joint_table import TRIES, JointTable
from netwright.core.rules import MOST_STATES, Earlier, Fact, Fold, Move, Said, Unread, answer_of, count_of, fold_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Values = tuple[int, ...]


class RuledTable(JointTable):
    """The points of a table that keep to its rules.

    said: by decision, the rules that were given for it, which must all say the same.

    Raises UserError for a rule that reads what does not come before, leaves nothing to take, or tells too many
    combinations of answers apart.
    """

    def __init__(self, table: DecisionTable, said: Mapping[str, Sequence[Said]]) -> None:
        super().__init__(table[:])
        self._free = False
        self._said = {self._place(name): rules for name, rules in said.items()}
        self._features: list[Fact] = []
        self._read: dict[int, list[int]] = {}  # by ruled decision, which features its rule reads
        self._last: dict[int, int] = {}  # by feature, the last decision whose rule reads it
        self._guards: dict[int, dict[Values, tuple[int, ...]]] = {}
        while self._explore():
            pass

    def followed_by(self, more: Sequence[Decision]) -> RuledTable:
        return RuledTable(super().followed_by(more), {self[place].name: rules for place, rules in self._said.items()})

    def _place(self, name: str) -> int:
        if name not in self.places:
            raise UserError(f"there is a rule for decision {name!r}, which is never asked{nearest(name, self.places)}")
        return self.places[name]

    # What the rules say, as tables.

    def _explore(self) -> bool:
        """Follow all combinations of what is read so far; whether a rule reads more, so that all begins anew."""
        self._guards = {i: {} for i in self._said}
        states: set[frozenset[Any]] = {frozenset()}
        for i in range(len(self.sizes)):
            try:
                states = {after for before in states for _, after in self.steps(i, before)}
            except Unread:
                return True
            if len(states) > MOST_STATES:
                names = [self[each].name for each in self._said if each >= i][:1]
                raise UserError(
                    f"the rule of {names[0]!r} tells more than {MOST_STATES:,} combinations of answers apart; read "
                    "answers.count(label) in place of one answer after the other"
                )
        return False

    def _allowed(self, i: int, value: Callable[[Fact], int]) -> tuple[int, ...] | None:
        """The options that the rule of decision `i` leaves, None for all. value: of a feature, before `i`."""
        if i not in self._said:
            return None
        found = self._guards[i].get(self._values(i, value))
        if found is None:
            found = self._tried(i, value)
            self._guards[i][self._values(i, value)] = found  # of what it has read by now
        return found

    def _values(self, i: int, value: Callable[[Fact], int]) -> Values:
        """What the rule of decision `i` reads, as far as that is known."""
        return tuple(value(self._features[f]) for f in self._read.get(i, ()))

    def _tried(self, i: int, value: Callable[[Fact], int]) -> tuple[int, ...]:
        """Ask the rules themselves."""
        found = [each.labels(self._earlier(i, each, value), self[i].options) for each in self._said[i]]
        other = next((each for each in found if each != found[0]), None)
        if other is not None:
            raise UserError(
                f"the rule of {self[i].name!r} leaves {list(found[0])} at one time and {list(other)} at another after "
                "the same answers; it may hang on nothing but the answers that it is given"
            )
        return tuple(self.option_index[i][label] for label in found[0])

    def _earlier(self, i: int, said: Said, value: Callable[[Fact], int]) -> Earlier:
        """The answers before decision `i`; what is read of them is noted."""

        def noted(feature: Fact) -> int:
            if feature not in self._features:
                self._features.append(feature)
            place = self._features.index(feature)
            read = self._read.setdefault(i, [])
            if place not in read:
                read.append(place)
                if self._last.get(place, -1) < i:  # not followed until here
                    self._last[place] = max(self._said) if isinstance(feature, Fold) else i
                    raise Unread
            return value(feature)

        def look(name: str) -> Label | None:
            place = next((self.places[each] for each in said.candidates(name) if each in self.places), None)
            if place is None or place >= i:
                why = "is no decision" if place is None else "is not asked before it"
                raise UserError(f"the rule of {said.name!r} reads {name!r}, which {why}{nearest(name, self.places)}")
            option = noted(answer_of(self, place))
            return None if option < 0 else self[place].options[option]

        def fold(name: str, start: int, move: Move) -> int:
            return noted(fold_of(self, name, start, move))

        return Earlier(look, lambda label, prefix: noted(count_of(self, label, prefix)), fold)

    def steps(self, i: int, holding: frozenset[Any]) -> Iterator[tuple[range | tuple[int, ...], frozenset[Any]]]:
        """As for a plain table. holding: the facts that hold, and pairs of a feature and its value."""
        facts = frozenset(each for each in holding if isinstance(each, int))
        values: dict[Fact, int] = dict(holding - facts)
        allowed: tuple[int, ...] | None = None
        for number, (options, after) in enumerate(super().steps(i, facts)):
            if options == (INACTIVE,):
                yield options, after | self._known_after(i, values, INACTIVE)
                return
            if not number:
                allowed = self._allowed(i, lambda feature: values.get(feature, feature.start))
            left = [option for option in options if allowed is None or option in allowed]
            for known, group in groupby(left, key=lambda option: self._known_after(i, values, option)):
                yield tuple(group), after | known

    def _known_after(self, i: int, values: Mapping[Fact, int], option: int) -> frozenset[tuple[Fact, int]]:
        """The features that are not at their start, and are still read, once decision `i` has taken an option."""
        left = [each for f, each in enumerate(self._features) if self._last[f] > i]
        found = ((each, each.after(values.get(each, each.start), i, option)) for each in left)
        return frozenset(pair for pair in found if pair[1] != pair[0].start)

    def describe(self) -> list[dict[str, Any]]:
        rules = {
            self[i].name: [[self._features[f].name for f in self._read.get(i, ())], sorted(map(list, guard.items()))]
            for i, guard in self._guards.items()
        }
        return [*super().describe(), {"rules": rules}]

    # What may follow.

    def options_after(self, i: int, point: Sequence[int]) -> tuple[bool, ...] | None:
        allowed = self._allowed(i, lambda feature: feature.of(point, i))
        return None if allowed is None else tuple(option in allowed for option in range(self.sizes[i]))

    def options_after_each(self, i: int, points: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        import numpy as np

        if i not in self._said:
            return None
        return np.array([self.options_after(i, point) for point in points.tolist()], dtype=bool)

    def is_ruled(self, i: int) -> bool:
        return i in self._said

    def holds(self, point: Sequence[int]) -> bool:
        return self._broken(point) is None

    def _broken(self, point: Sequence[int]) -> int | None:
        """The first decision that breaks its rule, of as many as the point has."""
        for i in sorted(self._said):
            if i >= len(point):
                break
            allowed = None if point[i] < 0 else self._allowed(i, lambda feature, i=i: feature.of(point, i))
            if allowed is not None and point[i] not in allowed:
                return i
        return None

    # Drawing and listing.

    def draw(self, rng: np.random.Generator) -> Point:
        return self._filled(rng.random(len(self.sizes)).tolist())

    def complete(self, wanted: Sequence[int], rng: np.random.Generator) -> Point:
        return self._filled(rng.random(len(self.sizes)).tolist(), wanted)

    def _led(self, point: Point, rng: np.random.Generator) -> Point | None:
        active = [i for i, option in enumerate(point) if option >= 0 and self.sizes[i] > 1]
        for _ in range(TRIES):
            i = active[int(rng.integers(len(active)))]
            option = (point[i] + 1 + int(rng.integers(self.sizes[i] - 1))) % self.sizes[i]
            wanted = (*point[:i], option, *point[i + 1 :])
            found = self._filled(rng.random(len(self.sizes)).tolist(), wanted)
            if all(a == b for a, b in zip(found, wanted, strict=True) if a >= 0 and b >= 0):
                return found
        return None

    def _filled(self, shares: Sequence[float], wanted: Sequence[int] = ()) -> Point:
        """Each decision as wanted where that is allowed, else one of the options that are, by its share."""
        point: list[int] = []
        for i, size in enumerate(self.sizes):
            if not self.active(i, point):
                point.append(INACTIVE)
                continue
            allowed = self._allowed(i, lambda feature, i=i: feature.of(point, i)) or range(size)
            kept = wanted[i] if wanted else -1
            point.append(kept if kept in allowed else allowed[int(shares[i] * len(allowed))])
        return tuple(point)

    def completions(self, start: Point = (), keep: Sequence[int] = ()) -> Iterator[Point]:
        stack: list[Point] = [] if self._broken(start) is not None else [start]
        while stack:
            point = stack.pop()
            i = len(point)
            if i == len(self.sizes):
                yield point
                continue
            if not self.active(i, point):
                stack.append((*point, INACTIVE))
                continue
            allowed = self._allowed(i, lambda feature, i=i, point=point: feature.of(point, i)) or range(self.sizes[i])
            if keep and keep[i] >= 0:
                stack.extend([(*point, keep[i])] if keep[i] in allowed else [])
            else:
                stack.extend((*point, option) for option in reversed(allowed))

    def neighbors(self, point: Point) -> Iterator[Point]:
        return DecisionTable.neighbors(self, point)  # whose completions keep to the rules already

    def allowed_or_heaviest(self, point: Point, weights: Callable[[Decision], Sequence[float]]) -> Point:
        """The point, or where it is not allowed, the one whose options' weights have the largest product."""
        import numpy as np

        if self.holds(point):
            return point
        logs = [np.log(np.maximum(weights(each), np.finfo(float).tiny)).tolist() for each in self]
        best = self._best(logs)
        chosen: list[int] = []
        state: frozenset[Any] = frozenset()
        for i in range(len(logs)):
            chosen.append(best[i][state][1])
            state = next(after for options, after in self.steps(i, state) if chosen[-1] in options)
        return tuple(chosen)

    def _best(self, logs: Sequence[Sequence[float]]) -> list[dict[frozenset[Any], tuple[float, int]]]:
        """For each decision and what holds before it, the largest sum from there on and the option that leads to it."""
        best: list[dict[frozenset[Any], tuple[float, int]]] = [{} for _ in logs]
        best.append(dict.fromkeys(self._counts[-1], (0.0, INACTIVE)))
        for i in reversed(range(len(logs))):
            for state in self._counts[i]:
                sums = (
                    ((logs[i][option] if option >= 0 else 0.0) + best[i + 1][after][0], option)
                    for options, after in self.steps(i, state)
                    for option in options
                )
                best[i][state] = max(sums, key=lambda pair: pair[0])
        return best

    # Between points and labels.

    def point(self, labels: Mapping[str, Label]) -> Point:
        point = super().point(labels)
        self._require(point)
        return point

    def check(self, point: Sequence[int]) -> None:
        super().check(point)
        self._require(point)

    def _require(self, point: Sequence[int]) -> None:
        i = self._broken(point)
        if i is None:
            return
        allowed = self._allowed(i, lambda feature: feature.of(point, i)) or ()
        options = self[i].options
        raise InvalidArchitecture(
            f"decision {self[i].name!r} cannot be {options[point[i]]!r} after the answers before it; by its rule it "
            f"may be {[options[option] for option in allowed]}"
        )
