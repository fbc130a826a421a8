"""In which order boxes stand beside each other, so that few lines cross (Sugiyama et al. 1981; Gansner et al. 1993)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

SWEEPS = 12  # down and up in turn, once beginning at the top and once at the bottom
MANY = 1500  # places and lines between layers from which on fewer sweeps are made


def ordered(
    rows: Sequence[Sequence[str]], above: Mapping[str, Sequence[str]], below: Mapping[str, Sequence[str]]
) -> list[list[str]]:
    """The rows in an order with few crossings; deterministic.

    rows: names from top to bottom, lines between neighbouring rows only.
    above, below: for each name those of the rows beside to which lines lead.
    """
    best = [list(row) for row in rows]
    fewest = crossings(best, below)
    sweeps = SWEEPS if sum(map(len, below.values())) < MANY else SWEEPS // 4
    for first in (0, 1):
        current = [list(row) for row in rows]
        for sweep in range(first, sweeps + first):
            if fewest == 0:
                return best
            down = sweep % 2 == 0
            current = _exchanged(
                _swept(current, above if down else below, down=down, turned=sweep % 4 > 1), above, below
            )
            found = crossings(current, below)
            if found < fewest:
                best, fewest = [list(row) for row in current], found
    return best


def crossings(rows: Sequence[Sequence[str]], below: Mapping[str, Sequence[str]]) -> int:
    """How many pairs of lines cross between neighbouring rows."""
    return sum(_between(row, following, below) for row, following in itertools.pairwise(rows))


def _between(row: Sequence[str], following: Sequence[str], below: Mapping[str, Sequence[str]]) -> int:
    """Inversions among the places at which the lines end, taken by the places at which they begin."""
    place = {name: k for k, name in enumerate(following)}
    ends = [end for name in row for end in sorted(place[each] for each in below[name])]
    tree = [0] * (len(following) + 1)
    total = 0
    for seen, end in enumerate(ends):
        at, before = end + 1, 0
        while at:  # how many earlier ends lie at or before this one
            before += tree[at]
            at &= at - 1
        total += seen - before
        at = end + 1
        while at < len(tree):
            tree[at] += 1
            at += at & -at
    return total


def _swept(
    rows: Sequence[Sequence[str]], beside: Mapping[str, Sequence[str]], *, down: bool, turned: bool
) -> list[list[str]]:
    """Each row sorted by the mean place of what its names are connected to in the row that was sorted before it.

    turned: whether those with the same mean change their order.
    """
    result = [list(row) for row in rows]
    numbers = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
    for k in numbers:
        place = {name: at for at, name in enumerate(result[k - 1 if down else k + 1])}
        wanted = {
            name: sum(place[each] for each in beside[name]) / len(beside[name]) if beside[name] else float(at)
            for at, name in enumerate(result[k])
        }
        result[k] = sorted(reversed(result[k]) if turned else result[k], key=wanted.__getitem__)
    return result


def _exchanged(
    rows: list[list[str]], above: Mapping[str, Sequence[str]], below: Mapping[str, Sequence[str]]
) -> list[list[str]]:
    """Neighbours of a row exchanged wherever fewer lines cross then."""
    for number, row in enumerate(rows):
        places = [
            {name: at for at, name in enumerate(rows[other])} if 0 <= other < len(rows) else {}
            for other in (number - 1, number + 1)
        ]
        for at in range(len(row) - 1):
            left, right = row[at], row[at + 1]
            pairs = [(above, places[0]), (below, places[1])]
            now = sum(_pair(beside[left], beside[right], place) for beside, place in pairs)
            then = sum(_pair(beside[right], beside[left], place) for beside, place in pairs)
            if then < now:
                row[at], row[at + 1] = right, left
    return rows


def _pair(left: Sequence[str], right: Sequence[str], place: Mapping[str, int]) -> int:
    """Crossings of the lines of two names, the left one first."""
    return sum(place[a] > place[b] for a in left for b in right)
