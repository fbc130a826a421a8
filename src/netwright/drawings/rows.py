"""The rows of a panel, their order and places, and the ways of the lines between them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netwright.drawings.layering import layered
from netwright.drawings.ordering import ordered
from netwright.drawings.picture import Line, Panel
from netwright.drawings.places import Laid, Spot, Way
from netwright.drawings.placing import placed
from netwright.drawings.sizes import Style, sizes_of

STEEP = 0.12  # how much further apart rows stand for each pixel that a line between them goes sideways
MOST_DROP = 60.0


@dataclass(frozen=True, slots=True)
class Arranged:
    """A panel whose boxes have their rows and their places in them, but no heights yet.

    rows: names of boxes and of places where lines pass, from top to bottom.
    chains: of each line its names from row to row.
    xs: the middle of each name, in pixels from the left.
    sizes: width and height of each name.
    heights, drops: of each row, and the least room below it, in pixels.
    """

    panel: Panel
    rows: Sequence[Sequence[str]]
    chains: Sequence[Sequence[str]]
    xs: Mapping[str, float]
    sizes: Mapping[str, tuple[float, float]]
    heights: Sequence[float]
    drops: Sequence[float]

    @property
    def row(self) -> dict[str, int]:
        """The number of each name's row."""
        return {name: k for k, row in enumerate(self.rows) for name in row}

    @property
    def tops(self) -> list[float]:
        """The upper edge of each row where they stand as close as they may."""
        steps = [height + drop for height, drop in zip(self.heights, self.drops, strict=True)]
        return [0.0, *itertools.accumulate(steps)][: len(self.rows)]


def arranged(panel: Panel, style: Style) -> Arranged:
    """Rows, their order, and places in them.

    Raises UserError for lines that go in a circle.
    """
    names = [box.name for box in panel.boxes]
    layer = layered(names, [(line.source, line.target) for line in panel.lines])
    rows, chains = _with_passes(names, layer, panel.lines)
    above, below = _beside(rows, chains)
    rows = ordered(rows, above, below)
    sizes = {name: (0.0, 0.0) for row in rows for name in row} | sizes_of(panel, style)
    xs = placed(rows, above, below, {name: size[0] for name, size in sizes.items()}, style.gap)
    heights = [max(sizes[name][1] for name in row) for row in rows]
    return Arranged(panel, rows, chains, xs, sizes, heights, _drops(rows, below, xs, style))


def at_heights(found: Arranged, tops: Sequence[float]) -> Laid:
    """The panel with each row at its height.

    tops: the upper edges of the rows.
    """
    spots = {
        name: Spot(found.xs[name], tops[k] + found.heights[k] / 2, *found.sizes[name])
        for k, row in enumerate(found.rows)
        for name in row
    }
    ways = _ways(found.panel.lines, found.chains, spots, found.row, tops, found.heights)
    right = max((spot.x + spot.width / 2 for spot in spots.values()), default=0.0)
    bottom = tops[-1] + found.heights[-1] if tops else 0.0
    return Laid({box.name: spots[box.name] for box in found.panel.boxes}, ways, right, bottom)


def _with_passes(
    names: Sequence[str], layer: Mapping[str, int], lines: Sequence[Line]
) -> tuple[list[list[str]], list[list[str]]]:
    """The rows with a place for each line in every row that it passes, and each line's names from row to row."""
    rows: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in names:
        rows[layer[name]].append(name)
    chains: list[list[str]] = []
    for number, line in enumerate(lines):
        passes = [(f"\0{number}/{k}", k) for k in range(layer[line.source] + 1, layer[line.target])]
        for name, k in passes:
            rows[k].append(name)
        chains.append([line.source, *(name for name, _ in passes), line.target])
    return rows, chains


def _beside(
    rows: Sequence[Sequence[str]], chains: Sequence[Sequence[str]]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """For each name those of the row above and of the row below that a line connects it to."""
    above: dict[str, list[str]] = {name: [] for row in rows for name in row}
    below: dict[str, list[str]] = {name: [] for row in rows for name in row}
    for chain in chains:
        for upper, lower in itertools.pairwise(chain):
            below[upper].append(lower)
            above[lower].append(upper)
    return above, below


def _drops(
    rows: Sequence[Sequence[str]], below: Mapping[str, Sequence[str]], xs: Mapping[str, float], style: Style
) -> list[float]:
    """The room below each row; more where lines go far sideways."""
    far = [max((abs(xs[name] - xs[each]) for name in row for each in below[name]), default=0.0) for row in rows]
    return [style.drop + min(MOST_DROP, STEEP * each) * (0.3 if style.small else 1.0) for each in far]


def _ways(
    lines: Sequence[Line],
    chains: Sequence[Sequence[str]],
    spots: Mapping[str, Spot],
    row: Mapping[str, int],
    tops: Sequence[float],
    heights: Sequence[float],
) -> tuple[Way, ...]:
    leaving = _ports(chains, spots, down=True)
    arriving = _ports(chains, spots, down=False)
    ways: list[Way] = []
    for number, (line, chain) in enumerate(zip(lines, chains, strict=True)):
        source, target = spots[chain[0]], spots[chain[-1]]
        bends = [(source.x + leaving[number], source.y + source.height / 2)]
        for name in chain[1:-1]:
            top = tops[row[name]]
            bends += [(spots[name].x, top), (spots[name].x, top + heights[row[name]])]
        bends.append((target.x + arriving[number], target.y - target.height / 2))
        ways.append(Way(line, tuple(bends), frozenset(range(1, len(bends) - 1, 2))))
    return tuple(ways)


def _ports(chains: Sequence[Sequence[str]], spots: Mapping[str, Spot], *, down: bool) -> dict[int, float]:
    """How far from the middle of its box each line leaves it (or arrives), side by side in the order of where they go.

    Lines that go on straight below one another would meet in one point otherwise.
    """
    of_box: dict[str, list[int]] = {}
    for number, chain in enumerate(chains):
        of_box.setdefault(chain[0 if down else -1], []).append(number)
    offsets: dict[int, float] = {}
    for name, numbers in of_box.items():
        sorted_numbers = sorted(numbers, key=lambda n: spots[chains[n][1 if down else -2]].x)
        room = max(0.0, spots[name].width - 20) if spots[name].width > 30 else spots[name].width * 0.4
        step = min(14.0, room / max(1, len(numbers) - 1))
        for k, number in enumerate(sorted_numbers):
            offsets[number] = (k - (len(numbers) - 1) / 2) * step
    return offsets
