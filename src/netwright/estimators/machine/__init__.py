"""What a network takes on a machine: bytes, and time."""

from netwright.estimators.machine.board import BoardLatency
from netwright.estimators.machine.energy import Energy
from netwright.estimators.machine.footprint import Footprint
from netwright.estimators.machine.latency import Latency, PredictedLatency
from netwright.estimators.machine.stages import METRICS, behind, keeping, known_beforehand, where

__all__ = [
    "METRICS",
    "BoardLatency",
    "Energy",
    "Footprint",
    "Latency",
    "PredictedLatency",
    "behind",
    "keeping",
    "known_beforehand",
    "where",
]
