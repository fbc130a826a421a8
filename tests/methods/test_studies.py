"""Width and depth of published cells, and the same operations on other connections."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from netwright.core.errors import ConfigurationError
from netwright.methods import understanding_cells
from netwright.spaces import Darts, NasBench201, NasNet
from netwright.spaces.genotypes import PublishedCell
from netwright.spaces.topology import cells_of, depth_of, narrowest, random_sources, rewired, widest, width_of

SPACE = Darts(cells=3, channels=4)
POOLS = ", ".join(["('max_pool_3x3', 0), ('max_pool_3x3', 1)"] * 4)


def genotype(normal: str) -> str:
    return f"Genotype(normal={normal}, normal_concat=[2, 3, 4, 5], reduce=[{POOLS}], reduce_concat=[2, 3, 4, 5])"


DARTS = genotype(
    "[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), "
    "('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)]"
)
SNAS = genotype(
    "[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('dil_conv_3x3', 1), ('skip_connect', 0), "
    "('skip_connect', 1), ('skip_connect', 0), ('sep_conv_3x3', 1)]"
)


@pytest.mark.parametrize(("published", "width", "depth"), [(DARTS, 3.5, 3), (SNAS, 4.0, 2)])
def test_width_and_depth_are_those_that_the_paper_gives(published: str, width: float, depth: int) -> None:
    cell, _ = cells_of(SPACE, SPACE.parse(published))
    assert (width_of(cell), depth_of(cell)) == (width, depth)


def ways(cell: PublishedCell) -> list[int]:
    """The number of connections of every way from an input to the output, one by one."""
    found = []
    for length in range(1, len(cell.nodes) + 1):
        for states in itertools.combinations(range(2, len(cell.nodes) + 2), length):
            steps = itertools.pairwise(states)
            begins = any(source < 2 for _, source in cell.nodes[states[0] - 2])
            joined = all(a in [source for _, source in cell.nodes[b - 2]] for a, b in steps)
            if begins and joined and states[-1] in cell.output:
                found.append(length + 1)
    return found


@pytest.mark.parametrize("space", [SPACE, NasNet(cells=3, channels=4), Darts(cells=3, channels=4, nodes=(3, 2))])
def test_depth_is_the_longest_of_all_ways(space: Darts | NasNet) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        for cell in cells_of(space, space.sample(rng)):
            assert depth_of(cell) == max(ways(cell))


def test_no_connections_are_wider_than_the_widest_or_deeper_than_the_narrowest() -> None:
    rng = np.random.default_rng(0)
    first = SPACE.sample(rng)
    (wide, _), (narrow, _) = (cells_of(SPACE, rewired(SPACE, first, each)) for each in (widest, narrowest))
    assert (width_of(wide), depth_of(wide), width_of(narrow), depth_of(narrow)) == (4.0, 2, 1.5, 5)
    for _ in range(50):
        cell, _ = cells_of(SPACE, rewired(SPACE, first, random_sources(rng)))
        assert 1.5 <= width_of(cell) <= 4 and 2 <= depth_of(cell) <= 5


@pytest.mark.parametrize("space", [SPACE, NasNet(cells=3, channels=4)])
def test_the_operations_stay(space: Darts | NasNet) -> None:
    study = understanding_cells(space, variants=3, seed=1)
    assert study.memos is not None and json.loads(json.dumps(study.memos)) == list(study.memos)
    assert [each["connections"] for each in study.memos] == ["as it is", "widest", "narrowest", *["random"] * 3]
    first = [[label for block in cell.nodes for label, _ in block] for cell in cells_of(space, study.architectures[0])]
    for each in study.architectures:
        assert [[op for block in cell.nodes for op, _ in block] for cell in cells_of(space, each)] == first


def test_each_trial_says_how_wide_and_deep_its_cell_is() -> None:
    study = understanding_cells(SPACE, DARTS, variants=0)
    asked = [study.ask(np.random.default_rng(0)) for _ in range(3)]
    assert [(each.memo or {})["width"] for each in asked] == [3.5, 4.0, 1.5]
    assert asked[0].candidate == SPACE.parse(DARTS)


def test_other_spaces_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"nasbench201.* has none; expected Darts or NasNet"):
        understanding_cells(NasBench201())
    with pytest.raises(ConfigurationError, match="variants"):
        understanding_cells(SPACE, variants=-1)
