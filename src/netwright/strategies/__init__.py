"""Search strategies: each decides what to try next, and nothing else."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from netwright.strategies.crossover import Crossover, NoCrossover, OnePointCrossover, UniformCrossover
from netwright.strategies.exhaustive import Exhaustive
from netwright.strategies.genetic import GeneticAlgorithm
from netwright.strategies.listed import Listed
from netwright.strategies.local_search import LocalSearch
from netwright.strategies.mutation import EachDecision, Mutation, NoMutation, OneDecision, Successive
from netwright.strategies.random_search import RandomSearch
from netwright.strategies.regularized_evolution import RegularizedEvolution
from netwright.strategies.selection import Roulette, Selection, Tournament, Truncation, Uniform
from netwright.strategies.survival import Elitist, Generational, OldestDies, Survivor, WorstDies

if TYPE_CHECKING:
    from netwright.strategies.differentiable import Differentiable
    from netwright.strategies.paths import (
        FairPaths,
        MultinomialLearning,
        NaturalGradient,
        PathDropout,
        Screening,
        TopEvolution,
        TrainThenSearch,
        UniformPaths,
    )

__all__ = [
    "Crossover",
    "Differentiable",
    "EachDecision",
    "Elitist",
    "Exhaustive",
    "FairPaths",
    "Generational",
    "GeneticAlgorithm",
    "Listed",
    "LocalSearch",
    "MultinomialLearning",
    "Mutation",
    "NaturalGradient",
    "NoCrossover",
    "NoMutation",
    "OldestDies",
    "OneDecision",
    "OnePointCrossover",
    "PathDropout",
    "RandomSearch",
    "RegularizedEvolution",
    "Roulette",
    "Screening",
    "Selection",
    "Successive",
    "Survivor",
    "TopEvolution",
    "Tournament",
    "TrainThenSearch",
    "Truncation",
    "Uniform",
    "UniformCrossover",
    "UniformPaths",
    "WorstDies",
]

_NEED_TORCH = {
    "differentiable": ("Differentiable",),
    "paths": (
        *("FairPaths", "MultinomialLearning", "NaturalGradient", "PathDropout", "Screening", "TopEvolution"),
        *("TrainThenSearch", "UniformPaths"),
    ),
}


def __getattr__(name: str) -> Any:
    """Strategies that hold tensors are imported when they are first asked for."""
    for module, names in _NEED_TORCH.items():
        if name in names:
            return getattr(importlib.import_module(f"netwright.strategies.{module}"), name)
    raise AttributeError(f"module 'netwright.strategies' has no attribute {name!r}")
