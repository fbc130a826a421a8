"""The cells of a space, all of their possible edges at once, so that many architectures are encoded as arrays.

A slot is an edge that some architecture has: from state to state of a cell, with an operation out of several. Which
slots there are follows from the decisions: `edges` asks for "node/sources" and for "node/0", "node/1", ... That it has
been read correctly is checked on some architectures' own graphs; where it was not, a space counts as one without cells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.errors import UserError
from netwright.predictors.encodings.naming import draws_itself, is_there, named_graphs

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Decision, Point
    from netwright.core.graph import Graph

CHECKED = 3  # architectures whose graphs must agree
NOTHING = frozenset({"none", "zero"})  # operations that pass nothing on


@dataclass(frozen=True, slots=True)
class Slot:
    """A possible edge: states by number within the cell; labels by option of `decision`, the one label without it.

    decision: the place of the decision of its operation, None where there is no choice. It is there where that decision
        is active, and where the decision at `chooser` takes one of `chosen`.
    """

    cell: int
    source: int
    target: int
    labels: tuple[str, ...]
    decision: int | None
    chooser: int | None
    chosen: frozenset[int]


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a space whose nodes read several earlier states.

    slots: of all cells.
    names, states: of each cell, its name and those of its states.
    rest: places of the decisions that are no cell's.
    ends: for each cell the states that some architecture reads nowhere, its outputs.
    """

    slots: tuple[Slot, ...]
    names: tuple[str, ...]
    states: tuple[tuple[str, ...], ...]
    ends: tuple[tuple[int, ...], ...]
    rest: tuple[int, ...]

    def inputs(self, cell: int) -> tuple[int, ...]:
        """The states that no edge leads to."""
        reached = {each.target for each in self.slots if each.cell == cell}
        return tuple(state for state in range(len(self.states[cell])) if state not in reached)

    def operations(self, cell: int) -> tuple[str, ...]:
        """Every label of the cell's edges, in the order in which they are first named."""
        return tuple(dict.fromkeys(label for each in self.slots if each.cell == cell for label in each.labels))

    def options(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For points of shape (n, decisions): which option each slot takes, and whether it is there; (n, slots)."""
        option = np.zeros((len(points), len(self.slots)), dtype=np.int64)
        there = np.ones(option.shape, dtype=bool)
        decided = [k for k, each in enumerate(self.slots) if each.decision is not None]
        if decided:
            taken = points[:, [each.decision for each in self.slots if each.decision is not None]]
            option[:, decided], there[:, decided] = np.maximum(taken, 0), taken >= 0
        for k, each in enumerate(self.slots):
            if each.decision is None and each.chooser is not None:
                there[:, k] = np.isin(points[:, each.chooser], list(each.chosen))
        return option, there


@lru_cache(maxsize=32)
def cells_of(space: DecisionSpace) -> Cells:
    """The cells of the space; with no slots, and every decision among the rest, where there are none."""
    found = _asked_for(space)
    if found is None and not draws_itself(space):
        found = _told_by_names(space)
    return found or Cells((), (), (), (), tuple(range(len(space.decisions))))


def _asked_for(space: DecisionSpace) -> Cells | None:
    """The cells that `edges` asks for, where some architectures' own graphs agree."""
    slots = _named_slots(space.decisions)
    if not slots:
        return None
    rng = np.random.default_rng(0)
    examples = [space.sample(rng) for _ in range(CHECKED)]
    try:
        graphs = [space.graph(each) for each in examples]
    except UserError:  # of a table, whose networks nobody builds
        return None
    cells = _placed(slots, graphs[0], space)
    if cells is None or any(
        _links(cells, space.indices(each)) != _drawn(cells, graph) for each, graph in zip(examples, graphs, strict=True)
    ):
        return None
    return cells


def _told_by_names(space: DecisionSpace) -> Cells | None:
    """The cells of a space that draws none, whose decisions' names tell between which states they stand."""
    graphs = [
        each
        for each in named_graphs(space.decisions)
        if is_there(space.decisions[next(iter(each.edges.values()))].options) is None
    ]
    if not graphs:
        return None
    slots = tuple(
        Slot(cell, source, target, tuple(map(str, space.decisions[place].options)), place, None, frozenset())
        for cell, graph in enumerate(graphs)
        for (source, target), place in graph.edges.items()
    )
    used = {each.decision for each in slots}
    states = tuple(tuple(f"{graph.name}{k}" for k in range(graph.states)) for graph in graphs)
    rest = tuple(place for place in range(len(space.decisions)) if place not in used)
    ends = tuple((graph.states - 1,) for graph in graphs)
    return Cells(slots, tuple(graph.name for graph in graphs), states, ends, rest)


@dataclass(frozen=True, slots=True)
class _Named:
    """A slot before its node is known: the name in front of its source's number."""

    node: str
    source: int
    decision: Decision | None
    chooser: Decision | None


def _named_slots(decisions: Sequence[Decision]) -> list[_Named]:
    by_name = {each.name: each for each in decisions}
    found: list[_Named] = []
    done: set[str] = set()
    for each in decisions:
        node, _, last = each.name.rpartition("/")
        if each.kind == "sources":
            found += [_Named(node, source, by_name.get(name or ""), each) for source, name in each.edges]
            done.update(name for _, name in each.edges if name)
        elif each.kind == "one" and last.isdecimal() and each.name not in done and f"{node}/sources" not in by_name:
            found.append(_Named(node, int(last), each, None))
    return found


def _placed(named: list[_Named], graph: Graph, space: DecisionSpace) -> Cells | None:
    """The slots between the states that the graph draws; None where it has no such states."""
    groups: dict[str, list[str]] = {}
    for node in graph.nodes:
        groups.setdefault(node.group, []).append(node.name)
    group_of = {node.name: node.group for node in graph.nodes}
    targets = {each.node: _node_of(each.node, group_of) for each in named}
    if None in targets.values():
        return None
    names = tuple(dict.fromkeys(group_of[node] for node in targets.values() if node))
    slots: list[Slot] = []
    for each in named:
        node = targets[each.node] or ""
        states = groups[group_of[node]]
        if each.source >= len(states):
            return None
        slots.append(_slot(each, names.index(group_of[node]), states.index(node), space))
    used = {place for slot in slots for place in (slot.decision, slot.chooser)}
    rest = tuple(place for place in range(len(space.decisions)) if place not in used)
    states = tuple(tuple(groups[name]) for name in names)
    ends = tuple(_ends(slots, cell, len(each), space) for cell, each in enumerate(states))
    return Cells(tuple(slots), names, states, ends, rest)


def _node_of(name: str, group_of: Mapping[str, str]) -> str | None:
    """The drawn node of that name, or of the longest part of it in front of a slash."""
    while name and name not in group_of:
        name = name.rpartition("/")[0]
    return name or None


def _slot(named: _Named, cell: int, target: int, space: DecisionSpace) -> Slot:
    places, decision, chooser = space.decisions.places, named.decision, named.chooser
    labels = tuple(map(str, decision.options)) if decision else ("",)
    chosen: list[int] = []
    if chooser:
        chosen = [k for k, kept in enumerate(chooser.options) if isinstance(kept, tuple) and named.source in kept]
    return Slot(
        cell,
        named.source,
        target,
        labels,
        places[decision.name] if decision else None,
        places[chooser.name] if chooser else None,
        frozenset(chosen),
    )


def _ends(slots: Sequence[Slot], cell: int, states: int, space: DecisionSpace) -> tuple[int, ...]:
    """The states, inputs apart, that no edge reads in some architecture."""
    own = [each for each in slots if each.cell == cell]
    reached = {each.target for each in own}

    def always_read(state: int) -> bool:
        return any(
            each.chooser is None or len(each.chosen) == space.decisions.sizes[each.chooser]
            for each in own
            if each.source == state
        )

    return tuple(state for state in range(states) if state in reached and not always_read(state))


def _links(cells: Cells, point: Point) -> Counter[tuple[str, str, str]]:
    """The edges that the slots say there are."""
    option, there = cells.options(np.array([point], dtype=np.int64))
    found: Counter[tuple[str, str, str]] = Counter()
    for k, slot in enumerate(cells.slots):
        if there[0, k]:
            states = cells.states[slot.cell]
            found[states[slot.source], states[slot.target], slot.labels[option[0, k]]] += 1
    return found


def _drawn(cells: Cells, graph: Graph) -> Counter[tuple[str, str, str]]:
    """The edges to cells' states the graph draws, each with its operation's label but not what is decided in it."""
    unlabelled = {
        (cells.states[each.cell][each.source], cells.states[each.cell][each.target])
        for each in cells.slots
        if each.decision is None
    }
    names = {state for states in cells.states for state in states}
    found: Counter[tuple[str, str, str]] = Counter()
    for each in graph.edges:
        if each.target in names:
            ends = (each.source, each.target)
            found[(*ends, "" if ends in unlabelled else each.operation.partition("(")[0])] += 1
    return found
