"""Graphs that the names of decisions tell: "edge0_1", "e01" or "op/0/1" stand on the edge between two numbered states.

For spaces of a user's own that do not draw their graph (`Space.graph`), and for tables with a column a decision. The
numbers of a group of names must make one graph: each but the first is reached, each but the last leads on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwright.core.among import Among
from netwright.core.decision_space import DecisionSpace

if TYPE_CHECKING:
    from netwright.core.decisions import Decision, Label

LEAST_EDGES = 3
ABSENT = frozenset({"0", "false", "no", "none", "off", "zero", "absent"})  # of an edge, as text in lower case
_TWO = re.compile(r"(.*?)(\d+)\D+(\d+)(\D*)")
_DIGITS = re.compile(r"(\D*)(\d)(\d)(\D*)")
_ONE = re.compile(r"(\D*)(\d+)(\D*)")


@dataclass(frozen=True, slots=True)
class NamedGraph:
    """One cell.

    edges: by numbers (from, to), ascending from 0, the place of the edge's decision.
    name: what the names of its decisions begin with.
    """

    name: str
    edges: dict[tuple[int, int], int]

    @property
    def states(self) -> int:
        return 1 + max(target for _, target in self.edges)


def draws_itself(space: DecisionSpace) -> bool:
    """Whether the space says itself what its graph is."""
    return type(space.space if isinstance(space, Among) else space).graph is not DecisionSpace.graph


def named_graphs(decisions: Sequence[Decision]) -> list[NamedGraph]:
    """The graphs between numbered states whose edges have a decision each, all with the same options."""
    groups: dict[tuple[str, str], dict[tuple[int, int], int]] = {}
    for place, each in enumerate(decisions):
        found = _TWO.fullmatch(each.name) or _DIGITS.fullmatch(each.name)
        if found and each.kind in ("one", "value") and not each.conditions:
            pair = int(found[2]), int(found[3])
            groups.setdefault((found[1], found[4]), {})[pair] = place
    made = [_graph(begin, edges, decisions) for (begin, _), edges in groups.items()]
    return [each for each in made if each is not None]


def _graph(begin: str, edges: dict[tuple[int, int], int], decisions: Sequence[Decision]) -> NamedGraph | None:
    """The graph of these pairs of numbers, renumbered from 0; None where they make none."""
    if len(edges) < LEAST_EDGES or any(source >= target for source, target in edges):
        return None
    if len({decisions[place].options for place in edges.values()}) > 1:
        return None
    numbers = sorted({number for pair in edges for number in pair})
    reached, leading = {target for _, target in edges}, {source for source, _ in edges}
    if reached != set(numbers[1:]) or leading != set(numbers[:-1]):
        return None
    place = {number: k for k, number in enumerate(numbers)}
    return NamedGraph(begin, {(place[a], place[b]): each for (a, b), each in sorted(edges.items())})


def is_there(options: Sequence[Label]) -> int | None:
    """Of two options, one of which is no edge, the number of the other; None for options of another kind."""
    absent = [str(option).lower() in ABSENT for option in options]
    plain = len(options) == 2 and sum(absent) == 1 and str(options[absent.index(False)]).lower() in _PRESENT
    return absent.index(False) if plain else None


_PRESENT = frozenset({"1", "true", "yes", "edge", "on", "present"})


def numbered(decisions: Sequence[Decision], count: int) -> dict[int, int] | None:
    """The decisions of `count` inner vertices by their names' numbers, in order, as places; None where there are none.

    They have the same options, one number in their names, and the same text around it.
    """
    groups: dict[tuple[str, str], dict[int, int]] = {}
    for place, each in enumerate(decisions):
        found = _ONE.fullmatch(each.name)
        if found and each.kind in ("one", "value") and not each.conditions:
            groups.setdefault((found[1], found[3]), {})[int(found[2])] = place
    fitting = [
        group
        for group in groups.values()
        if len(group) == count and len({decisions[place].options for place in group.values()}) == 1
    ]
    if len(fitting) != 1:
        return None
    return {k: fitting[0][number] for k, number in enumerate(sorted(fitting[0]), start=1)}
