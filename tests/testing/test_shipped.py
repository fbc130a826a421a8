"""Every space and strategy that the package ships keeps the contract, at small settings where the default is large."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import numpy as np
import pytest
from torch import nn

import netwright.spaces
import netwright.strategies
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.core.task import TaskShape
from netwright.spaces import Mlp, Series, Tabular
from netwright.strategies import (
    EachDecision,
    Exploitation,
    FlipEach,
    Generational,
    GeneticAlgorithm,
    GroupCrossover,
    Listed,
    LocalSearch,
    NeutralDrift,
    NobodyDies,
    NoCrossover,
    NoMutation,
    OldestDies,
    OneDecision,
    OnePointCrossover,
    PairwiseTournament,
    RegularizedEvolution,
    Roulette,
    Simple,
    Successive,
    TournamentOfShare,
    Truncation,
    Uniform,
    UniformCrossover,
    WarmStart,
    WorstDies,
)
from netwright.testing import check_space, check_strategy


def own_network(shape: TaskShape) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, shape.outputs))


IMAGE = TaskShape((3, 16, 16), 4)
MASKED = TaskShape((3, 16, 16), 4, dense=True)
VECTOR = TaskShape((7,), 3)
SMALLER = {  # settings that change how large a network is, not what is decided
    "NasBench201": {"channels": 4, "cells": 1},
    "NasBench101": {"channels": 8, "stacks": 2, "modules": 1},
    "NasBenchMacro": {"channels": 4},
    "Mobile": {"width": 0.25},
    "DenseNas": {"width": 0.1, "layers": 1, "last": 16},
    "CgpGrid": {"rows": 3, "columns": 5, "level_back": 3, "widths": (2, 4), "widest": 32, "most": 8},
    "Hierarchical": {"channels": 2, "motifs": 3},
    "GeneticCnn": {"widths": (2, 2, 2)},
    "NsgaNet": {"nodes": (4, 4), "widths": (2, 4)},
    "Connections": {"inputs": 7, "outputs": 3, "hidden": 3},
    "RandWire": {"nodes": 6, "stages": 2, "channels": 2, "final": 4},
    "Darts": {"channels": 4, "cells": 3},
    "NasNet": {"channels": 4, "cells": 3},
    "UNetCells": {"channels": 2, "depth": 1},
    "EnasMacro": {"channels": 4},
    "SkipChain": {"most": 7, "filters": (2, 4, 6, 8)},
    "MetaQnn": {"side": 16, "filters": (4, 8), "dense": (8, 4)},
    "BlockQnn": {"channels": 2, "repeats": 1},
    "EncoderDecoder": {"channels": 4, "cells": 3},
    "Residual": {"widths": (4, 8), "most_stages": 3, "most": 2},
    "TimeSeries": {"widths": (4, 8), "most": 2, "blocks": ("single", "inception_20")},
    "TextClasses": {"channels": (4, 8), "pairs": (0, 16), "filters": (2, 4)},
    "UNet": {"widths": (2, 4), "most": 2},
    "Beside": {"space": Series(widths=(4,), most=1), "networks": {"mine": own_network}},
    "WithTraining": {"space": Mlp(widths=(4, 8), most=2), "choices": {"learning_rate": (0.1, 0.03)}},
    "Tabular": {"decisions": {"width": [8, 16, 32], "operation": ["convolution", "pooling"], "depth": [1, 2, 3]}},
}


def shipped(package, kind):
    """The concrete classes of this kind that a package's modules define."""
    modules = [
        importlib.import_module(f"{package.__name__}.{each.name}") for each in pkgutil.iter_modules(package.__path__)
    ]
    classes = {
        value
        for module in modules
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, kind) and value.__module__ == module.__name__
        if not value.__name__.startswith("_")
    }
    return sorted((each for each in classes if not inspect.isabstract(each)), key=lambda each: each.__name__)


def listed(space):
    rng = np.random.default_rng(0)
    return Listed(space, [space.sample(rng) for _ in range(70)])


def small(cls):
    known = inspect.signature(cls.__init__).parameters
    return cls(**{name: value for name, value in SMALLER.get(cls.__name__, {}).items() if name in known})


@pytest.mark.parametrize("cls", shipped(netwright.spaces, Space), ids=lambda cls: cls.__name__)
def test_spaces_keep_the_contract(cls):
    space = small(cls)
    if cls is Tabular:  # names the decisions of a table, whose networks nobody builds
        with pytest.raises(AssertionError, match="builds no networks; measure with Table instead"):
            check_space(space, IMAGE, samples=8)
        return
    usual = {"images": MASKED if space.traced_shape.dense else IMAGE, "vectors": VECTOR}
    check_space(space, usual.get(space.traced_shape.kind, space.traced_shape), samples=5)


@pytest.mark.parametrize("cls", shipped(netwright.strategies, Strategy), ids=lambda cls: cls.__name__)
def test_strategies_keep_the_contract(cls):
    if cls is Listed:
        check_strategy(listed)
        return
    if cls is WarmStart:
        check_strategy(lambda space: WarmStart(RegularizedEvolution(space, 8, 3), listed(space).architectures[:5]))
        return
    if cls is Exploitation:
        check_strategy(lambda space: Exploitation(GeneticAlgorithm(space, 4), explored=8))
        return
    check_strategy(cls, exhausts=cls.__name__ in ("Exhaustive", "LocalSearch", "RandomSearch"))


@pytest.mark.parametrize(
    "make",
    [
        lambda space: RegularizedEvolution(space, population=8, tournament=3),
        lambda space: RegularizedEvolution(space, population=8, tournament=3, identity=0.2),
        lambda space: RegularizedEvolution(space, population=1, tournament=1),
        lambda space: LocalSearch(space, "first"),
        lambda space: LocalSearch(space, starts=5, most_neighbors=4),
        lambda space: GeneticAlgorithm(space, population=6),
        lambda space: GeneticAlgorithm(space, 6, Roulette(), OnePointCrossover(0.8), OneDecision(), Generational(4, 1)),
        lambda space: GeneticAlgorithm(space, 6, Truncation(3), NoCrossover(), EachDecision(0.3), OldestDies()),
        lambda space: GeneticAlgorithm(space, 6, Uniform(), UniformCrossover(), NoMutation(), WorstDies()),
        lambda space: GeneticAlgorithm(
            space, 6, mutation=Successive([OneDecision(), EachDecision()]), survivor=WorstDies(2)
        ),
        lambda space: GeneticAlgorithm(
            space, 6, PairwiseTournament(), NoCrossover(), OneDecision(), NobodyDies(), inherit=True
        ),
        lambda space: GeneticAlgorithm(space, 6, TournamentOfShare(), NoCrossover(), OneDecision(), NobodyDies()),
        lambda space: GeneticAlgorithm(
            space, 6, Roulette(), GroupCrossover(0.5), FlipEach(0.3), Generational(), either=True
        ),
        lambda space: GeneticAlgorithm(
            space, 1, Uniform(), NoCrossover(), OneDecision(), NeutralDrift(), beginning=Simple(3)
        ),
    ],
)
def test_configured_strategies_keep_the_contract(make):
    check_strategy(make)


@pytest.mark.parametrize(
    "make",
    [
        lambda space: RegularizedEvolution(space, population=8, tournament=3, repeats=False),
        lambda space: GeneticAlgorithm(space, population=6, repeats=False),
        lambda space: GeneticAlgorithm(space, population=6, survivor=OldestDies(), repeats=False),
        lambda space: LocalSearch(space, "first", starts=3),
        lambda space: LocalSearch(space, most_neighbors=3),
    ],
)
def test_strategies_without_repeats_exhaust_a_space(make):
    check_strategy(make, exhausts=True)
