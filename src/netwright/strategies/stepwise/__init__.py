"""Strategies that go step by step between small and large networks, by what each step costs and brings."""

from netwright.strategies.stepwise.cost_benefit import CostBenefit
from netwright.strategies.stepwise.edge_removal import EdgeRemoval
from netwright.strategies.stepwise.net_adapt import NetAdapt
from netwright.strategies.stepwise.partial_order import PartialOrder

__all__ = ["CostBenefit", "EdgeRemoval", "NetAdapt", "PartialOrder"]
