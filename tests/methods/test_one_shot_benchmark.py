"""NAS-Bench-1Shot1: its three spaces, its optimisers on them, and the table's values at each epoch."""

from __future__ import annotations

import itertools
from math import comb, prod
from typing import Any

import numpy as np
import pytest

from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.core.task import TaskShape
from netwright.methods import nasbench1shot1
from netwright.methods.one_shot_benchmark import OPTIMISERS
from netwright.spaces import NasBench1Shot1, NasBench101, NasBench201
from netwright.spaces.nasbench1shot1 import PARENTS
from netwright.tasks import Task, open_task
from netwright.testing import check_space

SMALL: Any = {"channels": 5, "stacks": 1, "modules": 1}


def space(number: int) -> NasBench1Shot1:
    return NasBench1Shot1(number=number, **SMALL)


@pytest.mark.parametrize("number", PARENTS)
def test_each_space_has_every_choice_of_parents_and_of_operations(number: int) -> None:
    counts = PARENTS[number]
    expected = prod(comb(vertex, count) for vertex, count in enumerate(counts, start=1)) * 3 ** (len(counts) - 1)
    assert space(number).size == expected == {1: 14_580, 2: 29_160, 3: 1_312_200}[number]
    assert sum(counts) == 9


def test_the_cells_are_those_that_choosing_parents_vertex_by_vertex_gives() -> None:
    ours = {each.point[:15] for each in space(1).enumerate()}
    parents = [itertools.combinations(range(vertex), count) for vertex, count in enumerate(PARENTS[1], start=1)]
    pairs = list(itertools.combinations(range(6), 2))
    chosen = [
        {(a, b) for b, sources in enumerate(each, start=1) for a in sources} for each in itertools.product(*parents)
    ]
    assert ours == {tuple(int(pair in edges) for pair in pairs) for edges in chosen}


def test_it_is_a_space_whose_cells_are_those_of_nasbench101() -> None:
    check_space(space(2), shape=TaskShape((1, 8, 8), 3))
    whole, rng = NasBench101(), np.random.default_rng(0)
    for number in PARENTS:
        each = space(number).sample(rng)
        assert whole.module_hash(whole.parse(str(each))) == space(number).module_hash(each)
    assert space(1).id != space(2).id


def test_architectures_with_one_canonical_form_have_one_network() -> None:
    place, rng = space(1), np.random.default_rng(0)
    forms: dict[Any, set[Any]] = {}
    for each in [place.sample(rng) for _ in range(400)]:
        forms.setdefault(place.canonical(each), set()).add(place.cell(each))
    assert all(len(cells) == 1 for cells in forms.values()) and len(forms) < 400


def test_other_numbers_of_parents_are_no_architectures_and_other_settings_are_refused() -> None:
    with pytest.raises(InvalidArchitecture, match="vertex 2 reads 1 others, and must read 2"):
        space(1).parse("100111111100011 " + " ".join(["maxpool3x3"] * 4))
    with pytest.raises(ConfigurationError, match="a number from 1 to 3, found 4"):
        NasBench1Shot1(number=4)
    with pytest.raises(ConfigurationError, match="from its number"):
        NasBench1Shot1(vertices=5)
    assert space(2).replace(channels=8).number == 2


@pytest.fixture(scope="module")
def task() -> Task:
    return open_task("digits", limit=120)


def worth(architecture: Any) -> float:
    """A made-up accuracy."""
    return sum(k * option for k, option in enumerate(architecture.point)) / 1000


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_each_optimiser_searches(optimiser: str, task: Task) -> None:
    more: Any = {"candidates": 3, "best": 1, "batches": 1} if optimiser.startswith("random") else {}
    run = nasbench1shot1(space(1), task, optimiser=optimiser, epochs=1, batch_size=60, device="cpu", **more).run()
    space(1).validate(run.best.architecture)


@pytest.mark.parametrize("optimiser", ["gdas"])
def test_it_resumes(optimiser: str, task: Task, tmp_path: Any) -> None:
    def search() -> Any:
        return nasbench1shot1(space(1), task, optimiser=optimiser, epochs=2, batch_size=30, device="cpu")

    whole = search().run()

    def stop(trial: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search().run(store=tmp_path, name="r", on_trial=stop)
    assert search().run(store=tmp_path, name="r", resume=True).best.architecture == whole.best.architecture


def test_each_epoch_says_what_the_table_knows(task: Task, tmp_path: Any) -> None:
    place, whole = space(1), NasBench101()

    def search(table: str | None) -> Any:
        return nasbench1shot1(place, task, optimiser="gdas", table=table, epochs=2, batch_size=30, device="cpu").run()

    def cells(run: Any) -> list[Any]:
        epochs = [each for each in run.trials if each.proposal.purpose == "train"]
        return [whole.canonical(whole.parse(str(place.discretize(each.proposal.candidate)))) for each in epochs]

    first, last = cells(search(None))
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["arch,val_accuracy", *{f'"{each}",{worth(each)}' for each in (first, last)}]))
    run = search(str(path))
    assert cells(run) == [first, last]
    assert [each.metrics["table_val_accuracy"] for each in run.trials[:2]] == [worth(first), worth(last)]
    path.write_text(f'arch,val_accuracy\n"{place.sample(np.random.default_rng(0))}",0.5')
    assert "table_val_accuracy" not in search(str(path)).trials[0].metrics  # the table lacks it


def test_what_does_not_fit_is_refused(task: Task) -> None:
    with pytest.raises(ConfigurationError, match=r"expected NasBench1Shot1"):
        nasbench1shot1(NasBench201(), task, device="cpu")
    with pytest.raises(ConfigurationError, match=r"no optimiser 'dart'.*did you mean 'darts'"):
        nasbench1shot1(space(1), task, optimiser="dart", device="cpu")
