"""A drawing that is too high for a page, broken into columns that are read from the left to the right."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from netwright.drawings.places import Laid, Point, Spot, Way

HIGHEST = 760.0  # pixels up to which a drawing stays in one column
SHAPE = 1.5  # width by height that is aimed at
MOST_LINES = 3  # that may go on from one column to the next
HIGHER = 1150.0  # pixels up to which it stays in one column if more than one line would go on
LINE = 0.2  # how much of a column's height it may be shorter or longer for one line less
GUTTER = 34.0  # pixels between columns, and so much more for each line in it
LANE = 9.0
Rows = Sequence[tuple[float, float]]  # upper edge and height of each row


def in_columns(laid: Laid, rows: Rows) -> Laid:
    """The drawing in so many columns that it has about the shape of a page; itself where it is low enough.

    It is broken between rows where few lines pass.
    """
    if laid.height <= HIGHEST:
        return laid
    count = round(math.sqrt(SHAPE * laid.height / (laid.width + 2 * GUTTER)))
    breaks = _breaks(laid, rows, max(1, count))
    return _broken(laid, breaks) if breaks else laid


def _breaks(laid: Laid, rows: Rows, count: int) -> list[float]:
    """The heights at which it is broken: those in the middle between two rows that are nearest to equal parts."""
    between = [(upper[0] + upper[1] + lower[0]) / 2 for upper, lower in pairwise(rows)]
    lines = {y: len(_crossing(laid, y)) for y in between}
    most = MOST_LINES if laid.height > HIGHER else 1
    allowed = [y for y in between if lines[y] <= most]
    part = laid.height / count

    def worth(y: float, want: float) -> float:
        return abs(y - want) / part + LINE * lines[y]

    wanted = [part * k for k in range(1, count)]
    near = [min(allowed, key=lambda y, want=want: worth(y, want), default=-1.0) for want in wanted]
    return sorted({y for y, want in zip(near, wanted, strict=True) if y > 0 and abs(y - want) < part / 2})


def _crossing(laid: Laid, y: float) -> list[int]:
    """The ways that pass this height, from the left to the right."""
    found = [k for k, way in enumerate(laid.ways) if way.bends[0][1] < y < way.bends[-1][1]]
    return sorted(found, key=lambda k: _at(laid.ways[k], y))


def _at(way: Way, y: float) -> float:
    """How far from the left a way is at this height."""
    return next((x + to_x) / 2 for (x, at), (to_x, to) in pairwise(way.bends) if at <= y <= to)


def _broken(laid: Laid, breaks: Sequence[float]) -> Laid:
    """Each part beside the one before it, with lanes for what goes on."""
    shifts: list[Point] = []
    x, lanes = 0.0, [_crossing(laid, y) for y in breaks]
    depth = 2 * LANE + LANE * max(map(len, lanes))
    for number in range(len(breaks) + 1):
        left, right, top = _extent(laid, breaks, number)
        shifts.append((x - left, (depth if number else 0.0) - top))
        after = GUTTER + LANE * len(lanes[number]) if number < len(lanes) else 0.0
        x += right - left + after
    shifts[0] = (shifts[0][0], shifts[0][1] + depth)
    spots = {name: _moved(spot, shifts[bisect_right(breaks, spot.y)]) for name, spot in laid.spots.items()}
    bottom = max(spot.y + spot.height / 2 for spot in spots.values())
    ways = tuple(_led(way, k, breaks, lanes, shifts, laid, bottom) for k, way in enumerate(laid.ways))
    height = max(y for way in ways for _, y in way.bends)
    return Laid(spots, ways, x, max(bottom, height) + LANE)


def _extent(laid: Laid, breaks: Sequence[float], number: int) -> tuple[float, float, float]:
    """The left, the right and the upper edge of a part."""
    spots = [spot for spot in laid.spots.values() if bisect_right(breaks, spot.y) == number]
    xs = [x for way in laid.ways for x, y in way.bends if bisect_right(breaks, y) == number]
    left = min(xs + [spot.x - spot.width / 2 for spot in spots])
    right = max(xs + [spot.x + spot.width / 2 for spot in spots])
    return left, right, min(spot.y - spot.height / 2 for spot in spots)


def _moved(spot: Spot, by: Point) -> Spot:
    return replace(spot, x=spot.x + by[0], y=spot.y + by[1])


def _led(
    way: Way,
    number: int,
    breaks: Sequence[float],
    lanes: Sequence[Sequence[int]],
    shifts: Sequence[Point],
    laid: Laid,
    bottom: float,
) -> Way:
    """The way of a line in its new place: below its column, up beside it, and over the next one where it goes on."""
    bends: list[Point] = []
    straight: set[int] = set()
    parts = [bisect_right(breaks, y) for _, y in way.bends]
    for k, ((x, y), part) in enumerate(zip(way.bends, parts, strict=True)):
        dx, dy = shifts[part]
        if k and parts[k - 1] < part:
            for cut in range(parts[k - 1], part):
                bends, straight = _around(
                    bends, straight, number, lanes[cut], _gutter(laid, breaks, shifts, cut), bottom
                )
            bends.append((x + dx, bends[-1][1]))
            straight |= {len(bends) - 2, len(bends) - 1}
        elif k and (k - 1) in way.straight:
            straight.add(len(bends) - 1)
        bends.append((x + dx, y + dy))
    return replace(way, bends=tuple(bends), straight=frozenset(straight))


def _gutter(laid: Laid, breaks: Sequence[float], shifts: Sequence[Point], cut: int) -> float:
    """The right edge of a column."""
    return _extent(laid, breaks, cut)[1] + shifts[cut][0]


def _around(
    bends: list[Point], straight: set[int], number: int, lane: Sequence[int], edge: float, bottom: float
) -> tuple[list[Point], set[int]]:
    """From the last point down, to the right, and up to the head of the next column."""
    place = lane.index(number)
    out = len(lane) - 1 - place
    low, high, x = bottom + LANE * (1 + out), LANE * place, edge + GUTTER / 2 + LANE * out
    first = len(bends) - 1
    more = [(bends[-1][0], low), (x, low), (x, high)]
    return [*bends, *more], straight | {first, first + 1, first + 2}
