"""Evolution: a population of trials, who of it breed, how their children differ from them, and who live on."""

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

PROVIDES = ("search.evolution", "search.pareto")

__all__ = [
    "AtMostOne",
    "Beginning",
    "BitCrossover",
    "Crossover",
    "EachDecision",
    "Elitist",
    "Exploitation",
    "FlipEach",
    "Generational",
    "GeneticAlgorithm",
    "GroupCrossover",
    "Mutation",
    "NeutralDrift",
    "NoCrossover",
    "NoMutation",
    "NobodyDies",
    "OldestDies",
    "OneDecision",
    "OneKind",
    "OnePointCrossover",
    "PairwiseTournament",
    "RegularizedEvolution",
    "Roulette",
    "Sampled",
    "Selection",
    "Simple",
    "Successive",
    "Survivor",
    "Tournament",
    "TournamentOfShare",
    "Truncation",
    "Uniform",
    "UniformCrossover",
    "WorstDies",
]
