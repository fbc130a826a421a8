"""Which boxes stand at the same height: the first step of a layered drawing (Sugiyama et al. 1981)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netwright.core.errors import UserError

PASSES = 20  # over all boxes, to shorten lines


def layered(names: Sequence[str], lines: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The layer of each box, 0 at the top: every line goes down, and lines are short.

    names: of the boxes.
    lines: pairs of names, without circles.

    Raises UserError where the lines go in a circle.
    """
    before, after = neighbours(names, lines)
    layer = _earliest(names, before, after)
    last = max(layer.values(), default=0)
    for name in names:
        if not after[name] and before[name] and name.rpartition("/")[2] in ("output", "out"):
            layer[name] = last
    return _shortened(layer, before, after)


def neighbours(
    names: Sequence[str], lines: Sequence[tuple[str, str]]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """For each box those that lead to it, and those to which it leads; several lines count so often."""
    before: dict[str, list[str]] = {name: [] for name in names}
    after: dict[str, list[str]] = {name: [] for name in names}
    for source, target in lines:
        after[source].append(target)
        before[target].append(source)
    return before, after


def _earliest(
    names: Sequence[str], before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """Each box one layer below the lowest that leads to it."""
    open_lines = {name: len(before[name]) for name in names}
    ready = [name for name in names if not open_lines[name]]
    layer: dict[str, int] = {}
    while ready:
        name = ready.pop(0)
        layer[name] = max((layer[each] + 1 for each in before[name]), default=0)
        for each in after[name]:
            open_lines[each] -= 1
            if not open_lines[each]:
                ready.append(each)
    if len(layer) < len(names):
        circle = next(name for name in names if name not in layer)
        raise UserError(f"a drawing's lines go from top to bottom; those at {circle!r} go in a circle")
    return layer


def _shortened(
    layer: dict[str, int], before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """Boxes moved to where their lines are shortest: down to what reads them unless more leads to them than away."""
    for _ in range(PASSES):
        moved = False
        for name in sorted(layer, key=lambda each: -layer[each]):
            place = _better(name, layer, before, after)
            moved, layer[name] = moved or place != layer[name], place
        if not moved:
            break
    return layer


def _better(
    name: str, layer: Mapping[str, int], before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]
) -> int:
    if not before[name] or not after[name]:
        return layer[name]
    highest = max(layer[each] for each in before[name]) + 1
    lowest = min(layer[each] for each in after[name]) - 1
    return lowest if len(after[name]) >= len(before[name]) else highest
