"""Bayesian optimisation with any predictor, and guided evolution."""

from __future__ import annotations

from netwright.strategies.bayesian.acquisition import (
    Acquisition,
    ExpectedImprovement,
    PosteriorMean,
    ProbabilityOfImprovement,
    UpperConfidenceBound,
)
from netwright.strategies.bayesian.annealing import AnnealingTree
from netwright.strategies.bayesian.candidates import Candidates, MutationsOfBest, NowAndThenRandom, RandomPool
from netwright.strategies.bayesian.evolved import EvolvedCandidates
from netwright.strategies.bayesian.optimization import BayesianOptimization
from netwright.strategies.bayesian.thompson import IndependentThompsonSampling, ThompsonSampling

PROVIDES = ("search.bo_gp",)

__all__ = [
    "Acquisition",
    "AnnealingTree",
    "BayesianOptimization",
    "Candidates",
    "EvolvedCandidates",
    "ExpectedImprovement",
    "IndependentThompsonSampling",
    "MutationsOfBest",
    "NowAndThenRandom",
    "PosteriorMean",
    "ProbabilityOfImprovement",
    "RandomPool",
    "ThompsonSampling",
    "UpperConfidenceBound",
]
