"""The decisions of a table as questions in a row: a set of sources is asked source by source, each with its operation.

A step is a place in that row. The operation on a source follows the source directly, whichever of the node's sources it
is, so that its decision has a step after each of them; an architecture takes one of these at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from netwright.core.decisions import Decision, DecisionTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

Role = Literal["operation", "source", "size", "count", "other", "link"]
ROLES: tuple[Role, ...] = ("operation", "source", "size", "count", "other", "link")
Fact = tuple[int, frozenset[int]]  # holds where the decision at this place has one of these options
Given = tuple[int, int, int]  # the decision of the sources, which of its picks, and the source that it takes


@dataclass(frozen=True, slots=True)
class Step:
    """One place at which a question may be asked.

    decision: place in the table.
    pick: which source of a set it asks for, None for a whole decision.
    question: number of the question, which several steps may share.
    size: options of the question.
    given: the picks that it follows, all of which it needs.
    facts: what it needs besides, any of them; none if empty.
    """

    decision: int
    pick: int | None
    question: int
    size: int
    given: tuple[Given, ...]
    facts: tuple[Fact, ...]


class Trie:
    """Which token may follow which: the sequences that begin alike share a node. Node 0 is before the first token.

    sequences: (n, length), padded alike where they are shorter. `following[node, token]` is the next node, -1 for none.
        `ends[i]` is the node after the last token of sequence i.
    """

    def __init__(self, sequences: NDArray[np.int64], tokens: int) -> None:
        node = np.zeros(len(sequences), dtype=np.int64)
        tables: list[NDArray[np.int32]] = []
        first, count = 0, 1  # of the nodes on this level
        for column in sequences.T:
            found, place = np.unique((node - first) * tokens + column, return_inverse=True)
            table = np.full(count * tokens, -1, dtype=np.int32)
            table[found] = first + count + np.arange(len(found))
            tables.append(table.reshape(count, tokens))
            first, count = first + count, len(found)
            node = first + place.reshape(-1)
        tables.append(np.full((count, tokens), -1, dtype=np.int32))
        self.following: NDArray[np.int32] = np.concatenate(tables)
        self.ends = node


class SourceSets:
    """The options of a decision on sources, one source at a time in ascending order."""

    def __init__(self, decision: Decision) -> None:
        options = cast("Sequence[tuple[int, ...]]", decision.options)
        self.sources = tuple(sorted({source for option in options for source in option}))
        places = {source: i for i, source in enumerate(self.sources)}
        self.picks = np.array([[places[source] for source in option] for option in options], dtype=np.int64)
        self.count = self.picks.shape[1]

    @cached_property
    def trie(self) -> Trie:
        return Trie(self.picks, len(self.sources))

    @cached_property
    def option_at(self) -> NDArray[np.int64]:
        """For each node of the trie the option that ends there, -1 for none."""
        found = np.full(len(self.trie.following), -1, dtype=np.int64)
        found[self.trie.ends] = np.arange(len(self.trie.ends))
        return found

    def leading_to(self, pick: int, nodes: NDArray[np.int64], options: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which sources may be taken next, (n, sources), after those at these nodes, (n,), where so many options may.

        options: (n, options), whether the set may be taken.
        """
        left = options & (self._before(pick) == nodes[:, None])
        onto = np.eye(len(self.sources), dtype=np.float32)[self.picks[:, pick]]
        return left.astype(np.float32) @ onto > 0

    def _before(self, pick: int) -> NDArray[np.int64]:
        """The node of each option before this pick."""
        nodes = np.zeros(len(self.picks), dtype=np.int64)
        for column in self.picks[:, :pick].T:
            nodes = self.trie.following[nodes, column].astype(np.int64)
        return nodes


class Steps:
    """All steps of a table, in order. sets: by place in the table, what is asked source by source."""

    def __init__(self, table: DecisionTable) -> None:
        self._table = table
        self.sets = {i: SourceSets(each) for i, each in enumerate(table) if _splits(each)}
        self._facts = [table.facts(i) for i in range(len(table))]
        self._groups: dict[tuple[int, int], list[int]] = {}  # by sources and source, what is asked for it alone
        self._owner: dict[int, tuple[int, int]] = {}
        self._held: dict[Fact, NDArray[np.bool_]] = {}
        self._group()
        self.names: list[str] = []  # of the questions
        self.roles: list[Role] = []
        self._numbers: dict[tuple[int, int | None], int] = {}
        self.all: tuple[Step, ...] = tuple(self._asked((i for i in range(len(table)) if i not in self._owner), ()))

    def holds(self, fact: Fact) -> NDArray[np.bool_]:
        """For each option whether the fact holds; the last entry, where -1 points, is False."""
        found = self._held.get(fact)
        if found is None:
            found = self._held[fact] = np.zeros(self._table.sizes[fact[0]] + 1, dtype=bool)
            found[[*fact[1]]] = True
        return found

    def _group(self) -> None:
        """Find what is asked for one source of one set alone: its operation, and what that asks in turn."""
        for i in range(len(self._table)):
            owners = {self._owner_by(*fact) for fact in self._facts[i]}
            owner = owners.pop() if len(owners) == 1 and not self._table.is_ruled(i) else None
            if owner is not None:
                self._owner[i] = owner
                self._groups.setdefault(owner, []).append(i)

    def _owner_by(self, parent: int, options: frozenset[int]) -> tuple[int, int] | None:
        """The sources and the source that a fact speaks of; None where it is of no single source."""
        sets = self.sets.get(parent)
        if sets is not None:
            for source in range(len(sets.sources)):
                if options == frozenset(np.flatnonzero((sets.picks == source).any(axis=1)).tolist()):
                    return parent, source
        return self._owner.get(parent)

    def _asked(self, places: Iterable[int], given: tuple[Given, ...]) -> Iterator[Step]:
        for i in places:
            parents = {fact[0] for fact in self._facts[i]}
            facts = () if given and given[-1][0] in parents else self._facts[i]
            if i not in self.sets:
                yield Step(i, None, self._number(i, None), self._table.sizes[i], given, facts)
                continue
            sets = self.sets[i]
            for pick in range(sets.count):
                yield Step(i, pick, self._number(i, pick), len(sets.sources), given, facts)
                for source in np.unique(sets.picks[:, pick]).tolist():
                    yield from self._asked(self._groups.get((i, source), ()), (*given, (i, pick, source)))

    def _number(self, i: int, pick: int | None) -> int:
        """The number of a question, the same in all of its steps."""
        number = self._numbers.get((i, pick))
        if number is None:
            number = self._numbers[i, pick] = len(self.names)
            decision = self._table[i]
            self.names.append(
                f"{decision.name}[{pick}]" if pick is not None and self.sets[i].count > 1 else decision.name
            )
            self.roles.append(role_of(decision))
        return number


def _splits(decision: Decision) -> bool:
    """Whether a decision's options are sets of sources of one size, each in ascending order."""
    options = decision.options if decision.kind == "sources" else ()
    sizes = {len(each) if isinstance(each, tuple) and sorted(each) == list(each) else 0 for each in options}
    return len(sizes) == 1 and 0 not in sizes


def role_of(decision: Decision) -> Role:
    """What a decision is about. Numbers are sizes, but for a plain 0 or 1."""
    if decision.kind != "value":
        kinds: dict[str, Role] = {"one": "operation", "sources": "source", "repeat": "count", "link": "link"}
        return kinds[decision.kind]
    numbers = all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in decision.options)
    return "size" if numbers and set(decision.options) != {0, 1} else "other"
