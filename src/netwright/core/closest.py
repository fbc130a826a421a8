"""The architecture of a space that is closest to one that is known to be good, whatever options the space has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from netwright.core.architecture import Architecture
from netwright.core.checks import is_number

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Label

PROVIDES = ("core.space_dsl",)

Wanted = Mapping[str, "Label"]


def closest(space: DecisionSpace, wanted: Wanted) -> Architecture:
    """The architecture that answers as is wanted, or nearly so where an option is not there.

    space: whose decisions are answered.
    wanted: by the decision's name or the end of it ("stage1/width" before "width"), what it should take. Of numbers the
        nearest option is taken, of other labels that are not there the first option, as where nothing is wanted.
    """
    table = space.decisions
    point: list[int] = []
    for i, decision in enumerate(table):
        if not table.active(i, point):
            point.append(-1)
            continue
        allowed = table.options_after(i, point) or (True,) * len(decision.options)
        places = [k for k, may in enumerate(allowed) if may and decision.options[k] not in decision.soft]
        point.append(_nearest(decision.options, places, _wish(decision.name, wanted)))
    return Architecture(space, tuple(point))


def named(space: DecisionSpace, many: Iterable[Wanted], name: Callable[[Architecture], str]) -> dict[str, Architecture]:
    """The closest architectures, each once, by names; in their order.

    space: whose decisions are answered.
    many: what each should answer, as `closest` takes it.
    name: of an architecture, told from its answers, so that it is true of whatever options the space has.
    """
    found: dict[str, Architecture] = {}
    for each in dict.fromkeys(closest(space, wanted) for wanted in many):
        found.setdefault(name(each), each)
    return found


def largest(space: DecisionSpace) -> Architecture:
    """The architecture whose numbers (sizes, depths) are all the largest; of other labels it takes the first.

    space: whose decisions are answered.
    """
    return _extreme(space, max)


def smallest(space: DecisionSpace) -> Architecture:
    """The architecture whose numbers (sizes, depths) are all the smallest; of other labels it takes the first.

    space: whose decisions are answered.
    """
    return _extreme(space, min)


def _extreme(space: DecisionSpace, most: Callable[[list[float]], float]) -> Architecture:
    table = space.decisions
    point: list[int] = []
    for i, decision in enumerate(table):
        if not table.active(i, point):
            point.append(-1)
            continue
        allowed = table.options_after(i, point) or (True,) * len(decision.options)
        places = [k for k, may in enumerate(allowed) if may]
        numbers = [each for k in places if is_number(each := decision.options[k])]
        wish = most(numbers) if len(numbers) == len(places) else None
        point.append(_nearest(decision.options, places, wish))
    return Architecture(space, tuple(point))


def _wish(name: str, wanted: Wanted) -> Label | None:
    """What is wanted under the longest end of a decision's name."""
    parts = name.split("/")
    ends = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((wanted[end] for end in ends if end in wanted), None)


def _nearest(options: Sequence[Label], places: Sequence[int], wish: Label | None) -> int:
    """Of the options at these places the wish, the number nearest to it, or the first."""

    def distance(place: int) -> float:
        option = options[place]
        if isinstance(option, int | float) and isinstance(wish, int | float):
            return abs(option - wish)
        return 0.0 if option == wish else float("inf")

    return min(places, key=distance)
