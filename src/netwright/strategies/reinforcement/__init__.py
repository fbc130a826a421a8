"""Reinforcement learning: controllers that answer a space's questions one after the other, and learn from rewards."""

from netwright.strategies.reinforcement.controller import Controller, Draw, Learning
from netwright.strategies.reinforcement.curriculum import CurriculumController
from netwright.strategies.reinforcement.factorised import Factorised
from netwright.strategies.reinforcement.grow_trim import GrowTrim
from netwright.strategies.reinforcement.losses import ClippedRatio, Likelihood, PolicyLoss
from netwright.strategies.reinforcement.lstm import Lstm
from netwright.strategies.reinforcement.paths import PathController
from netwright.strategies.reinforcement.policy import Policy
from netwright.strategies.reinforcement.policy_gradient import PolicyGradient
from netwright.strategies.reinforcement.q_learning import QLearning
from netwright.strategies.reinforcement.sharing import SharedController

PROVIDES = ("search.rnn_pg", "search.dist_pg", "search.q_learning")

__all__ = [
    "ClippedRatio",
    "Controller",
    "CurriculumController",
    "Draw",
    "Factorised",
    "GrowTrim",
    "Learning",
    "Likelihood",
    "Lstm",
    "PathController",
    "Policy",
    "PolicyGradient",
    "PolicyLoss",
    "QLearning",
    "SharedController",
]
