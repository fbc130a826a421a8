"""Search strategies: each decides what to try next, and nothing else."""

from netwright.strategies.crossover import Crossover, NoCrossover, OnePointCrossover, UniformCrossover
from netwright.strategies.exhaustive import Exhaustive
from netwright.strategies.genetic import GeneticAlgorithm
from netwright.strategies.local_search import LocalSearch
from netwright.strategies.mutation import EachDecision, Mutation, NoMutation, OneDecision, Successive
from netwright.strategies.random_search import RandomSearch
from netwright.strategies.regularized_evolution import RegularizedEvolution
from netwright.strategies.selection import Roulette, Selection, Tournament, Truncation, Uniform
from netwright.strategies.survival import Elitist, Generational, OldestDies, Survivor, WorstDies

__all__ = [
    "Crossover",
    "EachDecision",
    "Elitist",
    "Exhaustive",
    "Generational",
    "GeneticAlgorithm",
    "LocalSearch",
    "Mutation",
    "NoCrossover",
    "NoMutation",
    "OldestDies",
    "OneDecision",
    "OnePointCrossover",
    "RandomSearch",
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
