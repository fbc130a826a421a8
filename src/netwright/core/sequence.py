"""The decisions of a space as a controller asks them: one question after the other, each with what may be answered.

Every architecture is one sequence of answers, and every sequence of answers that the masks allow is one architecture.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.decisions import INACTIVE, Label, Point
from netwright.core.errors import InvalidArchitecture, UserError, shown
from netwright.core.listed import ListedTable
from netwright.core.steps import Role, Step, Steps, Trie
from netwright.core.token_batch import Read, TokenBatch, Walk
from netwright.core.values import value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netwright.core.decision_space import DecisionSpace


@value
class Question:
    """What is asked next.

    name: of the decision; "node1/sources[0]" asks for the first source of a set, in ascending order.
    options: the labels of the answers, always the same for one question.
    mask: for each option whether it may be taken after the answers so far; at least one may.
    role: "operation", "source", "size" (numbers), "count" (of repetitions), "link" (whether an earlier state is read
        or not, as by a skip connection) or "other" (text, switches).
    index: number of the question among all of its space, 0 <= index < `DecisionSequence.questions`.
    """

    name: str
    options: tuple[Label, ...]
    mask: tuple[bool, ...]
    role: Role
    index: int


class DecisionSequence:
    """The questions that lead to each architecture of a space, in order; made by `space.sequence()`.

    A question comes after all that it depends on. A set of sources is asked source by source, in ascending order, each
    followed by its operation and what that asks; everything else in the order of `space.decisions`. What a space
    forbids (a limit on edges, all but the architectures that are listed) the masks forbid as soon as nothing allowed
    could follow, so that no sequence of answers ends outside.
    """

    def __init__(self, space: DecisionSpace) -> None:
        self.space = space
        self._table = space.decisions
        self._steps = Steps(self._table)
        self.steps = self._steps.all
        self._asked: dict[tuple[int, tuple[bool, ...]], Question] = {}

    @property
    def questions(self) -> int:
        """How many different questions there are."""
        return len(self._steps.names)

    @cached_property
    def width(self) -> int:
        """The most options that a question has, at least 1."""
        return max((each.size for each in self.steps), default=1)

    @cached_property
    def length(self) -> int:
        """The most questions that an architecture is asked, to which batches are padded."""
        if isinstance(self._table, ListedTable):
            points = np.array(self._table.points, dtype=np.int64).reshape(-1, len(self._table))
            weights = np.array(self._weights, dtype=np.int64)
            return int(((points >= 0) * weights).sum(axis=1).max())
        return self._table.longest(self._weights)

    @property
    def _weights(self) -> list[int]:
        sets = self._steps.sets
        return [sets[i].count if i in sets else 1 for i in range(len(self._table))]

    # One question after the other.

    @cached_property
    def start(self) -> State:
        """Nothing is answered yet."""
        return State(self, (), [INACTIVE] * len(self._table), {}, 0, 0)

    def question(self, step: int, mask: tuple[bool, ...] | None) -> Question:
        """What a step asks.

        mask: of the options; all for None.
        """
        each = self.steps[step]
        mask = (True,) * each.size if mask is None else mask
        found = self._asked.get((each.question, mask))
        if found is None:
            sets = self._steps.sets.get(each.decision)
            options = self._table[each.decision].options if sets is None else sets.sources
            names, roles = self._steps.names, self._steps.roles
            found = Question(names[each.question], tuple(options), mask, roles[each.question], each.question)
            self._asked[each.question, mask] = found
        return found

    def mask(self, step: Step, point: Sequence[int], node: int, listed: int) -> tuple[bool, ...] | None:
        """Which answers may be given; None for all.

        node: in the trie of the sources.
        listed: in that of what is listed.
        """
        if self._listed is not None:
            return tuple((self._listed.following[listed, : step.size] >= 0).tolist())
        options = self._table.options_after(step.decision, point)
        if step.pick is None:
            return options
        sets = self._steps.sets[step.decision]
        if options is None:
            return tuple((sets.trie.following[node] >= 0).tolist())
        return tuple(sets.leading_to(step.pick, np.array([node]), np.array([options]))[0].tolist())

    def masks(
        self, step: Step, points: NDArray[np.int64], nodes: NDArray[np.int64], listed: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """The same for many architectures at once: (n, options)."""
        if self._listed is not None:
            return self._listed.following[listed, : step.size] >= 0
        options = self._table.options_after_each(step.decision, points)
        if step.pick is None:
            return np.ones((len(points), step.size), dtype=bool) if options is None else options
        sets = self._steps.sets[step.decision]
        return sets.trie.following[nodes] >= 0 if options is None else sets.leading_to(step.pick, nodes, options)

    @cached_property
    def _listed(self) -> Trie | None:
        """The sequences of what is listed; None for spaces without a list."""
        if not isinstance(self._table, ListedTable):
            return None
        points = np.array(self._table.points, dtype=np.int64).reshape(-1, len(self._table))
        walk = Walk(self, self._steps, len(points), masked=False)
        walk.run(self._read_points(points))
        return Trie(walk.tokens, self.width)

    # Batches.

    def encode(self, architectures: Sequence[Architecture]) -> TokenBatch:
        """The answers that lead to these architectures; InvalidArchitecture for one of another space."""
        for each in architectures:
            self.space.require_own(each)
        return self.encode_points([each.content for each in architectures])

    def encode_points(self, points: Sequence[Point]) -> TokenBatch:
        """The same of points."""
        array = np.array(points, dtype=np.int64).reshape(len(points), len(self._table))
        walk = Walk(self, self._steps, len(array), masked=True)
        walk.run(self._read_points(array))
        return walk.batch

    def decode(self, tokens: Sequence[Sequence[int]] | NDArray[np.int64]) -> list[Architecture]:
        """The architectures that these answers lead to.

        tokens: (n, length) as in a batch, padded with 0.

        Raises InvalidArchitecture, which names the sequence and the question, for an answer that could not be given.
        """
        array = np.asarray(tokens)
        if array.size and (array.ndim != 2 or array.dtype.kind not in "iu"):
            raise InvalidArchitecture(
                f"expected an array of whole numbers with a row for each architecture, found shape {array.shape} of "
                f"{array.dtype}"
            )
        array = array.astype(np.int64).reshape(len(array), array.shape[1] if array.ndim == 2 else 0)
        walk = Walk(self, self._steps, len(array), masked=True)
        walk.run(lambda step, rows, place: self._given(array, step, rows, place))
        for row in np.flatnonzero([bool(array[i, walk.lengths[i] :].any()) for i in range(len(array))])[:1]:
            raise InvalidArchitecture(
                f"sequence {row} has answers beyond the {walk.lengths[row]} questions of its architecture"
            )
        return [Architecture(self.space, tuple(point)) for point in walk.points.tolist()]

    def _read_points(self, points: NDArray[np.int64]) -> Read:
        """Reads the answer of some rows to a step out of their points."""

        def read(step: Step, rows: NDArray[np.int64], _places: NDArray[np.int64]) -> NDArray[np.int64]:
            options = points[rows, step.decision]
            return options if step.pick is None else self._steps.sets[step.decision].picks[options, step.pick]

        return read

    def picked(self, step: Step, taken: tuple[int, ...], node: int, option: int) -> tuple[tuple[int, ...], int, int]:
        """After one more source: those taken, the node in their trie, and the whole set's option or -1."""
        sets = self._steps.sets[step.decision]
        node = int(sets.trie.following[node, option])
        return (*taken, option), node, int(sets.option_at[node])

    def listed_after(self, listed: int, option: int) -> int:
        """The node in the trie of what is listed after one more answer."""
        return 0 if self._listed is None else int(self._listed.following[listed, option])

    def listed_after_each(self, listed: NDArray[np.int64], options: NDArray[np.int64]) -> NDArray[np.int64]:
        """The same for many architectures at once."""
        return listed if self._listed is None else self._listed.following[listed, options].astype(np.int64)

    def _given(
        self, tokens: NDArray[np.int64], step: Step, rows: NDArray[np.int64], places: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        short = rows[places >= tokens.shape[1]]
        if len(short):
            name = self._steps.names[step.question]
            raise InvalidArchitecture(f"sequence {short[0]} ends before it answers {name!r}")
        return tokens[rows, places]


class State:
    """Where a controller stands: what was answered so far. Answering gives another state and leaves this one alone."""

    __slots__ = ("_listed", "_picks", "_point", "_sequence", "_step", "next", "tokens")

    def __init__(
        self,
        sequence: DecisionSequence,
        tokens: tuple[int, ...],
        point: list[int],
        picks: dict[int, tuple[tuple[int, ...], int]],
        step: int,
        listed: int,
    ) -> None:
        """picks: for decisions on sources, those taken so far and the node in their trie.

        step: the first that may be asked.
        listed: the node in the trie of what is listed.
        """
        self._sequence, self.tokens, self._point, self._picks, self._listed = sequence, tokens, point, picks, listed
        self._step = self._first_active(step)
        self.next: Question | None = self._question()
        """What is asked next; None where the architecture is complete."""

    def _first_active(self, step: int) -> int:
        steps, point, picks = self._sequence.steps, self._point, self._picks
        for number in range(step, len(steps)):
            each = steps[number]
            if all(_took(picks, *given) for given in each.given) and (
                not each.facts or any(point[parent] in options for parent, options in each.facts)
            ):
                return number
        return len(steps)

    def _question(self) -> Question | None:
        sequence = self._sequence
        if self._step == len(sequence.steps):
            return None
        step = sequence.steps[self._step]
        node = self._picks[step.decision][1] if step.pick else 0
        return sequence.question(self._step, sequence.mask(step, self._point, node, self._listed))

    def answer(self, option: int) -> State:
        """Where this answer leads.

        option: number of the option, one that the mask allows; UserError for another.
        """
        option = self._allowed(option)
        sequence = self._sequence
        step = sequence.steps[self._step]
        point, picks = self._point.copy(), self._picks
        if step.pick is None:
            point[step.decision] = option
        else:
            taken, node, whole = sequence.picked(step, *picks.get(step.decision, ((), 0)), option)
            picks = {**picks, step.decision: (taken, node)}
            point[step.decision] = whole
        listed = sequence.listed_after(self._listed, option)
        return State(sequence, (*self.tokens, option), point, picks, self._step + 1, listed)

    def _allowed(self, option: int) -> int:
        """The option as a plain number; UserError where it may not be taken."""
        asked = self.next
        if asked is None:
            raise UserError("every question is answered; take the state's architecture")
        try:
            number = operator.index(option)
        except TypeError:
            number = -1
        if not 0 <= number < len(asked.options):
            raise UserError(
                f"{asked.name!r} has the options 0 to {len(asked.options) - 1}, found {shown(option)}; its labels are "
                f"{list(asked.options)}"
            )
        if not asked.mask[number]:
            allowed = [label for label, may in zip(asked.options, asked.mask, strict=True) if may]
            raise UserError(
                f"{asked.name!r} cannot be {asked.options[number]!r} after the answers so far; it may be {allowed}"
            )
        return number

    @property
    def architecture(self) -> Architecture:
        """The architecture, once everything is answered; UserError before."""
        if self.next is not None:
            raise UserError(f"the architecture is not complete: {self.next.name!r} is asked next")
        return Architecture(self._sequence.space, tuple(self._point))


def _took(picks: dict[int, tuple[tuple[int, ...], int]], decision: int, pick: int, source: int) -> bool:
    taken = picks.get(decision, ((), 0))[0]
    return len(taken) > pick and taken[pick] == source
