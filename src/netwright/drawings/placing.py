"""Where boxes stand in their rows: each as near to the middle of what it is connected to as its neighbours allow."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

SWEEPS = 24
LIGHT = 0.1  # how much less a line that passes draws a box to itself than another box does
STRAIGHT = 8.0  # how much more lines over several rows count than boxes do, so that they are straight


def placed(
    rows: Sequence[Sequence[str]],
    above: Mapping[str, Sequence[str]],
    below: Mapping[str, Sequence[str]],
    width: Mapping[str, float],
    gap: float,
) -> dict[str, float]:
    """The middle of each name, in pixels from the left.

    rows: in their order. above, below: as in `ordering.ordered`.
    width: of each name in pixels; 0 for a place where a line passes.
    gap: pixels between two neighbours of a row.
    """
    at = _packed(rows, width, gap)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            beside = above if down else below
            wanted = [_mean(name, at, width, beside[name] or below[name] or above[name]) for name in row]
            weights = [_weight(name, width, beside[name]) for name in row]
            apart = [_apart(a, b, width, gap) for a, b in itertools.pairwise(row)]
            at.update(zip(row, nearest(wanted, weights, apart), strict=True))
    left = min((at[name] - width[name] / 2 for row in rows for name in row), default=0.0)
    return {name: place - left for name, place in at.items()}


def nearest(wanted: Sequence[float], weights: Sequence[float], apart: Sequence[float]) -> list[float]:
    """The places with the least weighted squared distance to the wanted ones that lie as far apart as is asked.

    Isotonic regression by pooling (Ayer et al. 1955), after what lies between was taken off.

    wanted, weights: one a place.
    apart: the least distance from each place to the next.
    """
    offsets = [0.0]
    for distance in apart:
        offsets.append(offsets[-1] + distance)
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for want, weight, offset in zip(wanted, weights, offsets, strict=False):
        mean, total, count = want - offset, weight, 1
        while pools and pools[-1][0] > mean:
            other, more, members = pools.pop()
            mean, total, count = (mean * total + other * more) / (total + more), total + more, count + members
        pools.append((mean, total, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]


def _packed(rows: Sequence[Sequence[str]], width: Mapping[str, float], gap: float) -> dict[str, float]:
    """Each row close together, around the same middle."""
    at: dict[str, float] = {}
    for row in rows:
        x = -(sum(width[name] for name in row) + gap * (len(row) - 1)) / 2
        for name in row:
            at[name] = x + width[name] / 2
            x += width[name] + gap
    return at


def _apart(left: str, right: str, width: Mapping[str, float], gap: float) -> float:
    lines = (not width[left]) + (not width[right])
    return (width[left] + width[right]) / 2 + gap * (1.0, 0.75, 0.5)[lines]


def _mean(name: str, at: Mapping[str, float], width: Mapping[str, float], beside: Sequence[str]) -> float:
    """Where a name would best stand: for a box, boxes count more than lines that pass."""
    weights = [LIGHT if width[name] and not width[each] else 1.0 for each in beside]
    wanted = sum(at[each] * weight for each, weight in zip(beside, weights, strict=True))
    return wanted / sum(weights) if beside else at[name]


def _weight(name: str, width: Mapping[str, float], beside: Sequence[str]) -> float:
    """How much it counts that a name stands where it wants: most within a line over several rows, least at its ends."""
    if width[name]:
        return 1.0
    return LIGHT if any(width[each] for each in beside) else STRAIGHT
