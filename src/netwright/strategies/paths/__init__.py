"""Strategies that train shared weights path by path, and what may follow once they are trained."""

from netwright.strategies.paths.angle_shrinking import AngleShrinking
from netwright.strategies.paths.continuous_evolution import ContinuousEvolution
from netwright.strategies.paths.dropout import PathDropout
from netwright.strategies.paths.fair import FairPaths
from netwright.strategies.paths.greedy import GreedyPaths
from netwright.strategies.paths.multinomial import MultinomialLearning
from netwright.strategies.paths.natural_gradient import NaturalGradient
from netwright.strategies.paths.ordered_widths import OrderedWidths
from netwright.strategies.paths.partial_pool import PartialPool
from netwright.strategies.paths.perturbing import RandomThenPerturbed
from netwright.strategies.paths.progressive_shrinking import ProgressiveShrinking
from netwright.strategies.paths.proxy_landscape import ProxyLandscape
from netwright.strategies.paths.screening import Screening
from netwright.strategies.paths.then_search import TrainThenSearch
from netwright.strategies.paths.top_evolution import TopEvolution
from netwright.strategies.paths.uniform import UniformPaths

PROVIDES = ("super.path",)

__all__ = [
    "AngleShrinking",
    "ContinuousEvolution",
    "FairPaths",
    "GreedyPaths",
    "MultinomialLearning",
    "NaturalGradient",
    "OrderedWidths",
    "PartialPool",
    "PathDropout",
    "ProgressiveShrinking",
    "ProxyLandscape",
    "RandomThenPerturbed",
    "Screening",
    "TopEvolution",
    "TrainThenSearch",
    "UniformPaths",
]
