"""What may follow depends on what was answered before: rules, and the facts about earlier answers that they read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from netwright.core.errors import UserError, marked, nearest, shown

if TYPE_CHECKING:
    from netwright.core.decisions import DecisionTable, Label

Move = Callable[[int, str, "Label"], int]
MOST_STATES = 20_000
"""Combinations of what rules read, from which on a rule is refused."""


class Earlier:
    """The answers so far, as a rule reads them. Names are those of decisions, in full or as the rule's scope has them.

    look: gives the label of a decision, None where it was not asked.
    count: counts answers.
    fold: follows a number through them.
    """

    __slots__ = ("_count", "_fold", "_look")

    def __init__(
        self,
        look: Callable[[str], Label | None],
        count: Callable[[Label, str], int],
        fold: Callable[[str, int, Move], int],
    ) -> None:
        self._look, self._count, self._fold = look, count, fold

    def __getitem__(self, name: str) -> Label | None:
        """What a decision took; None where it was not asked. UserError for one that does not come before."""
        return self._look(name)

    def count(self, label: Label, prefix: str = "") -> int:
        """How many decisions so far, of those whose full name begins with the prefix, took this label."""
        return self._count(label, prefix)

    def fold(self, name: str, start: int, move: Move) -> int:
        """A whole number that each answer so far has moved, in order, such as the pixels that poolings have left.

        name: by which it is known; one name stands for one number throughout a space.
        start: what it is before the first answer.
        move: from the number before an answer, the decision's full name and its label to the number after it; it may
            depend on nothing else.
        """
        return self._fold(name, start, move)


Rule = Callable[[Earlier], "Collection[Label] | None"]


class Unread(Exception):
    """A rule reads something for the first time: what it is has to be followed from the beginning."""


@dataclass(frozen=True)
class Said:
    """A rule as it was given: for which decision, in which scope."""

    name: str
    scope: tuple[str, ...]
    rule: Rule

    def candidates(self, name: str) -> list[str]:
        """What a name may mean, the innermost scope first."""
        return ["/".join((*self.scope[:depth], name)) for depth in range(len(self.scope), -1, -1)]

    def labels(self, earlier: Earlier, options: Sequence[Label]) -> tuple[Label, ...]:
        """The options that the rule leaves, in their order; UserError for none, and for what is no option."""
        try:
            found = self.rule(earlier)
        except (UserError, Unread):
            raise
        except Exception as problem:
            kind = type(problem).__name__
            raise UserError(f"the rule of {self.name!r} fails: {kind}: {marked(problem)}") from problem
        if found is None:
            return tuple(options)
        wrong = [each for each in found if each not in options]
        if wrong or isinstance(found, str):
            raise UserError(
                f"the rule of {self.name!r} allows {shown(wrong[0] if wrong else found)}, which is no option of it"
                f"{nearest(str(wrong[0] if wrong else found), list(map(str, options)))}"
            )
        left = tuple(each for each in options if each in found)
        if not left:
            raise UserError(f"the rule of {self.name!r} leaves nothing to take; it must leave one option at least")
        return left


@dataclass(frozen=True)
class Feature:
    """A fact about earlier answers: what one decision took, or how many took a label.

    name: as it is described.
    hits: for a count, the option of each decision that counts; for an answer the place alone.
    """

    name: str
    counts: bool
    hits: tuple[tuple[int, int], ...]

    def of(self, point: Sequence[int], before: int) -> int:
        """Its value for the options before a place: -1 for a decision that is not asked."""
        if not self.counts:
            return point[self.hits[0][0]]
        return sum(point[place] == option for place, option in self.hits if place < before)

    def after(self, value: int, place: int, option: int) -> int:
        """Its value once this decision has taken this option, too."""
        if not self.counts:
            return option if place == self.hits[0][0] else value
        return value + ((place, option) in self.hits)

    @property
    def start(self) -> int:
        """Its value before anything is answered."""
        return 0 if self.counts else -1


@dataclass(frozen=True)
class Fold:
    """A number that each answer moves, as a fact about earlier answers.

    name: as it is described, which tells it from others.
    start: its value before anything is answered.
    move: from the number before to that after an answer.
    labelled: for each decision its full name and its options.
    """

    name: str
    start: int
    move: Move = field(compare=False)
    labelled: Sequence[tuple[str, Sequence[Label]]] = field(compare=False, repr=False)
    _moves: dict[tuple[int, int, int], int] = field(
        default_factory=dict[tuple[int, int, int], int], init=False, compare=False, repr=False
    )

    def of(self, point: Sequence[int], before: int) -> int:
        """Its value for the options before a place."""
        value = self.start
        for place, option in enumerate(point[:before]):
            value = self.after(value, place, option)
        return value

    def after(self, value: int, place: int, option: int) -> int:
        """Its value once this decision has taken this option, too; a decision that is not asked moves nothing."""
        if option < 0:
            return value
        found = self._moves.get((value, place, option))
        if found is None:
            name, labels = self.labelled[place]
            found = self._moves[value, place, option] = int(self.move(value, name, labels[option]))
        return found


Fact = Feature | Fold


def answer_of(table: DecisionTable, place: int) -> Feature:
    """What one decision takes."""
    return Feature(table[place].name, False, ((place, 0),))


def count_of(table: DecisionTable, label: Label, prefix: str) -> Feature:
    """How many decisions take a label."""
    there = [(i, each.get(label)) for i, each in enumerate(table.option_index) if table[i].name.startswith(prefix)]
    return Feature(f"{prefix}*={label!r}", True, tuple((i, option) for i, option in there if option is not None))


def fold_of(table: DecisionTable, name: str, start: int, move: Move) -> Fold:
    """A number that the answers of a table move."""
    return Fold(f"fold {name}", start, move, [(each.name, each.options) for each in table])


def at_once(answers: Mapping[str, Any], said: Said) -> Earlier:
    """Reads plain answers by name, as they are when a network is built."""

    def look(name: str) -> Label | None:
        return next((answers[each] for each in said.candidates(name) if each in answers), None)

    def count(label: Label, prefix: str) -> int:
        return sum(
            type(each) is type(label) and each == label for name, each in answers.items() if name.startswith(prefix)
        )

    def fold(_: str, start: int, move: Move) -> int:
        for name, label in answers.items():
            start = int(move(start, name, label))
        return start

    return Earlier(look, count, fold)
