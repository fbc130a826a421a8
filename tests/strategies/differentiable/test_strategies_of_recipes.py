"""The strategy of each recipe, on the small bilevel problem."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from bilevel import Bilevel, Cell, drive

from netwright.core.space import Space
from netwright.engine import Search
from netwright.methods.gates import proxylessnas
from netwright.methods.robust import dropnas, robust_darts, smooth_darts, smooth_darts_adversarial
from netwright.methods.sampling import data_nas, dsnas, gdas, snas
from netwright.methods.shrinking import pdarts, sgas
from netwright.methods.two_level import darts, darts_second_order, milenas, nasp, pc_darts, xnas
from netwright.spaces import Darts
from netwright.strategies.differentiable import Differentiable
from netwright.tasks import Task, open_task

RECIPES: list[Callable[..., Search]] = [
    darts,
    darts_second_order,
    milenas,
    snas,
    gdas,
    data_nas,
    dsnas,
    proxylessnas,
    nasp,
    xnas,
    pc_darts,
    pdarts,
    sgas,
    robust_darts,
    smooth_darts,
    smooth_darts_adversarial,
    dropnas,
]


@pytest.fixture(scope="module")
def task() -> Task:
    return open_task("digits", limit=100)


def strategy_of(recipe: Callable[..., Search], space: Space, task: Task, epochs: int) -> Differentiable:
    strategy = recipe(space, task, epochs=epochs, device="cpu").strategy
    assert isinstance(strategy, Differentiable)
    return strategy


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.__name__)
def test_however_short_it_names_an_architecture(recipe: Callable[..., Search], epochs: int, task: Task) -> None:
    space = Darts(nodes=2, channels=4, cells=3)
    settings = {"cells": (3, 3, 3)} if recipe is pdarts else {}
    search = recipe(space, task, epochs=epochs, device="cpu", **settings)
    (trial,) = drive(search.strategy, Bilevel(space, epochs=epochs, steps=2))
    space.validate(trial.architecture)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.__name__)
def test_it_finds_the_obvious_option(recipe: Callable[..., Search], task: Task) -> None:
    if recipe is pc_darts:
        pytest.skip("partial channels need edges")
    space = Cell()
    strategy = strategy_of(recipe, space, task, 5)
    if recipe is not xnas:  # the papers' steps of 0.0003 go nowhere in 100 steps
        faster = strategy.optimiser.replace(learning_rate=0.06, weight_decay=0.0)
        strategy = strategy.replace(optimiser=faster)
    (trial,) = drive(strategy, Bilevel(space, epochs=5, steps=20, seed=3, rate=0.02))
    assert trial.scores == (1.0,)
