"""Evolution: a population of trials, who of it breed, how their children differ from them, and who live on."""

from netwright.strategies.evolution.genetic import GeneticAlgorithm
from netwright.strategies.evolution.regularized import RegularizedEvolution
from netwright.strategies.evolution.selection import (
    Elitist,
    Generational,
    OldestDies,
    Roulette,
    Selection,
    Survivor,
    Tournament,
    Truncation,
    Uniform,
    WorstDies,
)
from netwright.strategies.evolution.variation import (
    Crossover,
    EachDecision,
    Mutation,
    NoCrossover,
    NoMutation,
    OneDecision,
    OnePointCrossover,
    Successive,
    UniformCrossover,
)

PROVIDES = ("search.evolution", "search.pareto")

__all__ = [
    "Crossover",
    "EachDecision",
    "Elitist",
    "Generational",
    "GeneticAlgorithm",
    "Mutation",
    "NoCrossover",
    "NoMutation",
    "OldestDies",
    "OneDecision",
    "OnePointCrossover",
    "RegularizedEvolution",
    "Roulette",
    "Selection",
    "Successive",
    "Survivor",
    "Tournament",
    "Truncation",
    "Uniform",
    "UniformCrossover",
    "WorstDies",
]
