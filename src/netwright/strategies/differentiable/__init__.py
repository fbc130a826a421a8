"""Search by gradient: relaxations of the choice between options, and what may be combined with them."""

from netwright.strategies.differentiable.binary_gates import BinaryGates
from netwright.strategies.differentiable.differentiable import Differentiable
from netwright.strategies.differentiable.dropout import GroupedDropout
from netwright.strategies.differentiable.eigenvalue import EigenvalueMonitor
from netwright.strategies.differentiable.experts import Experts, ExponentiatedGradient
from netwright.strategies.differentiable.greedy import GreedyDecisions
from netwright.strategies.differentiable.gumbel import GumbelSoftmax
from netwright.strategies.differentiable.node_softmax import NodeSoftmax
from netwright.strategies.differentiable.one_hot import OneHot
from netwright.strategies.differentiable.optimiser import Adam, Optimiser
from netwright.strategies.differentiable.perturbation import (
    AdversarialPerturbation,
    Perturbation,
    RandomPerturbation,
)
from netwright.strategies.differentiable.progressive import ProgressiveShrinking
from netwright.strategies.differentiable.proximal import Proximal
from netwright.strategies.differentiable.rectified import Rectified
from netwright.strategies.differentiable.relaxation import Relaxation
from netwright.strategies.differentiable.schedules import Schedule
from netwright.strategies.differentiable.self_evaluated import SelfEvaluated, UniformTraining
from netwright.strategies.differentiable.shrinking import Shrinking
from netwright.strategies.differentiable.sigmoid import Sigmoid
from netwright.strategies.differentiable.softmax import Softmax
from netwright.strategies.differentiable.straight_through import StraightThrough

PROVIDES = ("search.bilevel",)

__all__ = [
    "Adam",
    "AdversarialPerturbation",
    "BinaryGates",
    "Differentiable",
    "EigenvalueMonitor",
    "Experts",
    "ExponentiatedGradient",
    "GreedyDecisions",
    "GroupedDropout",
    "GumbelSoftmax",
    "NodeSoftmax",
    "OneHot",
    "Optimiser",
    "Perturbation",
    "ProgressiveShrinking",
    "Proximal",
    "RandomPerturbation",
    "Rectified",
    "Relaxation",
    "Schedule",
    "SelfEvaluated",
    "Shrinking",
    "Sigmoid",
    "Softmax",
    "StraightThrough",
    "UniformTraining",
]
