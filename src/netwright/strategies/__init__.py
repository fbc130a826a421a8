"""Search strategies: each decides what to try next, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.strategies.evolution.beginning import Beginning, Sampled, Simple
from netwright.strategies.evolution.exploitation import Exploitation
from netwright.strategies.evolution.genetic import GeneticAlgorithm
from netwright.strategies.evolution.regularized import RegularizedEvolution
from netwright.strategies.evolution.selection import (
    Elitist,
    Generational,
    NeutralDrift,
    NobodyDies,
    OldestDies,
    PairwiseTournament,
    Roulette,
    Selection,
    Survivor,
    Tournament,
    TournamentOfShare,
    Truncation,
    Uniform,
    WorstDies,
)
from netwright.strategies.evolution.variation import (
    AtMostOne,
    BitCrossover,
    Crossover,
    EachDecision,
    FlipEach,
    GroupCrossover,
    Mutation,
    NoCrossover,
    NoMutation,
    OneDecision,
    OneKind,
    OnePointCrossover,
    Successive,
    UniformCrossover,
)
from netwright.strategies.exhaustive import Exhaustive
from netwright.strategies.listed import Listed
from netwright.strategies.local_search import LocalSearch
from netwright.strategies.progressive import ProgressiveBeam
from netwright.strategies.race import Race
from netwright.strategies.random_search import RandomSearch
from netwright.strategies.tpe import TreeParzen
from netwright.strategies.tree_search import MonteCarloTreeSearch
from netwright.strategies.warm_start import WarmStart

__all__ = [
    "Asha",
    "AtMostOne",
    "BayesianOptimization",
    "Beginning",
    "BitCrossover",
    "Crossover",
    "Differentiable",
    "EachDecision",
    "Elitist",
    "Exhaustive",
    "Exploitation",
    "Extrapolated",
    "FairPaths",
    "FlipEach",
    "FrontOptimization",
    "Generational",
    "GeneticAlgorithm",
    "GroupCrossover",
    "Harmonica",
    "Hyperband",
    "KernelDensity",
    "LamarckianEvolution",
    "LatentGradient",
    "Listed",
    "LocalSearch",
    "MonteCarloTreeSearch",
    "MultinomialLearning",
    "Mutation",
    "NaturalGradient",
    "NeutralDrift",
    "NoCrossover",
    "NoMutation",
    "NobodyDies",
    "OldestDies",
    "OneDecision",
    "OneKind",
    "OnePointCrossover",
    "PairwiseTournament",
    "PathDropout",
    "PolicyGradient",
    "ProgressiveBeam",
    "QLearning",
    "Race",
    "RandomSearch",
    "RegularizedEvolution",
    "Roulette",
    "Sampled",
    "Screening",
    "Selection",
    "Simple",
    "Successive",
    "SuccessiveHalving",
    "Survivor",
    "TopEvolution",
    "Tournament",
    "TournamentOfShare",
    "TrainThenSearch",
    "TreeParzen",
    "Truncation",
    "Uniform",
    "UniformCrossover",
    "UniformPaths",
    "WarmStart",
    "WorstDies",
]

if TYPE_CHECKING:
    from netwright.strategies.bayesian import BayesianOptimization
    from netwright.strategies.differentiable import Differentiable
    from netwright.strategies.fidelity import (
        Asha,
        Extrapolated,
        Hyperband,
        KernelDensity,
        SuccessiveHalving,
    )
    from netwright.strategies.fronts import FrontOptimization, LamarckianEvolution
    from netwright.strategies.harmonica import Harmonica
    from netwright.strategies.latent import LatentGradient
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
    from netwright.strategies.reinforcement import PolicyGradient, QLearning
else:  # these hold tensors, or learn a predictor
    from netwright.core.on_demand import on_demand

    _NAMES = {
        "bayesian": ("BayesianOptimization",),
        "differentiable": ("Differentiable",),
        "fidelity": ("Asha", "Extrapolated", "Hyperband", "KernelDensity", "SuccessiveHalving"),
        "fronts": ("FrontOptimization", "LamarckianEvolution"),
        "harmonica": ("Harmonica",),
        "latent": ("LatentGradient",),
        "paths": (
            *("FairPaths", "MultinomialLearning", "NaturalGradient", "PathDropout", "Screening", "TopEvolution"),
            *("TrainThenSearch", "UniformPaths"),
        ),
        "reinforcement": ("PolicyGradient", "QLearning"),
    }
    _WHERE = {name: f"netwright.strategies.{module}:{name}" for module, names in _NAMES.items() for name in names}
    _NOW_METHODS = ("alphax", "bohb", "deep_architect", "nao")
    __getattr__, __dir__ = on_demand(__name__, _WHERE, _NOW_METHODS)
