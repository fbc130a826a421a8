"""The steps of a layered drawing: rows, their order, places and the ways of lines."""

from __future__ import annotations

from itertools import pairwise, permutations, product

import numpy as np
import pytest
from scipy.optimize import minimize

from netwright.core.errors import UserError
from netwright.drawings.layering import layered
from netwright.drawings.layout import laid_out
from netwright.drawings.ordering import crossings, ordered
from netwright.drawings.picture import Box, Line, Panel
from netwright.drawings.placing import nearest
from netwright.drawings.sizes import SMALL, USUAL


def random_panel(seed: int, boxes: int = 12, chance: float = 0.25) -> Panel:
    rng = np.random.default_rng(seed)
    names = [f"box{k}" for k in range(boxes)]
    lines = [Line(a, b) for i, a in enumerate(names) for b in names[i + 1 :] if rng.random() < chance]
    return Panel("", tuple(Box(name, f"operation {name}") for name in names), tuple(lines))


@pytest.mark.parametrize("seed", range(10))
def test_every_line_goes_down(seed: int) -> None:
    panel = random_panel(seed)
    layer = layered([box.name for box in panel.boxes], [(line.source, line.target) for line in panel.lines])
    assert all(layer[line.source] < layer[line.target] for line in panel.lines)
    assert set(range(max(layer.values()) + 1)) == set(layer.values())


def test_what_is_read_late_stands_beside_its_reader() -> None:
    """Of input -> a -> b -> output and input -> c -> output, c stands in the last row before the output."""
    lines = [("input", "a"), ("a", "b"), ("b", "output"), ("input", "c"), ("c", "output")]
    assert layered(["input", "a", "b", "c", "output"], lines)["c"] == 2


def test_a_circle_is_refused_with_a_name() -> None:
    with pytest.raises(UserError, match=r"'b' go in a circle"):
        layered(["a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "b")])


@pytest.mark.parametrize("seed", range(20))
def test_crossings_are_those_that_counting_pairs_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [[f"{k}{i}" for i in range(rng.integers(2, 7))] for k in range(3)]
    below = {a: [b for b in following if rng.random() < 0.5] for row, following in pairwise(rows) for a in row}
    total = 0
    for row, following in pairwise(rows):
        lines = [(row.index(a), following.index(b)) for a in row for b in below[a]]
        total += sum(a < c and b > d for (a, b), (c, d) in product(lines, lines))
    assert crossings(rows, below | {name: [] for name in rows[-1]}) == total


@pytest.mark.parametrize("seed", range(10))
def test_the_order_is_nearly_the_best_of_all_orders(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [[f"a{i}" for i in range(5)], [f"b{i}" for i in range(5)]]
    below = {a: [b for b in rows[1] if rng.random() < 0.4] for a in rows[0]} | {b: list[str]() for b in rows[1]}
    above = {b: [a for a in rows[0] if b in below[a]] for b in rows[1]} | {a: list[str]() for a in rows[0]}
    orders = product(permutations(rows[0]), permutations(rows[1]))
    best = min(crossings([list(x), list(y)], below) for x, y in orders if x[0] < x[-1])
    assert crossings(ordered(rows, above, below), below) <= best + 1


@pytest.mark.parametrize("seed", range(5))
def test_places_are_the_nearest_that_lie_far_enough_apart(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted, weights, apart = rng.normal(size=6) * 10, rng.uniform(1, 8, 6), rng.uniform(1, 5, 5)
    found = np.array(nearest(list(wanted), list(weights), list(apart)))
    constraint = {"type": "ineq", "fun": lambda x: np.diff(x) - apart}
    start = np.concatenate([[0.0], np.cumsum(apart)])
    best = minimize(lambda x: (weights * (x - wanted) ** 2).sum(), start, constraints=[constraint])
    assert np.diff(found) == pytest.approx(np.maximum(np.diff(found), apart))
    assert (weights * (found - wanted) ** 2).sum() == pytest.approx(best.fun, rel=1e-4)


@pytest.mark.parametrize("style", [USUAL, SMALL])
@pytest.mark.parametrize("seed", range(5))
def test_no_boxes_overlap_and_lines_run_from_box_to_box(seed: int, style: object) -> None:
    panel = random_panel(seed, 20, 0.15)
    laid = laid_out(panel, style)  # pyright: ignore[reportArgumentType]
    spots = [laid.spots[box.name] for box in panel.boxes]
    for a, b in ((a, b) for i, a in enumerate(spots) for b in spots[i + 1 :]):
        assert abs(a.x - b.x) >= (a.width + b.width) / 2 or abs(a.y - b.y) >= (a.height + b.height) / 2
    for way in laid.ways:
        source, target = laid.spots[way.line.source], laid.spots[way.line.target]
        assert abs(way.bends[0][0] - source.x) <= source.width / 2 and way.bends[0][1] == source.y + source.height / 2
        assert abs(way.bends[-1][0] - target.x) <= target.width / 2
        assert way.bends[-1][1] == target.y - target.height / 2
        assert all(a[1] <= b[1] for a, b in zip(way.bends, way.bends[1:], strict=False))
    assert laid == laid_out(panel, style)  # pyright: ignore[reportArgumentType]
