"""Splits by group and by time: no group on both sides, and nothing that is judged lies before what was learnt from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright import tasks
from netwright.core.errors import DataError
from netwright.core.task import Examples
from netwright.tasks.splits import divided

STRATA = np.arange(200) % 2
GROUPS = np.repeat(np.arange(40), 5)


@pytest.mark.parametrize("seed", range(3))
def test_no_group_is_on_both_sides(seed: int) -> None:
    aside, rest = divided(STRATA, 0.2, seed, 1, groups=GROUPS)
    assert not set(GROUPS[aside]) & set(GROUPS[rest])
    assert sorted([*aside, *rest]) == list(range(200)) and len(aside) == 40


def test_another_seed_sets_other_groups_aside() -> None:
    assert {tuple(divided(STRATA, 0.2, seed, 1, groups=GROUPS)[0]) for seed in range(3)}.__len__() == 3


def test_the_last_in_time_are_set_aside() -> None:
    aside, rest = divided(STRATA, 0.25, 0, 1, by_time=True)
    assert aside.tolist() == list(range(150, 200)) and sorted(rest) == list(range(150))


def test_with_groups_the_latest_groups_are_set_aside_whole() -> None:
    mixed = np.array([0, 1, 2, 3] * 10 + [1] * 10)
    aside, rest = divided(np.zeros(50, int), 0.3, 0, 1, groups=mixed, by_time=True)
    assert set(mixed[aside]) == {1} and 1 not in mixed[rest]


def test_very_uneven_groups_leave_something_on_both_sides() -> None:
    groups = np.array([0] * 95 + [1] * 5)
    for seed in range(4):
        aside, rest = divided(np.zeros(100, int), 0.1, seed, 1, groups=groups)
        assert len(aside) and len(rest)


def test_one_group_cannot_be_divided() -> None:
    with pytest.raises(DataError, match="one group"):
        divided(STRATA, 0.2, 0, 1, groups=np.zeros(200, int))


def test_a_task_keeps_groups_apart_in_every_split() -> None:
    examples = Examples(torch.randn(200, 3), torch.arange(200) % 2)
    task = tasks.Task("groups", examples, examples, "ab", groups=GROUPS)
    data = task.search_data(seed=1, validation=0.2)
    sides = [set(GROUPS[each.places.numpy()]) for each in (data.train, data.held_out)]
    assert not sides[0] & sides[1] and len(sides[0] | sides[1]) == 40
    assert task.fingerprint != tasks.Task("groups", examples, examples, "ab").fingerprint


def test_groups_are_one_an_example() -> None:
    examples = Examples(torch.randn(8, 3), torch.arange(8) % 2)
    with pytest.raises(DataError, match="groups has 3 numbers, but there are 8 examples"):
        tasks.Task("groups", examples, examples, "ab", groups=[0, 1, 2])
