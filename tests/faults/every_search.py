"""A tiny search for every strategy that there is: those of `netwright.strategies`, and those that recipes are made of.

A strategy that is added later is here by existing. One whose constructor wants more than a space needs its settings in
`SETTINGS`; a recipe that is long at its defaults needs them in `SHORT`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import netwright as nw
import netwright.strategies
from netwright.catalogue import load, shipped
from netwright.core.architecture import Architecture
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.predictors.curves import Parametric
from netwright.testing.small_spaces import Layers

sys.path.insert(0, str(Path(__file__).parents[1]))  # a pytest run has both already, the long one has not
sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from search_parts import Cell, Noisy  # pyright: ignore[reportMissingImports]

from kinds import OWN_SPACE as OF_OTHER_KINDS
from kinds import OWN_TASK

SECONDS = 0.003  # of a toy trial, on average: long enough for a kill to find it under way
TROUBLE = 0.2  # share of toy trials that end badly, each in one of several ways
TRIALS = 50
FAST_TRIALS = 3000
SETTINGS: dict[str, Callable[[Any], Strategy]] = {
    "RegularizedEvolution": lambda space: nw.strategies.RegularizedEvolution(space, population=8, tournament=3),
    "GeneticAlgorithm": lambda space: nw.strategies.GeneticAlgorithm(space, population=6),
    "SuccessiveHalving": lambda space: nw.strategies.SuccessiveHalving(space, candidates=36, least=1 / 9),
    "Extrapolated": lambda space: nw.strategies.Extrapolated(
        nw.strategies.RegularizedEvolution(space, population=8, tournament=3), Parametric(), metric="loss"
    ),
    "Exploitation": lambda space: nw.strategies.Exploitation(nw.strategies.GeneticAlgorithm(space, 6), explored=20),
    "ProgressiveBeam": lambda space: nw.strategies.ProgressiveBeam(space, beam=10, idle=("op0",)),
    "Harmonica": lambda space: nw.strategies.Harmonica(space, samples=12),
    "LatentGradient": lambda space: nw.strategies.LatentGradient(
        space, initial=12, new=8, epochs=3, again=2, hidden=8, embedding=4, width=8, steps=5
    ),
    "Listed": lambda space: nw.strategies.Listed(space, [space.at(7 * k) for k in range(TRIALS)]),
    "BayesianOptimization": lambda space: nw.strategies.BayesianOptimization(space, initial=6, batch=3),
    "WarmStart": lambda space: nw.strategies.WarmStart(
        nw.strategies.RegularizedEvolution(space, population=8, tournament=3), [space.at(7 * k) for k in range(5)]
    ),
}
SHORT: dict[str, dict[str, Any]] = {
    "single-path-one-shot": {"population": 4, "generations": 2, "top": 2, "recalibrate": 2},
    "fairnas": {"population": 4, "generations": 2},
    "random-weight-sharing": {"candidates": 6, "batches": 2, "best": 2},
    "one-shot": {"evaluations": 6},
    "smash": {"evaluations": 8},
    "ghn": {"evaluations": 6},
    "hypernetworks": {"evaluations": 6},
    "dna": {"paths": 6, "batches": 1},
    "fpnas": {"sweeps": 1, "population": 3, "generations": 1, "batches": 1},
    "enas": {"steps": 2, "samples": 2, "candidates": 3},
    "enas-macro": {"steps": 2, "samples": 2, "candidates": 3},
    "enas-rnn": {"steps": 2, "candidates": 3},
    "nsganetv2": {"initial": 4, "batch": 2, "rounds": 2},
    "angle-nas": {"population": 4, "generations": 2, "samples": 3},
}
OWN_SPACE: dict[str, Callable[[], Space]] = {  # of the recipes that search only a space of their kind
    "pc-darts": lambda: nw.spaces.Darts(cells=2, channels=4, nodes=2),
    "mergenas": lambda: nw.spaces.NasBench201(channels=2, cells=1),
    "gross": lambda: nw.spaces.GroupedChain(sizes=(1, 2, 4), width=4, stages=1, blocks=1),
    "nasbench1shot1": lambda: nw.spaces.NasBench1Shot1(channels=4, stacks=1, modules=1),
    **OF_OTHER_KINDS,
}
TOY_SPACE: dict[str, Callable[[], Space]] = {  # of the strategies that search only a space of their kind
    "EdgeRemoval": lambda: nw.spaces.GeneticCnn(nodes=(5,), widths=(2,), kernel=3),
}
EPOCHS = 3


class Case:
    """A search to make anew from a seed, and the stop that it needs."""

    def __init__(self, make: Callable[[int], nw.Search], **stop: Any) -> None:
        self.make = make
        self.stop = stop


@cache
def cases() -> dict[str, Case]:
    """Name -> case: strategies by their class, recipes by the name that the command line knows."""
    recipes = {f"recipe {name}": _recipe(name) for name in shipped("search")}
    covered = {each for case in recipes.values() for each in strategies_in(case.make(0))}
    package = netwright.strategies.__name__
    toys = {
        cls.__name__: _toy(cls)
        for cls in every_strategy()
        if cls not in covered or cls.__module__.count(".") == package.count(".") + 1
    }
    return {**toys, **recipes}


def storm() -> dict[str, Case]:
    """Six kinds of search at full speed, thousands of trials a second where each costs nothing; some of them fail."""
    kinds: dict[str, Callable[[Space], Strategy]] = {
        "random": nw.strategies.RandomSearch,
        "evolution": lambda space: nw.strategies.RegularizedEvolution(space, population=50, tournament=10),
        "genetic": lambda space: nw.strategies.GeneticAlgorithm(space, population=30),
        "local": nw.strategies.LocalSearch,
        "asha": nw.strategies.Asha,
        "hyperband": nw.strategies.Hyperband,
    }

    def case(make: Callable[[Space], Strategy]) -> Case:
        return Case(lambda seed: nw.Search(make(Cell()), Noisy(0.01), seed=seed), trials=FAST_TRIALS)

    return {f"fast {name}": case(make) for name, make in kinds.items()}


def limited() -> dict[str, Case]:
    """Searches of networks whose parameters are counted first, so that what breaks a limit on them is led within it."""
    space = Layers()
    stages = nw.estimators.Stack(nw.estimators.Cost(space, nw.TaskShape((6,), 3)), nw.estimators.Function(_measured))

    def case(make: Callable[[Space], Strategy]) -> Case:
        return Case(lambda seed: nw.Search(make(space), stages, seed=seed, constraints="params <= 400"), trials=TRIALS)

    return {f"limited {name}": case(SETTINGS[name]) for name in ("RegularizedEvolution", "GeneticAlgorithm")}


def _measured(architecture: Architecture) -> dict[str, float]:
    time.sleep(SECONDS)
    return {"val_accuracy": 0.2 + int(architecture.digest[:4], 16) % 61 / 100}


def every_strategy() -> list[type[Strategy]]:
    """The concrete strategies that the package defines, in whatever module."""
    package = netwright.strategies
    names = [each.name for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    found = {
        value
        for module in map(importlib.import_module, names)
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Strategy) and value.__module__ == module.__name__
    }
    return sorted((each for each in found if not inspect.isabstract(each)), key=lambda each: each.__name__)


def strategies_in(search: nw.Search) -> set[type[Strategy]]:
    """The classes of a search's strategy and of those that it is made of."""

    def inside(strategy: Strategy) -> Iterator[type[Strategy]]:
        yield type(strategy)
        for value in strategy.arguments.values():
            if isinstance(value, Strategy):
                yield from inside(value)

    return set(inside(search.strategy))


def _toy(cls: type[Strategy]) -> Case:
    make: Callable[[Any], Strategy] = SETTINGS.get(cls.__name__, cls)
    space: Any = TOY_SPACE.get(cls.__name__, Cell)
    return Case(lambda seed: nw.Search(make(space()), Noisy(TROUBLE, SECONDS), seed=seed), trials=TRIALS)


def _recipe(name: str) -> Case:
    settings = {"epochs": EPOCHS, "batch_size": 20, "device": "cpu", "alarms": False, **SHORT.get(name, {})}
    return Case(lambda seed: load("search", name)(_space_of(name), _task_of(name), seed=seed, **settings))


@cache
def _space_of(name: str) -> Space:
    return OWN_SPACE[name]() if name in OWN_SPACE else Layers(3)


@cache
def _task_of(name: str) -> nw.Task:
    return OWN_TASK[name]() if name in OWN_TASK else nw.tasks.open_task("digits", limit=60)
