"""What two architectures have in common, and what one has that the other has not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from netwright.core.wording import listed
from netwright.drawings.architectures import draw_architecture
from netwright.drawings.drawing import Drawing
from netwright.drawings.layering import layered
from netwright.drawings.picture import Box, Line, Panel, Picture

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.task import TaskShape

GAP, OTHER, MOVED = 0.6, 1.1, 0.05  # cost of a box in one alone, of a pair of different ones, and of other lines
Pair = tuple[Box | None, Box | None]


def draw_difference(
    first: Architecture, second: Architecture, shape: TaskShape | None = None, *, title: str = "", small: bool = False
) -> Drawing:
    """Two architectures in one drawing: what the second adds, leaves out and does otherwise than the first.

    first, second: of one space or of two.
    shape: of the data, where spaces decide on numbers alone; by default the one that each is traced with.
    title: by default how much differs.
    small: a thumbnail without text.
    """
    before, after = (draw_architecture(each.space, each, shape).picture for each in (first, second))
    if shape is not None and any(box.details for box in before.boxes):
        before, after = (draw_architecture(each.space, each).picture for each in (first, second))
    panels = tuple(
        difference(*pair)
        for pair in _pairs_of_panels({p.title: p for p in before.panels}, {p.title: p for p in after.panels})
    )
    told = [box for panel in panels for box in panel.boxes if box.mark]
    counts = {mark: sum(box.mark == mark for box in told) for mark in ("changed", "added", "removed")}
    said = ", ".join(f"{count} {mark}" for mark, count in counts.items() if count) or "no box differs"
    lines = sum(bool(line.mark) for panel in panels for line in panel.lines)
    notes = (f"{said}; {lines} lines differ",)
    description = f"{said}: {listed([_in_words(box) for box in told], 6, '; ')}" if told else said
    return Drawing(Picture(title or f"difference: {said}", description, panels, notes), small)


def _in_words(box: Box) -> str:
    return f"{box.title} {box.mark}" + (f", {box.details[-1]}" if box.mark == "changed" else "")


def _pairs_of_panels(first: Mapping[str, Panel], second: Mapping[str, Panel]) -> list[tuple[Panel, Panel]]:
    """Those of the same title beside each other; those of different titles in their order."""
    if len(first) == len(second) and set(first) != set(second):
        return list(zip(first.values(), second.values(), strict=True))
    titles = list(dict.fromkeys((*first, *second)))
    return [(first.get(each, Panel(each, (), ())), second.get(each, Panel(each, (), ()))) for each in titles]


def difference(first: Panel, second: Panel) -> Panel:
    """One panel of both, each box and line with its mark."""
    pairs = paired(first, second)
    old = {a.name: _name(a, b) for a, b in pairs if a is not None}
    new = {b.name: _name(a, b) for a, b in pairs if b is not None}
    before = {(old[line.source], old[line.target]) for line in first.lines}
    after = {(new[line.source], new[line.target]) for line in second.lines}
    ends = dict.fromkeys([(old[line.source], old[line.target]) for line in first.lines])
    ends |= dict.fromkeys([(new[line.source], new[line.target]) for line in second.lines])
    lines = [Line(*each, "" if each in before & after else "removed" if each in before else "added") for each in ends]
    return Panel(second.title, tuple(_marked(a, b) for a, b in pairs), tuple(lines))


def _name(first: Box | None, second: Box | None) -> str:
    """One name for a pair, that no other pair has."""
    return f"{first.name if first else ''}\n{second.name if second else ''}"


def _marked(first: Box | None, second: Box | None) -> Box:
    name = _name(first, second)
    if first is None or second is None:
        return replace(first or second, name=name, mark="added" if first is None else "removed")  # pyright: ignore
    if _text(first) == _text(second):
        return replace(second, name=name)
    was = first.title if first.title != second.title else ", ".join(first.details) or "other"
    return replace(second, name=name, details=(*second.details, f"was {was}"), mark="changed")


def _text(box: Box) -> tuple[object, ...]:
    return box.title, box.details, box.kind


def paired(first: Panel, second: Panel) -> list[Pair]:
    """Boxes that correspond, in an order in which the lines of both go forward.

    States correspond by name, and what stands between the same two states. Other boxes are aligned in their order so
    that as few as possible differ (Needleman and Wunsch 1970).
    """
    left, right = _forward(first), _forward(second)
    readers = [{box.name: _read(panel, box.name) for box in panel.boxes} for panel in (first, second)]

    def cost(a: Box, b: Box) -> float:
        if "state" in (a.kind, b.kind) or "input" in (a.kind, b.kind):
            return 0.0 if a.name == b.name and a.kind == b.kind else 3 * GAP
        between = " by " in a.name and " by " in b.name
        if between and a.name.rpartition(" by ")[0] != b.name.rpartition(" by ")[0]:
            return 3 * GAP
        return (0.0 if _text(a) == _text(b) else OTHER) + MOVED * (readers[0][a.name] != readers[1][b.name])

    return _aligned(left, right, cost)


def _aligned(left: Sequence[Box], right: Sequence[Box], cost: object) -> list[Pair]:
    """The cheapest alignment."""
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left), -1, -1):
        for j in range(len(right), -1, -1):
            best[i][j] = min(_choices(best, left, right, i, j, cost), default=0.0)
    pairs: list[Pair] = []
    i = j = 0
    while i < len(left) or j < len(right):
        both = i < len(left) and j < len(right) and best[i][j] == cost(left[i], right[j]) + best[i + 1][j + 1]  # type: ignore[operator]
        alone = not both and i < len(left) and best[i][j] == GAP + best[i + 1][j]
        pairs.append((left[i] if both or alone else None, right[j] if both or not alone else None))
        i, j = i + (both or alone), j + (both or not alone)
    return pairs


def _choices(
    best: list[list[float]], left: Sequence[Box], right: Sequence[Box], i: int, j: int, cost: object
) -> list[float]:
    found: list[float] = []
    if i < len(left) and j < len(right):
        found.append(cost(left[i], right[j]) + best[i + 1][j + 1])  # type: ignore[operator]
    if i < len(left):
        found.append(GAP + best[i + 1][j])
    if j < len(right):
        found.append(GAP + best[i][j + 1])
    return found


def _read(panel: Panel, name: str) -> int:
    return sum(line.target == name for line in panel.lines)


def _forward(panel: Panel) -> list[Box]:
    """The boxes in an order in which lines go forward: cells by their states, everything else from top to bottom."""
    layer = layered([box.name for box in panel.boxes], [(line.source, line.target) for line in panel.lines])
    states = {box.name: k for k, box in enumerate(b for b in panel.boxes if b.kind in ("state", "input"))}
    into = {line.source: line.target for line in panel.lines}
    if any(" by " in box.name for box in panel.boxes):

        def key(box: Box) -> tuple[float, ...]:
            own = states.get(box.name)
            return (own, 1.0) if own is not None else (states[into[box.name]], 0.0)

        return sorted(panel.boxes, key=key)
    return sorted(panel.boxes, key=lambda box: layer[box.name])
