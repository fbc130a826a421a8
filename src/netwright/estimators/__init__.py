"""Performance estimation strategies: what a candidate costs and how good it is."""

from netwright.estimators.cost import Cost
from netwright.estimators.counted import Counted
from netwright.estimators.function import Function
from netwright.estimators.machine import BoardLatency, Energy, Footprint, Latency, PredictedLatency
from netwright.estimators.predicted import Predicted
from netwright.estimators.shared_weights import SharedWeights
from netwright.estimators.stack import Stack
from netwright.estimators.table import Table
from netwright.estimators.training import Training
from netwright.estimators.zero_cost import Filter, ZeroCost

__all__ = [
    "BoardLatency",
    "Cost",
    "Counted",
    "Energy",
    "Filter",
    "Footprint",
    "Function",
    "Latency",
    "Predicted",
    "PredictedLatency",
    "SharedWeights",
    "Stack",
    "Table",
    "Training",
    "ZeroCost",
]
