"""Networks that go down to a low resolution and up again, drawn as the U that they are called by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from netwright.drawings.layering import layered
from netwright.drawings.picture import Line, Panel
from netwright.drawings.places import Laid, Point, Spot, Way
from netwright.drawings.rows import Arranged, arranged, at_heights
from netwright.drawings.sizes import Style

BETWEEN = 70.0  # pixels between the way down and the way up
BELOW = 16.0  # pixels of the line at the bottom below the boxes
ROOM = 12.0  # pixels between lines of the gutter
LONG = 3  # rows that a line across the U passes at least


def way_up(panel: Panel) -> frozenset[str]:
    """The names of the boxes on the way up; none where the panel is no U.

    It is one where the resolution falls, rises again to at least twice the lowest, and lines lead across.
    """
    sides = {box.name: box.side for box in panel.boxes}
    if len(sides) < 6 or sum(side > 0 for side in sides.values()) < len(sides) / 2:
        return frozenset()
    layer = layered(list(sides), [(line.source, line.target) for line in panel.lines])
    rows = [max((sides[name] for name in sides if layer[name] == k), default=0) for k in range(max(layer.values()) + 1)]
    known = [(k, side) for k, side in enumerate(rows) if side]
    lowest = min(side for _, side in known)
    turn = max(k for k, side in known if side == lowest)
    if known[0][1] < 2 * lowest or known[-1][1] < 2 * lowest:
        return frozenset()
    up = frozenset(name for name in sides if layer[name] > turn)
    across = [line for line in panel.lines if (line.source in up) != (line.target in up)]
    long = [line for line in across if layer[line.target] - layer[line.source] >= LONG]
    return up if long and len(across) - len(long) == 1 else frozenset()


def in_u(panel: Panel, up: frozenset[str], style: Style) -> Laid:
    """The panel with the way down on the left, the way up on the right, and what leads across at one height.

    up: the names of the boxes on the way up.
    """
    left = arranged(_part(panel, [box.name for box in panel.boxes if box.name not in up]), style)
    right = arranged(_turned(_part(panel, [box.name for box in panel.boxes if box.name in up])), style)
    across = [line for line in panel.lines if line.source not in up and line.target in up]
    tops = _tops(left, right, across)
    down, back = at_heights(left, tops[0]), at_heights(right, tops[1])
    shift = down.width + BETWEEN
    spots = {**down.spots, **{name: replace(spot, x=spot.x + shift) for name, spot in back.spots.items()}}
    bottom = max(spot.y + spot.height / 2 for spot in spots.values()) + BELOW
    ways = {way.line: way for way in (*down.ways, *(_upwards(way, shift) for way in back.ways))}
    last = max(across, key=lambda line: spots[line.source].y + spots[line.target].y)
    ways |= {
        line: _below(line, spots, bottom) if line is last else _over(line, spots, shift - BETWEEN / 2 + ROOM * k)
        for k, line in enumerate(across)
    }
    return Laid(spots, tuple(ways[line] for line in panel.lines), shift + back.width, bottom + 2)


def _part(panel: Panel, names: Sequence[str]) -> Panel:
    """These boxes, and the lines between them."""
    boxes = tuple(box for box in panel.boxes if box.name in set(names))
    return Panel("", boxes, tuple(line for line in panel.lines if {line.source, line.target} <= set(names)))


def _turned(panel: Panel) -> Panel:
    return Panel("", panel.boxes[::-1], tuple(Line(line.target, line.source, line.mark) for line in panel.lines))


def _tops(left: Arranged, right: Arranged, across: Sequence[Line]) -> tuple[list[float], list[float]]:
    """The upper edges of the rows of both, so that the ends of lines across stand at one height where they can."""
    level: list[tuple[int, int]] = []
    for pair in sorted({(left.row[line.source], right.row[line.target]) for line in across}):
        if not level or (pair[0] > level[-1][0] and pair[1] > level[-1][1]):
            level.append(pair)
    at = [[0.0] * len(each.rows) for each in (left, right)]  # middles
    for _ in range(len(left.rows) + len(right.rows)):
        for each, middles in zip((left, right), at, strict=True):
            for k, (a, b) in enumerate(pairwise(each.heights)):
                middles[k + 1] = max(middles[k + 1], middles[k] + a / 2 + each.drops[k] + b / 2)
        for k, j in level:
            at[0][k] = at[1][j] = max(at[0][k], at[1][j])
    first = min(middles[0] - each.heights[0] / 2 for each, middles in zip((left, right), at, strict=True) if each.rows)
    tops = [
        [middle - height / 2 - first for middle, height in zip(middles, each.heights, strict=True)]
        for each, middles in zip((left, right), at, strict=True)
    ]
    return tops[0], tops[1]


def _upwards(way: Way, shift: float) -> Way:
    """A way of the turned part, from its end to its beginning."""
    bends = tuple((x + shift, y) for x, y in reversed(way.bends))
    straight = frozenset(len(bends) - 2 - k for k in way.straight)
    line = Line(way.line.target, way.line.source, way.line.mark)
    return Way(line, bends, straight, "up")


def _over(line: Line, spots: Mapping[str, Spot], x: float) -> Way:
    """Across, from the right side of one box to the left side of another."""
    source, target = spots[line.source], spots[line.target]
    start, end = (source.x + source.width / 2, source.y), (target.x - target.width / 2, target.y)
    bends: tuple[Point, ...] = (start, (x, start[1]), (x, end[1]), end) if abs(start[1] - end[1]) > 1 else (start, end)
    return Way(line, bends, frozenset(range(len(bends) - 1)), "right")


def _below(line: Line, spots: Mapping[str, Spot], bottom: float) -> Way:
    """From the last box of the way down to the first of the way up."""
    source, target = spots[line.source], spots[line.target]
    start, end = (source.x, source.y + source.height / 2), (target.x, target.y + target.height / 2)
    bends = (start, (start[0], bottom), (end[0], bottom), end)
    return Way(line, bends, frozenset(range(3)), "up")
