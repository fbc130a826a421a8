"""Searches that learn each objective by itself, and look for the whole front of them."""

from __future__ import annotations

from netwright.strategies.fronts.choice import FrontChoice, HypervolumeImprovement, PredictedFront
from netwright.strategies.fronts.lamarckian import LamarckianEvolution
from netwright.strategies.fronts.optimization import FrontOptimization

PROVIDES = ("search.pareto",)

__all__ = ["FrontChoice", "FrontOptimization", "HypervolumeImprovement", "LamarckianEvolution", "PredictedFront"]
