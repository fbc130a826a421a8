"""Two architectures in one drawing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from netwright.core.architecture import Architecture
from netwright.drawings import Box, Line, Panel, draw_difference
from netwright.drawings.differences import GAP, MOVED, OTHER, difference, paired
from netwright.spaces import Chain, Darts, FreeGraph, NasBench101, NasBench201, Residual

BEFORE = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"
AFTER = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_1x1~2|"


def chain(*titles: str) -> Panel:
    names = ["input", *(f"{title} {k}" for k, title in enumerate(titles)), "output"]
    boxes = [Box("input", "input", kind="input"), *map(Box, names[1:-1], titles), Box("output", "output", kind="input")]
    return Panel("", tuple(boxes), tuple(Line(a, b) for a, b in itertools.pairwise(names)))


def marks(panel: Panel) -> list[tuple[str, str]]:
    return [(box.title, box.mark) for box in panel.boxes if box.mark]


def test_a_changed_operation_says_what_it_was() -> None:
    space = NasBench201()
    drawn = draw_difference(space.parse(BEFORE), space.parse(AFTER))
    (box,) = [box for box in drawn.picture.boxes if box.mark]
    assert (box.title, box.mark, box.details) == ("conv 3×3", "changed", ("was none",))
    assert drawn.picture.notes == ("1 changed; 0 lines differ",)
    assert "≠" in drawn.svg() and "was none" in drawn.svg()


def test_what_was_put_in_between_is_added_and_nothing_else_differs() -> None:
    panel = difference(chain("a", "b", "c"), chain("a", "x", "b", "c"))
    assert marks(panel) == [("x", "added")]
    lines = [(line.source.partition("\n")[2], line.target.partition("\n")[2], line.mark) for line in panel.lines]
    assert sorted(line for line in lines if line[2]) == [
        ("a 0", "b 2", "removed"),
        ("a 0", "x 1", "added"),
        ("x 1", "b 2", "added"),
    ]


def test_what_is_left_out_is_removed() -> None:
    assert marks(difference(chain("a", "b", "c"), chain("a", "c"))) == [("b", "removed")]


@pytest.mark.parametrize("seed", range(8))
def test_the_alignment_is_the_cheapest_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = (chain(*rng.choice(list("abc"), rng.integers(1, 5))) for _ in range(2))
    found = paired(first, second)
    left, right = first.boxes[1:-1], second.boxes[1:-1]
    best = min(
        GAP * (len(left) + len(right) - 2 * k)
        + sum(OTHER * (left[i].title != right[j].title) for i, j in zip(a, b, strict=True))
        for k in range(min(len(left), len(right)) + 1)
        for a in itertools.combinations(range(len(left)), k)
        for b in itertools.combinations(range(len(right)), k)
    )
    cost = sum(GAP if a is None or b is None else OTHER * (a.title != b.title) for a, b in found)
    assert cost == pytest.approx(best) and MOVED < GAP


@pytest.mark.parametrize("space", [Chain(), Darts(), FreeGraph(), Residual(), NasBench101()], ids=lambda s: s.name)
@pytest.mark.parametrize("seed", range(2))
def test_both_can_be_read_from_the_drawing(space: object, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first: Architecture = space.sample(rng)  # type: ignore[attr-defined]
    second = space.mutate(space.mutate(first, rng), rng)  # type: ignore[attr-defined]
    drawn, same, back = draw_difference(first, second), draw_difference(first, first), draw_difference(second, first)
    assert not any(box.mark for box in same.picture.boxes)
    assert sum(box.mark == "added" for box in drawn.picture.boxes) == sum(
        box.mark == "removed" for box in back.picture.boxes
    )
    assert drawn.panels and drawn.svg() == draw_difference(first, second).svg()


def test_architectures_of_two_spaces_stand_in_one_drawing() -> None:
    rng = np.random.default_rng(0)
    drawn = draw_difference(NasBench101().sample(rng), Chain().sample(rng))
    assert any(box.mark for box in drawn.picture.boxes) and drawn.panels
